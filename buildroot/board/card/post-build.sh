#!/bin/sh
# post-build.sh TARGET BOARD: what the image has beside its packages. Buildroot calls it before it makes the root.
set -eu
target=$1 board=$2
sed -i "s/@BOARD@/$board/" "$target/etc/rauc/system.conf"
mkdir -p "$target/boot/select" "$target/var/lib/smiletill"
for unit in boot-select.mount var-lib-smiletill.mount; do
	mkdir -p "$target/etc/systemd/system/local-fs.target.wants"
	ln -sf "/usr/lib/systemd/system/$unit" "$target/etc/systemd/system/local-fs.target.wants/$unit"
done
wants=$target/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
ln -sf /usr/lib/systemd/system/smiletill.service "$wants/smiletill.service"
# The first settings, from the first partition or a CONFIG stick, before the network comes up. What they give the system is
# kept on the data partition and lies below /run.
system=$target/etc/systemd/system
for unit in smiletill-setup:sysinit smiletill-setup-report:multi-user; do
	name=${unit%:*}
	mkdir -p "$system/$name.service.d" "$system/${unit#*:}.target.wants"
	install -m 0644 "$(dirname "$0")/../../../systemd/${name#smiletill-}-image.conf" "$system/$name.service.d/image.conf"
	ln -sf "/usr/lib/systemd/system/$name.service" "$system/${unit#*:}.target.wants/$name.service"
done
# The technician's way in, and the firewall; the servers of the packages themselves stay off.
for unit in smiletill-firewall:sysinit.target smiletill-firewall:smiletill.service smiletill-ssh:multi-user.target; do
	mkdir -p "$system/${unit#*:}.wants"
	ln -sf "/usr/lib/systemd/system/${unit%:*}.service" "$system/${unit#*:}.wants/${unit%:*}.service"
done
for unit in ssh.service ssh.socket sshd.service nftables.service; do
	rm -f "$system/multi-user.target.wants/$unit" "$system/sysinit.target.wants/$unit"
	ln -sf /dev/null "$system/$unit"
done
rm -f "$target/etc/ssh/ssh_host_"* # each card makes its own
chmod 0440 "$target/etc/sudoers.d/technician"
ln -sf /run/hostname "$target/etc/hostname"
keyring=$(sed -n 's/^BR2_PACKAGE_SMILETILL_KEYRING="\(.*\)"$/\1/p' "${BR2_CONFIG:-/dev/null}")
if [ -n "$keyring" ]; then
	[ -r "$keyring" ] || { echo "post-build: the certificate of updates, $keyring, can't be read" >&2; exit 1; }
	install -m 0644 "$keyring" "$target/etc/rauc/keyring.pem"
	ln -sf /usr/lib/systemd/system/smiletill-good.service "$wants/smiletill-good.service"
	ln -sf /usr/lib/systemd/system/smiletill-back.timer "$system/sysinit.target.wants/smiletill-back.timer"
else
	echo "post-build: no certificate is set (BR2_PACKAGE_SMILETILL_KEYRING): this image takes no updates"
	rm -f "$wants/smiletill-good.service" "$system/sysinit.target.wants/smiletill-back.timer"
fi
# The journal of the system lives in memory: a card that is written all day dies early.
mkdir -p "$target/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\n' >"$target/etc/systemd/journald.conf.d/smiletill.conf"
