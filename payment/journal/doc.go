// Package journal keeps the payments of a terminal in one SQLite file: what became of each, the facts that
// led there as a hash chain, and which approvals the cloud has not acknowledged yet.
//
// Invariants:
//   - A payment, its fact and its outbox row are written in one transaction; Commit returns nil after the
//     fsync.
//   - Facts are appended, never changed or removed: triggers forbid it, the chain shows it. The hash of a
//     fact is SHA-256(hash of the fact before || body), and the body names its own place and predecessor.
//   - Replaying the facts gives the table of payments; Verify does it.
//   - A payment ends once. The only fact after its opening is its end (one unique index each).
//   - A damaged file is reported, never repaired, truncated or overwritten. Quarantine keeps it, and makes
//     a new one of the facts in it that their hashes prove whole: those stand before the new chain's anchor.
//   - After a failed write the connection is thrown away: the next reads what the file says.
//
// # Why it survives a power cut
//
// WAL with synchronous=FULL: a commit is one append to the -wal file and its fsync, and a torn tail is
// found by its checksums. A rollback journal is as safe, but there a reader blocks the writer, and a
// technician's `journal verify` would hold up a payment; in WAL it can't. What WAL costs is that SQLite
// silently drops a commit from the -wal whose bytes rotted, and that a copy of the main file alone is
// stale. So what was committed is moved into the main file, where the chain guards it, as soon as the till
// rests for 20 ms, and after a second in any case, unless another process is reading just then
// (keeper.go). Commit itself waits for one fsync of the -wal; the first one after a move for another, of
// the -wal's new head (BenchmarkApproval beside BenchmarkWriteSync). psow=0 lets SQLite assume that a
// write that is cut off may damage the rest of its sector, which is how cheap flash fails. A new file is
// made under another name and renamed when complete, so a file of zero bytes is damage, not a beginning.
//
// The driver is modernc.org/sqlite: SQLite's C translated to Go, its os_unix.c and so its fsyncs included.
// That keeps vision/tflite the only cgo of the project. os_unix.c holds POSIX locks, which a process loses
// when it closes any descriptor of the file: nothing here, and nothing else, may open a journal but
// through this package. One process at a time writes; a lock on a file beside the journal (flock) sees to
// it.
//
// It imports payment and SQLite; nothing of device, vision or models, no network, and no other child of
// payment.
//
// Sources: sqlite.org/wal.html, /pragma.html, /howtocorrupt.html; RFC 8785 (JCS) for the canonical bodies.
package journal
