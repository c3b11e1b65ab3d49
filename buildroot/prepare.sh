#!/bin/sh
# prepare.sh OUT TFLITE: puts what the Buildroot packages are built from into OUT: src, the commit's source with its Go modules
# (a package is built without the network), and tflite, the library of TFLITE (a folder as models/build/fetch.sh makes it).
set -eu
out=$1 tflite=$2
here=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$out/src" "$out/tflite"
mkdir -p "$out/src" "$out/tflite/include"
git -C "$here" archive HEAD | tar -x -C "$out/src"
git -C "$here" describe --tags --always >"$out/src/VERSION"
(cd "$out/src" && go mod vendor)
cp "$tflite/linux_arm64/libtensorflowlite_c.so" "$out/tflite/"
cp -R "$tflite/include/." "$out/tflite/include/"
cp "$here/LICENSE" "$out/tflite/LICENSE"
