// Package pin keeps customers' PINs, and clerks' by name and role, as Argon2id hashes in a SQLite file, and
// counts the wrong ones.
//
// Invariants:
//   - A try is counted on the disk before the PIN is looked at: pulling the plug gives no free try.
//   - After every third wrong PIN in a row the customer's PIN is locked, for 15 minutes, then an hour, then a
//     day.
//   - Locks run by the terminal's own clock, of time that provably passed: neither a wrong date nor a restart
//     shortens one.
//   - Of those whose role is owner one stays.
//   - A PIN is never written, logged or told.
//   - A file that was sealed (Seal) has its hashes encrypted with a key that one machine alone opens: on any
//     other no PIN can be tried on a copy of it, and a hash that was put in by hand is refused. What stood in
//     the file before may still lie on the disk outside of it.
//
// It imports payment, Argon2 and SQLite.
//
// Sources: RFC 9106 (Argon2) and OWASP's password storage cheat sheet for the parameters (19 MiB, two
// passes, one lane: 20 ms on one core of an AMD EPYC server by BenchmarkTry, more on a Pi, and what an
// attacker pays a guess); NIST SP 800-63B, 5.2.2 for the bound on tries.
package pin
