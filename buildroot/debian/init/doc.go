// Command init is the first program on a card that is made of Debian's packages: it finds the root of the
// slot that was started, has the kernel hold each block of it against the hash tree behind it (dm-verity),
// and hands over to systemd.
//
// It takes from the kernel's command line root=PARTUUID=SIGNATURE-NUMBER (a partition of a disk with an
// MBR, both in hexadecimal) and smiletill.verity=BLOCKS:HASH: so many blocks of 4096 bytes are data, the
// tree begins behind them, and HASH, SHA-256 without a salt, is that of its top. Without either there is
// no root, and none either where two disks have that signature: which one was started can't be seen here.
// What it can't do ends in a restart after ten seconds, which leads back to the slot before if this one was
// only tried.
//
// Meanwhile it draws "one moment, please", in a picture without words, on the first framebuffer that
// there is, and says on the console when it did.
//
// A block that is not what it was made of can't be read: the program that needs it gets an error, and the
// rest goes on. The command line itself, the kernel and this program are only as sure as what started
// them.
//
// It imports the standard library and x/sys/unix: nothing else is there when it runs.
//
// Sources: the kernel's device-mapper/verity.rst and include/uapi/linux/dm-ioctl.h and fb.h.
package main
