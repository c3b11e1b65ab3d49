// Package backup writes what a terminal knows into one sealed file, and makes a terminal of it again.
//
// A backup is a tar archive, compressed by gzip, sealed by age (age-encryption.org/v1) to the terminal's
// recovery key: the terminal keeps the public half alone, the secret half is shown once, as 24 words (BIP
// 39), and belongs into the shopkeeper's safe. So a backup can be made unattended, and opened by nobody who
// has the terminal, the backup or both.
//
// Invariants
//   - The databases are copied as they are at one moment, while the terminal goes on.
//   - Faces and their key are in it only if that was asked for.
//   - Keys are in it themselves, and the hashes of PINs, whatever they are sealed to here (vault):
//     restored, they are sealed anew, to the machine that they come to.
//   - A file that was cut off or changed restores nothing: all of it is unpacked and looked at before
//
// anything
//
// is moved, and the journal is verified. - A restore that is cut short is completed by the next start or
// restore; no terminal runs on half of it. - What was there is moved aside, never erased. - A restored
// terminal takes no payment until the cloud has said that nothing is missing, or a person goes on with a
// reason (journal reconcile).
//
// It imports the wings' stores of files, config, witness and the standard library; age, bech32 and BIP 39
// for the key.
package backup
