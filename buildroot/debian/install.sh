#!/bin/bash
# install.sh ROOT DEB LOADERS [LOCK]: installs in ROOT, whose files are there already, the packages of its apt cache but LOADERS, and
# DEB. This machine's dpkg unpacks them; their scripts are run in ROOT. Nothing is installed of packages that are not those of LOCK.
set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
root=$1 deb=$2 lock=${4:-}
read -ra loaders <<<"$3"
# of a package that has a newer version meanwhile, the cache still has the old one too
previous=
while read -r file; do
	[ "${previous%%_*}" != "${file%%_*}" ] || rm "$root/var/cache/apt/archives/$previous"
	previous=$file
done < <(find "$root/var/cache/apt/archives" -name '*.deb' -printf '%f\n' | sort -V)
[ -z "$lock" ] || python3 "$(dirname "$0")/papers.py" --fetched "$root/var/cache/apt/archives" "$lock"
log=$root/install.log
exec 3>&1 >"$log" 2>&1
trap '[ $? = 0 ] || tail -n 30 "$log" >&3' EXIT
without=()
for what in 'doc/*' 'man/*' 'locale/*' 'info/*' 'bash-completion/*' 'lintian/*'; do without+=("--path-exclude=/usr/share/$what"); done
without+=('--path-include=/usr/share/doc/*/copyright')
find "$root/usr/share/doc" -mindepth 2 ! -type d ! -name copyright -delete
rm -rf "$root/usr/share/"{man,locale,info,bash-completion,lintian}
mkdir -p "$root/var/lib/dpkg/"{info,updates,triggers,parts}
touch "$root/var/lib/dpkg/"{status,available}
# no service is started where there is no system
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# what makes users, and what scripts are written in, has to be there before the first script
[ -e "$root/etc/passwd" ] || cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
[ -e "$root/etc/group" ] || cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
mount -t proc proc "$root/proc"
trap '[ $? = 0 ] || tail -n 30 "$log" >&3; umount "$root/proc"' EXIT
# what takes minutes under qemu-user and is made without it
for slow in update-initramfs update-ca-certificates; do
	dpkg-divert --root="$root" --quiet --local --no-rename --divert "/usr/sbin/$slow.debian" --add "/usr/sbin/$slow"
	ln -sf /bin/true "$root/usr/sbin/$slow"
done
not=()
for p in "${loaders[@]}"; do not+=(! -name "${p}_*"); done
find "$root/var/cache/apt/archives" -name '*.deb' "${not[@]}" -print0 | sort -z | xargs -0 \
	dpkg --root="$root" --force-architecture --force-depends --force-unsafe-io --force-confdef "${without[@]}" --unpack
cp "$deb" "$root/terminal.deb"
dpkg --root="$root" --force-architecture --force-depends --force-unsafe-io "${without[@]}" --unpack "$root/terminal.deb"
rm "$root/terminal.deb" "$root/var/lib/dpkg/arch" 2>/dev/null || true
chroot "$root" dpkg --configure --force-depends libc6:arm64 base-passwd base-files mawk debconf
chroot "$root" dpkg --configure -a
rm -f "$root/usr/sbin/policy-rc.d"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
chroot "$root" dpkg --audit >&3
trap - EXIT
umount "$root/proc"
mv "$log" "$root/var/log/"
