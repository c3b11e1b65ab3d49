#!/bin/bash
# build.sh BOARD OUT DEB: a card's image for BOARD (virt, pi3, pi4, zero2w) from Debian's arm64 packages and the terminal's own DEB, in OUT:
# smiletill-BOARD.img.gz, its map for bmaptool, manifest and parts list (CycloneDX), and the list of packages that were used. Root only.
# Packages are kept in OUT/debs while the lists and SOURCES are the same. KEYRING is the certificate that updates go back to; without
# it the card takes none, but that for virt, whose keys are made in OUT/keys. With BUNDLE_KEY and BUNDLE_CERT the same is made an
# update for the slots of other cards: smiletill-BOARD.raucb.
# Packages that differ from debian/BOARD.lock are listed; with LOCKED=1 that stops before they are installed. SOURCES is a
# sources.list to take them from. `build.sh --check BOARD` only says whether there is such a card.
# No program for arm64 is run but by dpkg's scripts (qemu-user): what makes the card's files are this machine's own tools.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/sbin:/usr/sbin"
check=
[ "$1" != --check ] || { check=1; shift; }
board=$1
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
shared=$here/../board/card
suite=bookworm
: "${SOURCE_DATE_EPOCH:=$(git -C "$top" log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
begun=$SECONDS
say() { printf '  card: %3d s  %s\n' $((SECONDS - begun)) "$*"; }
pi="grub-efi-arm64-signed u-boot-rpi raspi-firmware"
case $board in
virt) loaders="grub-efi-arm64-signed" components=main parts="kiosk virt" ;;
pi3 | pi4) loaders="$pi" components=main,non-free-firmware parts="kiosk pi" ;;
zero2w) loaders="$pi" components=main,non-free-firmware parts=pi ;; # 512 MB: no screen
*) echo "card: no card is made of Debian's packages for '$board': BOARD=virt, pi3, pi4 or zero2w (for a Pi 5: make image)" >&2 && exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "card: a root with its owners is made by root alone: sudo make card BOARD=$board" >&2; exit 1; }
[ -z "${SOURCES:-}" ] || [ -r "$SOURCES" ] || { echo "card: SOURCES=$SOURCES can't be read: name a sources.list" >&2; exit 1; }
for name in KEYRING BUNDLE_KEY BUNDLE_CERT; do
	[ -z "${!name:-}" ] || [ -r "${!name}" ] || { echo "card: $name=${!name} can't be read: buildroot/board/keys.sh makes what signs updates" >&2; exit 1; }
done
[ -z "$check" ] || exit 0
out=$2 deb=$(realpath "$3")
mkdir -p "$out"
out=$(cd "$out" && pwd)
cache=$out/debs
root=$out/root images=$out/images
if [ "$board" = virt ] && [ -z "${KEYRING:-}" ]; then
	sh "$here/../board/keys.sh" "$out/keys"
	KEYRING=$out/keys/ca.pem BUNDLE_KEY=$out/keys/sign.key BUNDLE_CERT=$out/keys/sign.pem
	export BUNDLE_KEY BUNDLE_CERT
fi
# nothing of a card that was made before is taken for this one's
rm -rf --one-file-system "$root" "$images"
rm -f "$out/smiletill-$board".* "$out/packages.lock"
mkdir -p "$images"
room=$(df --output=avail -BM "$out" | tr -dc 0-9) needed=2500 # what the largest took, and a quarter more
[ "$room" -ge $needed ] || { echo "card: $out has $room MB left, and a card takes $needed: make room there" >&2; exit 1; }
export TMPDIR=$out

# binfmt: the kernel starts arm64 programs with qemu-user, as Debian's package sets it up where systemd runs
binfmt() {
	local at=/proc/sys/fs/binfmt_misc
	[ "$(uname -m)" != aarch64 ] || return 0
	[ -e $at/register ] || mount -t binfmt_misc binfmt_misc $at
	[ -e $at/qemu-aarch64 ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf >$at/register
}

# names: the packages of the board's lists, without what is said of them, with commas
names() {
	local p
	for p in "" $parts; do
		[ ! -e "$here/packages${p:+.$p}" ] || sed 's/#.*//' "$here/packages${p:+.$p}"
	done | tr -s ' \n' ',' | sed 's/^,//; s/,$//'
}

# all that is in the cache is installed
wanted=$(names; [ -z "${SOURCES:-}" ] || cat "$SOURCES")
[ "$wanted" = "$(cat "$cache/names" 2>/dev/null)" ] || { rm -rf "$cache"; mkdir "$cache"; printf '%s' "$wanted" >"$cache/names"; }

# packages: Debian's root. Its files are unpacked by this machine's own dpkg and tar; only the packages' scripts are arm64
# programs, which qemu-user runs at a tenth of the speed. update-initramfs would take 12 minutes so, for what is made below in
# a second.
packages() {
	mmdebstrap --quiet --mode=root --architectures=arm64 --variant=extract --components="$components" \
		--include='?essential' --include="usr-is-merged,$(names)" --skip=download/empty --skip=essential/unlink \
		--setup-hook="for d in bin sbin lib; do mkdir -p \"\$1/usr/\$d\"; ln -s \"usr/\$d\" \"\$1/\$d\"; done" \
		--setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"; find '$cache' -name '*.deb' -exec cp -lnt \"\$1/var/cache/apt/archives\" {} +" \
		--extract-hook="cd \"\$1/var/cache/apt/archives\" && APT_CONFIG=\"\$MMDEBSTRAP_APT_CONFIG\" apt-get -qq -o APT::Sandbox::User=root download ${loaders// /:arm64 }:arm64" \
		--extract-hook="find \"\$1/var/cache/apt/archives\" -name '*.deb' -exec cp -lnt '$cache' {} +" \
		--extract-hook="bash '$here/install.sh' \"\$1\" '$deb' '$loaders' '${LOCKED:+$here/$board.lock}'" \
		"$suite" "$root" ${SOURCES:+"$SOURCES"} || {
		echo "card: no root was made: why is said above. Where packages can't be fetched: is there a network? They come from" \
			"${SOURCES:-Debian itself}" >&2
		return 1
	}
}

# furnish: what makes Debian's root a card's: what Buildroot's has too, and no way to log in but the technician's.
furnish() {
	local p system=$root/etc/systemd/system
	cp -a --no-preserve=ownership "$shared/overlay/." "$root/"
	for p in "" $parts; do
		[ ! -d "$here/overlay${p:+.$p}" ] || cp -a --no-preserve=ownership "$here/overlay${p:+.$p}/." "$root/"
	done
	printf 'BR2_PACKAGE_SMILETILL_KEYRING="%s"\n' "${KEYRING:-}" >"$out/settings"
	BR2_CONFIG=$out/settings sh "$shared/post-build.sh" "$root" "$board"
	for p in getty@ serial-getty@ console-getty container-getty@ debug-shell e2scrub_reap systemd-firstboot; do
		ln -sf /dev/null "$system/$p.service"
	done
	rm -rf "$system/getty.target.wants"
	cp "$root/usr/share/systemd/tmp.mount" "$system/" # Debian has /tmp on the root
	ln -sf ../tmp.mount "$system/local-fs.target.wants/"
	chroot "$root" systemd-sysusers 2>/dev/null # what is there already is told too
	: >"$root/etc/machine-id" # each card makes its own, in memory
	rm -f "$root/var/lib/dbus/machine-id"
	echo 'DEFAULT_HOSTNAME=till' >>"$root/usr/lib/os-release" # until it has one of its own
	ln -sf ../run/NetworkManager/resolv.conf "$root/etc/resolv.conf"
	: >"$root/etc/fstab"
	rm -f "$root/etc/NetworkManager/dispatcher.d/01-ifupdown" # of another program, and fails without it
	# Debian's newer package has this name too. A Zero 2 W whose Wi-Fi has another chip finds no firmware in either.
	[ "$board" != zero2w ] || ln -s "brcmfmac43430-sdio.raspberrypi,3-model-b.txt" \
		"$root/lib/firmware/brcm/brcmfmac43430-sdio.raspberrypi,model-zero-2-w.txt"
	chroot "$root" smiletill version --json >"$images/version.json"
	# `smiletill status` and the others find the settings without being told where
	ln -sf /boot/select/smiletill.toml "$root/etc/smiletill/smiletill.toml"
	rm -f "$root"/etc/dpkg/dpkg.cfg.d/* "$root/usr/sbin/update-"{initramfs,ca-certificates} "$root/etc/apt/sources.list"
	rm -rf "$root/var/log/journal"
	# squashfs keeps no lists of who may; on a card technician alone logs in, and asks as root
	python3 -c 'import os, sys; os.removexattr(sys.argv[1], "system.posix_acl_access")' "$root/etc/smiletill"
	find "$root/var/log" "$root/var/cache" -type f -delete
}

# initrd: the program that finds and verifies the root, and the modules it needs, in the order in which they load; and the
# machine's watchdog, which systemd feeds from its own start on.
initrd() {
	local dir=$out/initrd modules=$root/lib/modules/$kernel m name display=
	case $parts in *kiosk*) display="virtio_gpu vc4" ;; esac # where the init program draws
	rm -rf "$dir"
	mkdir -p "$dir/modules" "$dir/dev" "$dir/proc" "$dir/sys" "$dir/root"
	add() { # add FILE: the modules it needs first, each once
		local need
		[ ! -e "$dir/modules/$(basename "$1")" ] || return 0
		for need in $(sed -n "s#^$1: ##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do add "$need"; done
		cp "$modules/$1" "$dir/modules/"
		basename "$1" >>"$dir/modules.list"
	}
	for m in virtio_pci virtio_blk mmc_block sdhci_iproc bcm2835 gpio_raspberrypi_exp clk_raspberrypi gpio_regulator \
		sha256_generic sha256_arm64 sha2_ce dm_verity squashfs bcm2835_wdt i6300esb $display; do
		# what is built into the kernel has no file
		! grep -qE "/${m//[-_]/[-_]}\.ko$" "$modules/modules.builtin" || continue
		name=$(grep -E "/${m//[-_]/[-_]}\.ko:" "$modules/modules.dep" | cut -d: -f1) || { echo "build.sh: this kernel has no $m" >&2; exit 1; }
		add "$name"
	done
	(cd "$top" && CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags='-s -w' -o "$dir/init" ./buildroot/debian/init)
	find "$dir" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$dir" && find . | sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -6n >"$images/initrd"
}

# verity: the root as one file, with its tree of hashes behind it, and what the command line says of both.
verity() {
	local file=$images/rootfs.squashfs size hash
	rm -rf "$root/boot/"*linux* "$root/boot/"{vmlinuz,initrd,System.map,config}* "$root"/{vmlinuz,initrd.img}*
	# all times are the commit's: those of a checkout and of what was made here would differ in each build
	# it takes the time of all by its options, or by the variable, not both
	env -u SOURCE_DATE_EPOCH mksquashfs "$root" "$file" -quiet -no-progress -comp zstd -Xcompression-level 9 -b 256K -noappend \
		-mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH"
	size=$(stat -c %s "$file")
	[ $((size % 4096)) = 0 ]
	hash=$(veritysetup format --no-superblock --hash=sha256 --salt=- --data-block-size=4096 --hash-block-size=4096 \
		--data-blocks=$((size / 4096)) --hash-offset="$size" "$file" "$file" | sed -n 's/^Root hash:[[:space:]]*//p')
	[ ${#hash} = 64 ]
	echo "smiletill.verity=$((size / 4096)):$hash" >"$images/verity"
}

# unpack PACKAGE FILE...: files of a package with a boot loader, into OUT/loader
unpack() {
	local package
	package=$(find "$cache" -name "$1_*.deb" | sort -V | tail -n 1)
	mkdir -p "$out/loader"
	dpkg-deb --fsys-tarfile "$package" | tar -x -C "$out/loader" "${@:2}"
	# shellcheck disable=SC2016 # dpkg-deb's own
	dpkg-deb -W --showformat='${Package} ${Version} ${Architecture} ${source:Package}\n' "$package" >>"$out/unpacked"
}
# grub: Debian's signed one. It asks slots.env which slot starts, and hands over to its kernel.
grub() {
	local file=usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed
	unpack grub-efi-arm64-signed "./$file"
	mv "$out/loader/$file" "$images/BOOTAA64.EFI"
}
# firmware FILE...: what brings a Pi as far as GRUB: its own firmware, which reads config.txt and one of the device trees in $trees,
# and U-Boot, which offers UEFI. All of it is on the first partition, for both slots.
firmware() {
	local name first=$images/first loader=$out/loader/usr/lib
	mkdir "$first"
	unpack raspi-firmware "${@/#/./usr/lib/raspi-firmware/}"
	unpack u-boot-rpi ./usr/lib/u-boot/rpi_arm64/u-boot.bin
	mv "$loader/raspi-firmware/"* "$loader/u-boot/rpi_arm64/u-boot.bin" "$first/"
	cp "$here/config.txt" "$first/"
	python3 "$here/uboot.py" "$here/uboot.txt" "$first/uboot.env"
	for name in $trees; do cp "$root/usr/lib/linux-image-$kernel/broadcom/$name.dtb" "$first/"; done
}

say "packages"
binfmt
packages
kernel=$(basename "$(echo "$root"/lib/modules/*)")
say "kernel $kernel; the card's own files"
furnish
initrd
cp "$root/boot/vmlinuz-$kernel" "$images/Image"
rm -rf "$out/loader" "$out/unpacked"
grub
case $board in
virt) console="console=ttyAMA0" ;;
pi4) trees="bcm2711-rpi-4-b bcm2711-rpi-400" && firmware start4.elf fixup4.dat ;;
pi3) trees="bcm2837-rpi-3-b bcm2837-rpi-3-b-plus" && firmware bootcode.bin start.elf fixup.dat ;;
zero2w) trees=bcm2837-rpi-zero-2-w && firmware bootcode.bin start.elf fixup.dat ;;
esac
say "root"
verity
# No console draws over what the init program drew.
case $parts in *kiosk*) still="fbcon=map:9 vt.global_cursor_default=0" ;; esac
echo "$(cat "$images/verity") ${still:-} ${console:-}" >"$images/cmdline"
say "image"
sh "$shared/post-image.sh" "$images" "$board" >"$out/image.log" 2>&1 || { cat "$out/image.log"; exit 1; }
python3 "$here/papers.py" "$out" "$board" "$cache" "$root" "$here/$board.lock"
# bmaptool writes what this names, a quarter of the image
bmaptool -q create "$images/smiletill-$board.img" -o "$out/smiletill-$board.bmap"
gzip -1n <"$images/smiletill-$board.img" >"$out/image.part"
mv "$out/image.part" "$out/smiletill-$board.img.gz"
if [ -n "${BUNDLE_KEY:-}" ]; then
	sh "$shared/bundle.sh" "$images" "$board" "$out/smiletill-$board.raucb"
	say "$out/smiletill-$board.raucb: $(($(stat -c %s "$out/smiletill-$board.raucb") / 1000000)) MB"
fi
say "$out/smiletill-$board.img.gz: $(($(stat -c %s "$out/smiletill-$board.img.gz") / 1000000)) MB"
