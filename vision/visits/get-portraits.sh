#!/bin/sh
# get-portraits.sh DIR: puts the two portraits that the clips are made of into DIR, from the Debian packages that carry
# them, each checked by sha256. Needs apt-get and dpkg-deb; installs nothing. Then:
#   go run ./vision/visits/gen -portraits DIR -out vision/visits/clips -readme vision/visits/README.md
set -eu
[ $# -eq 1 ] || { echo "usage: get-portraits.sh DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

fail() { echo "get-portraits: $*" >&2; exit 1; }
matches() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# portrait PACKAGE MEMBER SHA256
portrait() {
	to=$dir/$(basename "$2")
	matches "$to" "$3" && return 0
	tmp=$(mktemp -d)
	chmod 755 "$tmp" # apt downloads as its own user
	(cd "$tmp" && apt-get download "$1" >/dev/null) || fail "apt-get could not download $1: run 'apt-get update', then try again."
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -xO "./$2" >"$to.part"
	rm -r "$tmp"
	matches "$to.part" "$3" || fail "$2 of package $1 has another sha256 than $3: the package has changed, the landmarks won't fit."
	mv "$to.part" "$to"
	echo "get-portraits: $to"
}

portrait facedetect usr/share/doc/facedetect/examples/grace_hopper_512x512.jpg \
	ee9d775343587100337da3bd24f9f9daf49756132362f09ca3ac9b676c4341b3
portrait python3-skimage usr/lib/python3/dist-packages/skimage/data/astronaut.png \
	88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5
