#!/bin/sh
# need.sh [--there] WHAT...: installs in one call what is missing of the Debian packages for WHAT, or, with --there, only says
# what is missing and fails. A file or a command stands for its package. Who comes while another installs waits and looks again.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
there() { # there PACKAGE
	case $1 in
	libc6-dev) test -e /usr/include/stdlib.h ;;
	maven) command -v mvn ;;
	libreoffice-calc-nogui) command -v soffice ;;
	libturbojpeg0) /sbin/ldconfig -p | grep -q libturbojpeg.so.0 ;;
	python3-venv) python3 -c 'import ensurepip, venv' ;;
	mosquitto) test -x /usr/sbin/mosquitto ;;
	swtpm-tools) command -v swtpm_setup ;;
	nftables) test -x /usr/sbin/nft ;;
	mosquitto-clients) command -v mosquitto_sub ;;
	iproute2) command -v ip ;;
	systemd) command -v systemd-analyze ;;
	systemd-container) command -v systemd-nspawn && command -v nsenter ;;
	dpkg) command -v dpkg-deb ;;
	qemu-user) command -v qemu-aarch64 ;;
	gcc-aarch64-linux-gnu) command -v aarch64-linux-gnu-gcc ;;
	libc6-dev-arm64-cross) test -e /usr/aarch64-linux-gnu/include/stdlib.h ;;
	libstdc++6-arm64-cross) test -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ;;
	mtools) command -v mdir ;;
	bmap-tools) command -v bmaptool ;;
	dosfstools) test -x /sbin/mkfs.vfat ;;
	squashfs-tools) command -v mksquashfs ;;
	dbus) command -v dbus-run-session ;;
	fdisk) test -x /sbin/sfdisk ;;
	e2fsprogs) test -x /sbin/mkfs.ext4 ;;
	qemu-user-static) command -v qemu-aarch64-static ;;
	qemu-efi-aarch64) test -e /usr/share/qemu-efi-aarch64/QEMU_EFI.fd ;;
	cryptsetup-bin) test -x /sbin/veritysetup ;;
	qemu-system-arm) command -v qemu-system-aarch64 ;;
	kmod) command -v depmod || test -x /sbin/depmod ;;
	xz-utils) command -v xz ;;
	*) command -v "$1" ;; # gcc npm chromium strace patchelf genimage rauc shellcheck cpio bc mmdebstrap
	esac >/dev/null 2>&1
}
packages() { # packages WHAT
	case $1 in
	build) echo gcc libc6-dev npm maven ;;
	jpeg) echo libturbojpeg0 ;; # makes JPEGs faster, is not needed
	models) echo python3-venv ;;
	tests) echo mosquitto mosquitto-clients nats-server chromium strace iproute2 nftables systemd patchelf dpkg libreoffice-calc-nogui sway cog \
		swtpm swtpm-tools ;;
	arm64) [ "$(uname -m)" = aarch64 ] || echo qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross ;;
	image) echo genimage mtools dosfstools squashfs-tools rauc dbus shellcheck fdisk e2fsprogs xz-utils zstd ;;
	emulate) echo qemu-system-arm cpio kmod xz-utils bc e2fsprogs mosquitto mosquitto-clients ;;
	card) echo bmap-tools mmdebstrap arch-test qemu-user-static cryptsetup-bin squashfs-tools cpio genimage mtools dosfstools fdisk e2fsprogs \
		python3 qemu-system-arm qemu-utils qemu-efi-aarch64 rauc ;;
	boot) [ "$(id -u)" != 0 ] || echo mmdebstrap systemd-container ;; # only root boots a container
	*) echo "need.sh: nobody knows what $1 is" >&2 && exit 2 ;;
	esac
}
only=
[ "$1" != --there ] || { only=1; shift; }
look() { # look WHAT...: sets missing
	missing=
	for what; do
		names=$(packages "$what") || exit 2
		for p in $names; do
			case " $missing " in *" $p "*) continue ;; esac
			there "$p" || missing="$missing $p"
		done
	done
	[ -n "$missing" ]
}
look "$@" || exit 0
[ -z "$only" ] || { echo "missing, and a check must not skip their tests:$missing" >&2; exit 1; }
mkdir -p "$top/.build"
exec 9>"$top/.build/need.lock"
flock 9
look "$@" || exit 0
# shellcheck disable=SC2086 # names of packages, one a word
exec sh "$top/.ci/install.sh" $missing 9>&-
