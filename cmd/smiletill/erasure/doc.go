// Package erasure makes a terminal forget all that it knows: for another shop (factory-reset), or for good
// (decommission), of which its cloud is told first.
//
// Invariants
//   - Nothing is erased before somebody was there (a PIN of an owner or a technician, or a button of the
//     board), before a payment has ended, and while reports wait that nobody has typed away.
//   - A mark is written first (erasing.json). From then on no terminal takes payments in this folder: Attend
//     ends one that runs, and shows that it is being erased. Until the first key goes the mark can be taken
//     back; from then on whoever comes next, the terminal's start or the command, goes on to the end.
//   - Keys go first, overwritten, then faces and PINs, then all else of the data folder but a short list of
//     what is the machine's: a file that nobody thought of here goes too.
//   - The receipt is signed before the key is erased, and handed out when all is.
//   - Where a step can't be done it is an error, and the mark stays.
//
// What an SD card or SSD keeps of what was overwritten (wear levelling) is out of reach, but for keys that
// are sealed to a TPM. It imports neither the terminal nor what is in its files: it counts, and removes.
package erasure
