#!/bin/sh
# Runs the files of the image in an empty root, without a container engine. Needs root, for chroot.
# Usage: sh check.sh target/release/service-emulator
#
# Prints the size of the stripped program, the files, and the time from the start to `ready`. Fails if the program does not
# start, does not report that it is healthy, or does not stop in order.
set -eu
here=$(dirname "$0")
root=$(mktemp -d)
process=
trap 'if [ -n "$process" ]; then kill "$process" 2>/dev/null || true; fi; rm -rf "$root"' EXIT

cp "$1" "$root/stripped"
strip "$root/stripped"
echo "program: $(stat -c %s "$root/stripped") bytes, stripped"
mkdir "$root/image"
sh "$here/files.sh" "$root/stripped" "$root/image"
(cd "$root/image" && find . -type f)

mkfifo "$root/out"
began=$(date +%s%N)
chroot "$root/image" /service-emulator --port 0 --log off > "$root/out" &
process=$!
url=
while read -r line; do
    case $line in
        HULFT_WEBCONNECT_ENDPOINT=*) url=${line#*=} ;;
        ready) break ;;
    esac
done < "$root/out"
echo "ready after $((($(date +%s%N) - began) / 1000)) us"

chroot "$root/image" /service-emulator health "$url"
echo "healthy at $url"
kill -TERM "$process"
wait "$process"
process=
echo "stopped in order"
