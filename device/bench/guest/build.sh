#!/bin/bash
# build.sh DIR: puts DIR/kernel and DIR/initrd there: Debian's own arm64 kernel for this machine's release, its modules
# for cameras, lines and disks, gpio-sim built from Debian's source of that kernel (its arm64 kernel has it turned off),
# the C libraries that smiletill asks for, busybox, and the agent of this folder as /init. Everything comes from Debian's
# archive through apt and stays in DIR; the second time only the agent is built again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/deb" "$1/apt/lists/partial" "$1/apt/cache/archives/partial"
dir=$(cd "$1" && pwd)
host=$(dpkg --print-architecture)
cross=aarch64-linux-gnu-
[ "$host" != arm64 ] || cross=
say() { echo "  guest: $*"; }

# apt's own state in DIR knows both architectures; the machine's is left alone.
apt_own=(-o "APT::Architectures::=$host" -o APT::Architectures::=arm64 -o "Dir::State::lists=$dir/apt/lists"
	-o "Dir::Cache=$dir/apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3
	-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
	-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)

depends() { apt-cache "${apt_own[@]}" depends "$1" | sed -n "s/^ *Depends: \($2[^: ]*\).*/\1/p" | head -n 1; }

# deb NAME ARCH: the file of a package that was downloaded.
deb() { find "$dir/deb" -name "$1_*_$2.deb" | sort | tail -n 1; }

# pick: the names and versions of what is needed, and one download of what is not there yet.
pick() {
	[ -e "$dir/apt/updated" ] || { say "reading Debian's package lists"; apt-get "${apt_own[@]}" -qq update; touch "$dir/apt/updated"; }
	local image source want=() p name arch
	image=$(depends linux-image-arm64:arm64 linux-image-)
	kernel=${image#linux-image-}
	common="linux-headers-${kernel%-arm64}-common"
	source=$(depends linux-source linux-source-)
	kbuild=linux-kbuild-${source#linux-source-}
	if [ -z "$kernel" ] || [ -z "$source" ]; then
		say "Debian's lists name no arm64 kernel"
		return 1
	fi
	for p in "$image:arm64" "linux-headers-$kernel:arm64" "$common:all" "$kbuild:$host" "$source:all" busybox-static:arm64 \
		libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64 libturbojpeg0:arm64; do
		name=${p%:*} arch=${p#*:}
		[ -n "$(deb "$name" "$arch")" ] || want+=("${p%:all}")
	done
	[ ${#want[@]} = 0 ] && return
	say "downloading ${#want[@]} Debian packages of kernel $kernel (210 MB in all)"
	(cd "$dir/deb" && apt-get "${apt_own[@]}" -qq download "${want[@]}")
}
pick || { rm -f "$dir/apt/updated"; say "once more, with new lists"; pick; } # the archive has moved on meanwhile

# unpack NAME ARCH FOLDER
unpack() { [ -e "$3/.unpacked-$1" ] || { mkdir -p "$3"; dpkg-deb -x "$(deb "$1" "$2")" "$3"; touch "$3/.unpacked-$1"; }; }

k=$dir/$kernel
unpack "linux-image-$kernel" arm64 "$k/image"
modules=$k/image/lib/modules/$kernel
[ -e "$modules/modules.dep" ] || depmod -b "$k/image" "$kernel"

# gpio-sim needs irq_sim, which Debian leaves out too: both become one module.
build_gpio_sim() {
	local src=$k/gpio-sim headers=$k/headers tree=${source_name}
	say "building gpio-sim for $kernel"
	mkdir -p "$src"
	unpack "linux-headers-$kernel" arm64 "$headers"
	unpack "$common" all "$headers"
	unpack "$kbuild" "$host" "$headers"
	sed -i "s#^include /usr/src#include $headers/usr/src#" "$headers/usr/src/linux-headers-$kernel/Makefile"
	dpkg-deb --fsys-tarfile "$(deb "$tree" all)" | tar -xO "./usr/src/$tree.tar.xz" | tar -xJ -C "$src" --strip-components=1 \
		"$tree/drivers/gpio/gpio-sim.c" "$tree/drivers/gpio/gpiolib.h" "$tree/kernel/irq/irq_sim.c"
	cp "$src/drivers/gpio/gpio-sim.c" "$src/sim.c"
	cp "$src/drivers/gpio/gpiolib.h" "$src/"
	# irq_to_desc is not exported to modules; the same is found by two calls that are
	sed 's/irq_to_desc(irqnum)/irq_data_to_desc(irq_get_irq_data(irqnum))/' "$src/kernel/irq/irq_sim.c" >"$src/irq_sim.c"
	printf 'obj-m := gpio-sim.o\ngpio-sim-y := sim.o irq_sim.o\n' >"$src/Makefile"
	make -s -C "$headers/usr/src/linux-headers-$kernel" M="$src" ARCH=arm64 CROSS_COMPILE="$cross" modules >"$src/log" 2>&1 ||
		{ cat "$src/log"; return 1; }
	"${cross}strip" --strip-debug "$src/gpio-sim.ko"
}
source_name=linux-source-${kbuild#linux-kbuild-}
[ -e "$k/gpio-sim/gpio-sim.ko" ] || build_gpio_sim

# The guest's root: modules in the order in which they load, libraries, busybox, the agent.
root=$dir/root
rm -rf "$root"
mkdir -p "$root"/{bin,lib,proc,sys,dev,tmp,run,etc,modules,var/lib}
: >"$root/modules.list"
add_module() { # add_module FILE [PARAMETERS]: the modules it needs first; each once
	local name need
	name=$(basename "$1" .ko)
	[ ! -e "$root/modules/$name.ko" ] || return 0
	for need in $(sed -n "s#^$1: ##p" "$modules/modules.dep" | tr ' ' '\n' | tac); do add_module "$need"; done
	cp "$modules/$1" "$root/modules/$name.ko"
	"${cross}strip" --strip-debug "$root/modules/$name.ko"
	echo "$name ${2:-}" >>"$root/modules.list"
}
module() { # module NAME [PARAMETERS]; what is built into the kernel is there already
	local file
	file=$(grep -E "/${1//[-_]/[-_]}\.ko:" "$modules/modules.dep" | cut -d: -f1) || return 0
	add_module "$file" "${2:-}"
}
for m in virtio_pci virtio_console virtio_net virtio_blk crc32c_generic ext4 configfs uvcvideo vhci-hcd; do module "$m"; done
module softdog "soft_noboot=1" # complains in place of a reset
# one device for pictures, with a metadata node beside it, and one that only takes pictures
module vivid "n_devs=2 node_types=0x20001,0x100 num_inputs=1,1 input_types=0,0 num_outputs=1,1 output_types=1,1 no_error_inj=1"
cp "$k/gpio-sim/gpio-sim.ko" "$root/modules/"
echo gpio-sim >>"$root/modules.list"

for p in busybox-static libc6 libgcc-s1 libstdc++6 libturbojpeg0; do unpack "$p" arm64 "$dir/lib"; done
cp "$dir/lib/bin/busybox" "$root/bin/"
ln -s busybox "$root/bin/sh"
mkdir "$root/lib/aarch64-linux-gnu"
for l in libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libresolv.so.2 libgcc_s.so.1 libstdc++.so.6 libturbojpeg.so.0; do
	cp -L "$(find "$dir/lib" -name "$l" | head -n 1)" "$root/lib/aarch64-linux-gnu/$l"
done
cp -L "$(find "$dir/lib" -name ld-linux-aarch64.so.1 | head -n 1)" "$root/lib/"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
(cd "$here" && CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -ldflags='-s -w' -o "$root/init" .)
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$dir/initrd.new"
mv "$dir/initrd.new" "$dir/initrd"
cp "$k/image/boot/vmlinuz-$kernel" "$dir/kernel"
say "kernel $kernel, $(wc -l <"$root/modules.list") modules, initrd $(($(stat -c %s "$dir/initrd") / 1000)) kB"
