#!/bin/sh
# Copies a program, and the libraries that it links, to a directory that becomes the root of an image.
# Usage: sh files.sh PROGRAM DIRECTORY
set -eu
program=$1
root=$2

# The certificate of `--tls` is written to /tmp.
mkdir -p "$root/tmp"
cp "$program" "$root/service-emulator"
ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
