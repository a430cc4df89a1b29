// SPDX-License-Identifier: MIT
//
// fetch.c in Go, which makes system calls directly, with and without cgo.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

func fetch(address, prefix, path string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Printf("%s: %v\n", path, err)
		return
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /%s/%s HTTP/1.0\r\n\r\n", prefix, path)
	answer, _ := io.ReadAll(c)
	head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	fmt.Printf("%s: 0 %s %s\n", path, strings.Fields(head)[1], body)
}

func main() {
	address, prefix, _ := strings.Cut(strings.TrimPrefix(os.Getenv("BASE"), "http://"), "/")
	for _, path := range os.Args[1:] {
		fetch(address, prefix, path)
	}
}
