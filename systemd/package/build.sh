#!/bin/sh
# build.sh ARCH BINARY LIBRARY VERSION OUT: OUT/smiletill_V_ARCH.deb and .tar.gz of the binary and TFLite library
# that are given (ARCH as Debian and Go call it: amd64, arm64). The same input gives the same bytes: times are
# SOURCE_DATE_EPOCH, or the last commit's; names are sorted; everything is root's. gzip, because a Pi unpacks it
# several times as fast as xz.
set -eu
export LC_ALL=C
umask 022
arch=$1 binary=$2 library=$3 version=$4 out=$5
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
: "${SOURCE_DATE_EPOCH:=$(git -C "$top" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

# Debian's versions begin with a digit and grow: a tag as it is, a commit by its time.
case $version in
v[0-9]*) debian=$(echo "${version#v}" | tr - +) ;;
*) debian=0.0.0+git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$version" | tr - +) ;;
esac

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
put() { install -D -m "$1" "$2" "$tree/root/$3"; }
put 755 "$binary" usr/bin/smiletill
put 644 "$library" usr/lib/smiletill/libtensorflowlite_c.so
# Both name folders of the machines that built them as places of libraries: whoever could write there would be root's guest.
patchelf --set-rpath /usr/lib/smiletill "$tree/root/usr/bin/smiletill"
patchelf --remove-rpath "$tree/root/usr/lib/smiletill/libtensorflowlite_c.so"
for unit in "$top"/systemd/*.service; do
	put 644 "$unit" "usr/lib/systemd/system/$(basename "$unit")"
done
put 644 "$top/systemd/smiletill.sysusers" usr/lib/sysusers.d/smiletill.conf
put 644 "$top/systemd/smiletill.tmpfiles" usr/lib/tmpfiles.d/smiletill.conf
put 644 "$top/systemd/60-smiletill.rules" usr/lib/udev/rules.d/60-smiletill.rules
# Not in /etc: dpkg would ask at each upgrade whose version counts, and stop where nobody answers. postinst copies it
# there once. Nor in usr/share/doc, which small systems leave out.
put 644 "$top/cmd/smiletill/config/smiletill.toml" usr/share/smiletill/smiletill.toml
for part in edgetpu.conf pwm.conf setup-image.conf setup-report-image.conf update-image.conf 61-smiletill-update.rules; do
	put 644 "$top/systemd/$part" "usr/share/doc/smiletill/examples/$part"
done
for paper in README.md systemd/README.md payment/README.md payment/register/README.md payment/register/CONFORMANCE.md \
	payment/vending/README.md payment/cloud/README.md vision/README.md models/README.md buildroot/README.md; do
	put 644 "$top/$paper" "usr/share/doc/smiletill/$paper"
done
put 644 "$top/LICENSE" usr/share/doc/smiletill/copyright
put 644 "$top/cmd/smiletill/cli/NOTICES.md" usr/share/doc/smiletill/NOTICES.md

mkdir -p "$out"
name=smiletill_${debian}_$arch
find "$tree/root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
tar -C "$tree/root" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner -cf - usr | gzip -6n >"$out/$name.tar.gz.part"

mkdir "$tree/root/DEBIAN"
size=$(($(find "$tree/root" -type f -printf '%s\n' | awk '{ n += int(($1 + 1023) / 1024) } END { print n }')))
sed -e "s/@VERSION@/$debian/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" "$here/control" >"$tree/root/DEBIAN/control"
(cd "$tree/root" && find usr -type f | sort | xargs md5sum) >"$tree/root/DEBIAN/md5sums"
for script in postinst prerm postrm; do
	install -m 755 "$here/$script" "$tree/root/DEBIAN/$script"
done
dpkg-deb --root-owner-group -Zgzip -z6 --build "$tree/root" "$out/$name.deb.part" >/dev/null
mv "$out/$name.tar.gz.part" "$out/$name.tar.gz"
mv "$out/$name.deb.part" "$out/$name.deb"
echo "$out/$name.deb"
