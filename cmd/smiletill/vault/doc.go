// Package vault seals what a terminal keeps secret to its machine's TPM 2.0, where it has one: the key of
// the gallery, the key that reports are signed with, and the pepper of the PINs. Without a TPM, or with
// security.tpm off, as shipped, all of them are as they were: files of the terminal's user ("software
// protection").
//
// The stores know of it what they ask for (Seal, Unseal): each has an interface of its own, which a Sealer
// of this room is. What is sealed and does not open is an error with what to do, never the reason for a new
// key.
//
// Invariants
//   - Settle, at the terminal's start, seals what is not sealed yet. A file that holds a key is replaced
//     once what takes its place is on the disk and has been opened by the TPM; what it held is overwritten
//     then. Wherever the power goes, the file of that name has a usable key, and the next start ends what
//     was begun.
//   - A TPM that nobody has named, and that can't be used, stops no terminal that has nothing sealed to it.
//   - Sealed keys are opened for whoever may ask for them, by any command; only the terminal's start seals.
//   - A backup holds the keys themselves, under its recovery key; restored, they are sealed at the next
//     start, to whatever machine that is.
//   - The TPM's counter tells that all of the disk is older (witness), once the terminal has counted by it.
//
// It imports config, witness, device/tpm, and of the wings the stores that it seals.
package vault
