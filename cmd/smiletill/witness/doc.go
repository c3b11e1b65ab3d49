// Package witness remembers how far each of the terminal's stores had come, so that an older copy that is
// put back in its place is found before it is believed.
//
// A store counts its changes in itself (payment/pin, payment/register); of the journal the last fact is known
// by number, id and hash. The marks stand in two files: one in the data folder, which finds a single file
// that is put back, and one in a folder beside it, which finds that the whole data folder is an older copy.
// What the journal's facts tell of a store (who is enrolled, which register is paired) needs no mark:
// cmd/smiletill/enrolment compares these.
//
// Invariants
//   - A mark only grows, until a person has said that older data are to go on (Reset).
//   - What a store has done is marked after it is on the disk: a power cut between the two leaves a store
//     that is further than its mark, which is no finding.
//   - A try of a PIN is marked before the PIN is looked at.
//   - Marks of the journal and of registers' records may be late by two seconds, and are written at the end.
//   - A copy that is missing or can't be read is made of the other. Without both nothing is found: whoever
//     can put back both, or the whole disk, is found by the machine's counter (CountBy), where there is one,
//     else by the cloud alone (payment/report).
//   - The machine counts, in the background, once the terminal works (Begin), if anything was done since the
//     last count: at the start, at the end, and meanwhile each hour. It counts twelve times at most and then
//     twice an hour, over restarts: a TPM wears out. What fails to open counts nothing. What it had
//     counted is kept with the marks of then, under a key that who writes the disk has not: an old copy has
//     an old number, and one that was made up has no proof. It is written before the machine counts.
//
// It imports payment (hints) and the standard library.
package witness
