// Package flash writes a card's image on a technician's Linux machine: it looks at image and card before
// anything is erased, asks, writes, reads back, compares, and puts a file of first settings into the card's
// first partition.
//
// Invariants: nothing is written before the image was read to its end and held against its checksum, and
// before whoever asked has agreed to what is erased; the disk that this system runs from, one that is in
// use and a part of one are never written; the card's first megabyte, with its partition table, comes
// last, when all else was compared, so that a card whose writing was cut short has no partition table, and
// nothing starts from it; what is reported as written was read back from the card itself.
//
// It imports payment alone of the project, for hints. What the settings say is the caller's: it takes a file.
//
// Sources: sysfs and mountinfo as the kernel's Documentation/ABI/stable/sysfs-block and proc(5) have them.
package flash
