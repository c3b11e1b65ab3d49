#!/usr/bin/env python3
"""uboot.py SETTINGS OUT: U-Boot's environment as it reads it from uboot.env: NAME=VALUE with a NUL behind each, one more at the end, in
16 KiB (ENV_SIZE of Debian's build), with the CRC-32 of the rest in front. SETTINGS has a NAME=VALUE in each line that is no comment."""
import struct
import sys
import zlib

SIZE = 0x4000


def main():
    with open(sys.argv[1]) as f:
        lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
    text = "".join(line + "\0" for line in sorted(lines)).encode() + b"\0"
    if len(text) > SIZE - 4:
        sys.exit(f"{sys.argv[1]}: {len(text)} bytes, and U-Boot reads {SIZE - 4}")
    text = text.ljust(SIZE - 4, b"\0")
    with open(sys.argv[2], "wb") as f:
        f.write(struct.pack("<I", zlib.crc32(text)) + text)


if __name__ == "__main__":
    main()
