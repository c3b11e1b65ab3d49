#!/bin/sh
# post-image.sh IMAGES BOARD: the card's image, and boot.vfat, the boot partition of an update (its root is rootfs.squashfs).
# Buildroot calls it when the root is made, and debian/build.sh. IMAGES holds Image, *.dtb, rootfs.squashfs and, for a Pi,
# rpi-firmware; it may hold initrd, words for the end of the command line (cmdline) and, for a board with UEFI, its boot loader as
# BOOTAA64.EFI and what starts that one in first.
set -eu
images=$1 board=$2
here=$(cd "$(dirname "$0")" && pwd)
signature=534d4c54 # "SMLT": the partitions' names begin with it
root_size=${SMILETILL_ROOT_SIZE:-512M} data_size=${SMILETILL_DATA_SIZE:-1G}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
input=$work/input
mkdir "$input"

cp "$images/rootfs.squashfs" "$input/"
cp "${SMILETILL_TOML:-$here/../../../cmd/smiletill/config/smiletill.toml}" "$input/smiletill.toml"
chooser=pi file=autoboot.txt
[ ! -e "$images/BOOTAA64.EFI" ] || chooser=uefi file=slots.env
SMILETILL_SELECT=$input "$here/overlay/usr/lib/smiletill/slots" init "$chooser"
more=$(cat "$images/cmdline" 2>/dev/null || true)
# cmdline SLOT ROOT
cmdline() {
	sed -e "s/@SIGNATURE@/$signature/" -e "s/@ROOT@/$2/" -e "s/@SLOT@/$1/" -e "s/ quiet\$/&${more:+ $more}/" "$here/../pi/cmdline.txt"
}
# boot SLOT ROOT: the folder of a slot's boot partition; prints its files as genimage wants them. That of a bundle is for no slot
# yet: RAUC's chooser (slots) makes a Pi's command line of cmdline.in when it is installed.
boot() {
	mkdir -p "$input/$1"
	cp "$images/Image" "$input/$1/"
	for f in "$images"/*.dtb; do [ ! -e "$f" ] || cp "$f" "$input/$1/"; done
	[ ! -d "$images/rpi-firmware" ] || cp -R "$images/rpi-firmware/." "$input/$1/"
	[ ! -e "$images/initrd" ] || cp "$images/initrd" "$input/$1/"
	if [ "$chooser" = uefi ]; then # GRUB fills in which slot it is
		sed "s#@CMDLINE@#$(cmdline "\$slot" "\$number")#" "$here/../efi/slot.cfg" >"$input/$1/slot.cfg"
	else
		rm -f "$input/$1/cmdline.txt" # the firmware's package brings one
		cmdline @SLOT@ @ROOT@ >"$input/$1/cmdline.in"
		[ "$1" = bundle ] || cmdline "$1" "$2" >"$input/$1/cmdline.txt"
	fi
	(cd "$input/$1" && find . -mindepth 1 -maxdepth 1 | LC_ALL=C sort | sed "s#^\./\(.*\)#\"$1/\1\", #" | tr -d '\n' | sed 's/, $//')
}
# A Pi 3 and a Zero 2 W read their second stage from the first partition.
first=
if [ -e "$images/rpi-firmware/bootcode.bin" ]; then
	cp "$images/rpi-firmware/bootcode.bin" "$input/"
	first=', "bootcode.bin"'
fi
if [ "$chooser" = uefi ]; then
	mkdir -p "$input/EFI/BOOT" "$input/EFI/debian"
	cp "$images/BOOTAA64.EFI" "$input/EFI/BOOT/"
	cp "$here/../efi/grub.cfg" "$input/EFI/debian/" # where Debian's GRUB looks
	first=', "EFI"'
	if [ -d "$images/first" ]; then # a Pi's firmware, and U-Boot
		cp -R "$images/first/." "$input/"
		first=$first$(cd "$images/first" && find . -mindepth 1 -maxdepth 1 | LC_ALL=C sort | sed 's#^\./\(.*\)#, "\1"#' | tr -d '\n')
	fi
fi
boot_a=$(boot A 05)
boot_b=$(boot B 06)
boot_bundle=$(boot bundle "")
sed -e "s#@BOOT_A@#$boot_a#" -e "s#@BOOT_B@#$boot_b#" -e "s#@BOOT@#$boot_bundle#" -e "s/@BOARD@/$board/" -e "s/@SIGNATURE@/$signature/" \
	-e "s/@FIRST@/$first/" -e "s/@CHOOSER@/$file/" -e "s/@ROOT_SIZE@/$root_size/" -e "s/@DATA_SIZE@/$data_size/" "$here/genimage.cfg.in" >"$work/genimage.cfg"
# Times in the FAT and on disk come from the commit, so that the same source gives the same image.
: "${SOURCE_DATE_EPOCH:=$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH
find "$input" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
genimage --loglevel 1 --rootpath "$input" --tmppath "$work/tmp" --inputpath "$input" --outputpath "$images" \
	--config "$work/genimage.cfg"
rm -f "$images/select.vfat"
echo "post-image: $images/smiletill-$board.img: write it to a card"
