// SPDX-License-Identifier: MIT
//
// For comparison: golang.org/x/time/rate, one limiter that never refuses.
//
//	rate GOROUTINES ITERATIONS      prints ns per decision, as one goroutine sees it
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

func main() {
	workers, _ := strconv.Atoi(os.Args[1])
	n, _ := strconv.Atoi(os.Args[2])
	limiter := rate.NewLimiter(1e9, 1e9)
	var done sync.WaitGroup
	begun := time.Now()
	for w := 0; w < workers; w++ {
		done.Add(1)
		go func() {
			for i := 0; i < n; i++ {
				if !limiter.Allow() {
					panic("refused: not the case that is measured")
				}
			}
			done.Done()
		}()
	}
	done.Wait()
	fmt.Printf("%.2f\n", float64(time.Since(begun).Nanoseconds())/float64(n))
}
