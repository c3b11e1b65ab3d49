// Package tpm seals secrets to this machine's TPM 2.0, and has its counter that only grows.
//
// Seal encrypts a secret with a fresh key (AES-256-GCM), which the TPM encrypts with one that it makes of
// its own seed and never gives away. What Seal gives opens on this TPM alone, until somebody clears it.
// Which of the two it was that a sealed secret does not open for, Unseal tells: the seed of the endorsement
// hierarchy outlives a clearing.
//
// Invariants
//   - Nothing is held open between two calls: other programs use the TPM too. What is busy is asked again,
//     for as long as Patience says.
//   - Nothing here has a password, and all of it is outside the TPM's dictionary attack protection: it
//     neither counts against it nor is refused while it holds.
//   - Secrets cross the bus to the TPM encrypted (a salted session): who listens there has nothing.
//   - A secret opens for the purpose alone that it was sealed for.
//   - The counter can't be set back, nor by making it anew: a TPM begins a new one above all that it ever
//     had.
//
// What it doesn't protect against: who has the whole machine has its TPM, and no PCR is asked, so that an
// update of firmware or kernel locks nobody out; who is root here can ask the TPM too; who takes the TPM's
// place on the bus, and not only listens.
//
// It imports go-tpm, and no other room.
//
// Sources: TPM 2.0 Library Specification 1.38, parts 1 (19 Sessions, 23 Protected storage, 37.2.6 NV
// counters) and 3; TCG TPM v2.0 Provisioning Guidance 1.0 (templates of storage and endorsement keys); TCG
// Registry of Reserved TPM 2.0 Handles 1.1 (2.2: the owner's indices).
package tpm
