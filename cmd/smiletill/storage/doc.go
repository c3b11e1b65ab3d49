// Package storage is what a process knows of its files as a whole. They lie on one disk, and each is written
// at other moments: one write that fails in any of them says that the disk may fail for all.
//
// Invariants: a failure stands until writes work in every file, and in a folder of each; one that comes while
// another is being cured is not forgotten; telling of a failure waits for nothing. Clear removes what the
// program left half done under names of its own, and nothing else.
//
// It imports payment (hints) and the standard library; it knows neither the files nor who tells people.
package storage
