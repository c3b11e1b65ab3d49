#!/bin/sh
# bundle.sh IMAGES BOARD OUT: the update OUT (for RAUC, verity format) of rootfs.squashfs and boot.vfat in IMAGES, which a card of BOARD
# was made of too; version.json there is what `smiletill version --json` says. BUNDLE_KEY and BUNDLE_CERT sign it (keys.sh).
# BUNDLE_FLOOR is the oldest version that may be installed over it afterwards. What a terminal has to know before it writes
# anything stands in the manifest: compatible, version, and as words of its description journal=, floor=.
set -eu
images=$1 board=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
for file in "$BUNDLE_KEY" "$BUNDLE_CERT" "$images/rootfs.squashfs" "$images/boot.vfat" "$images/version.json"; do
	[ -r "$file" ] || { echo "bundle: $file can't be read" >&2; exit 1; }
done
# told FIELD: of version.json
told() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" "$images/version.json" | head -n 1; }
version=$(told version) journal=$(told journal)
[ "$version" != "" ] || journal=
[ -n "$journal" ] || { echo "bundle: version.json has no version or no journal" >&2; exit 1; }
compatible=$(sed -n 's/^compatible=//p' "$here/overlay/etc/rauc/system.conf" | sed "s/@BOARD@/$board/")
work=$(mktemp -d "$images/bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/in"
for file in rootfs.squashfs boot.vfat; do ln "$images/$file" "$work/in/"; done
cat >"$work/in/manifest.raucm" <<END
[update]
compatible=$compatible
version=$version
description=journal=$journal${BUNDLE_FLOOR:+ floor=$BUNDLE_FLOOR}

[bundle]
format=verity

[image.rootfs]
filename=rootfs.squashfs

[image.boot]
filename=boot.vfat
END
# Times in it come from the commit: the same images give the same contents. RAUC's salt for their hashes and what signs differ.
: "${SOURCE_DATE_EPOCH:=$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH
rauc --cert="$BUNDLE_CERT" --key="$BUNDLE_KEY" bundle --mksquashfs-args="-comp zstd -Xcompression-level 6" "$work/in" "$work/update.raucb" \
	>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
mv "$work/update.raucb" "$out"
