// Package claiming is how a terminal comes to be known to its cloud: it shows a code, asks the cloud whether
// somebody has typed it, and keeps what it is given then: its name, the cloud's key, the broker and a
// certificate for it, which it renews (payment/report/claim).
//
// Invariants
//   - What is kept comes into force as a whole: a folder, to which a link leads that is changed last. After a
//     power cut the terminal is claimed, or it is not.
//   - A code is shown for a quarter of an hour, and for five proofs that do not hold; each is counted before
//     it is looked at. Time is counted by the machine's own clock of how long it runs.
//   - No date decides anything here but the renewal.
//   - The code is in no log and no status: it is on the terminal's own screen alone.
//
// It imports config, front, payment's report and hints, and device/screen's words for the page.
package claiming
