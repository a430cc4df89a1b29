# SPDX-License-Identifier: MIT
"""Copies an object without some entries of its dynamic section.

    python3 untag.py versions IN OUT    like a libcurl that is built from source
    python3 untag.py debug IN OUT       like a program linked with lld -z rodynamic: no slot for debuggers
"""
import os
import struct
import sys

TAGS = {"versions": (0x6ffffff0, 0x6ffffffc, 0x6ffffffd, 0x6ffffffe, 0x6fffffff),  # DT_VERSYM to DT_VERNEEDNUM
        "debug": (21,)}
UNKNOWN = 0x6ffffe00  # ignored by the loader
PT_DYNAMIC = 2

what, source, out = sys.argv[1:]
with open(source, "rb") as f:
    image = bytearray(f.read())
assert image[:6] == b"\x7fELF\x02\x01", "64 bits, little endian"
headers, = struct.unpack_from("<Q", image, 32)
size, count = struct.unpack_from("<HH", image, 54)
for i in range(count):
    kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", image, headers + i * size)
    if kind == PT_DYNAMIC:
        for at in range(offset, offset + length, 16):
            if struct.unpack_from("<Q", image, at)[0] in TAGS[what]:
                struct.pack_into("<Q", image, at, UNKNOWN)
with open(out, "wb") as f:
    f.write(image)
os.chmod(out, 0o755)
