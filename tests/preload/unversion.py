# SPDX-License-Identifier: MIT
"""Copies a shared library without its symbol versions, as libcurl is when it is built from source.

    python3 unversion.py IN OUT
"""
import struct
import sys

VERSIONS = (0x6ffffff0, 0x6ffffffc, 0x6ffffffd, 0x6ffffffe, 0x6fffffff)  # DT_VERSYM to DT_VERNEEDNUM
UNKNOWN = 0x6ffffe00  # to the loader
PT_DYNAMIC = 2

with open(sys.argv[1], "rb") as f:
    image = bytearray(f.read())
assert image[:6] == b"\x7fELF\x02\x01", "64 bits, little endian"
headers, = struct.unpack_from("<Q", image, 32)
size, count = struct.unpack_from("<HH", image, 54)
for i in range(count):
    kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", image, headers + i * size)
    if kind == PT_DYNAMIC:
        for at in range(offset, offset + length, 16):
            if struct.unpack_from("<Q", image, at)[0] in VERSIONS:
                struct.pack_into("<Q", image, at, UNKNOWN)
with open(sys.argv[2], "wb") as f:
    f.write(image)
