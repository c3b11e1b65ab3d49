// Package update brings a card to a newer program, has it tried once, and says what came of it.
//
// A bundle is signed and holds a whole system; RAUC writes it into the slot that does not run. Update looks
// at it first and refuses what must not be written (Facts, Card), has the terminal take no more payments,
// installs, and restarts into the new slot. There Confirm says whether the slot is good: the terminal is
// ready and looked at a picture, or has the faults that it had before. Until then a Keeper keeps the terminal
// from taking payments, so that the journal of before can be put back (Return) when the tried slot was left.
//
// What happened is in one small file, state.json below the data folder, which both slots read. State.Tell is
// the one place that has words for it.
//
// Invariants: nothing is written into a slot before all that can be known of the bundle was checked; the file
// never says more than what is so: each step is written down before it is begun, and "good" after RAUC was
// told; the floor only rises; a slot that holds another program than was looked at is not good.
//
// It imports config, control (what the terminal says of itself), setup (sticks), payment and its journal, and
// device/screen (a row for the technician).
//
// Sources: RAUC 1.8's manual (rauc.readthedocs.io: commands, custom bootloader backend), Debian's policy 5.6.12
// for the order of versions, RFC 9110 section 14 for ranges.
package update
