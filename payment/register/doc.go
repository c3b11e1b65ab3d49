// Package register lets a cash register take payments at this terminal: the Sale to POI messages of nexo
// Retailer as JSON over HTTPS, in the subset that existing registers and their libraries speak.
//
// [Server] answers messages; [Client] is the register's side of them, for technicians and tests. What is paid
// is decided by payment.Engine and told by the journal alone: this package translates. What it keeps of its
// own, in [Records], is which message asked for which payment or changed what else, and whose a SaleID is.
//
// # Invariants
//
//   - A message that changes something does it once: what came of it is written down with it, and told
//     again.
//   - A message never charges twice. Its SaleID and ServiceID are written to the disk before the payment
//     begins and are refused for [KeepRecords] of time that provably passed. Besides, the payment's id is
//     derived from what the message says ([PaymentID]), and the journal refuses an id for as long as it keeps
//     payments: a lost file of records does not charge twice either.
//   - A payment lives on when the register's connection dies: no payment hangs on a request's context. Its
//     result is asked for with TransactionStatus, also after a restart, and is always read from the journal.
//   - An outcome that is not known is never told as one: such a payment answers InProgress.
//   - Nothing is taken but what a paired register encrypted ([Pairings]), and under no SaleID that another
//     one has used first; except by the terminal's own socket ([Server.Own]) and, where [Options] says so,
//     plain from this machine. Without a paired register no other address than loopback is listened on.
//   - What is refused costs next to nothing, and what is kept is bounded in rows and bytes: what is worth
//     least goes first.
//   - Bounded: body, depth, number of connections, time for a handshake, a header and a body. A connection
//     that only holds its place is the first to be closed when places run out ([Listen]).
//   - Amounts are decimal numbers in major units on the wire and are read exactly, never as floats ([Minor]).
//   - Passphrases and derived keys print as [redacted].
//
// It imports the standard library, payment, an SQLite driver and tables of Unicode's, and none of its
// siblings.
//
// # Sources
//
// nexo Sale to POI Protocol 3.0 as its JSON subset is described publicly (OpenAPI TerminalAPI-v1) and as npm
// @adyen/api-library 32.1.0 (MIT) and com.adyen:adyen-java-api-library 42.0.0 (MIT) send it, which the tests
// drive. Key derivation and envelope: the first one's behaviour (PBKDF2-HMAC-SHA1, 4,000 rounds, AES-256-CBC,
// HMAC-SHA256).
package register
