package intent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// Entry tells a pairing from another of the same key identifier and version. It tells nothing of the key.
func Entry(one register.Pairing) string {
	at := one.At.UTC().Format(time.RFC3339Nano)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", one.Key.ID, one.Key.Version, at))
	return hex.EncodeToString(sum[:8])
}

// Paired are the facts of what is about to be changed of the paired registers.
func Paired(before, after register.Pairings) (all []journal.Audit) {
	there := func(in register.Pairings, one register.Pairing) bool {
		return in.Key(one.Key.ID, one.Key.Version) != nil
	}
	for _, one := range after {
		if !there(before, one) {
			all = append(all, journal.Audit{What: journal.RegisterPaired, Register: one.Key.ID,
				KeyVersion: one.Key.Version, Record: Entry(one)})
		}
	}
	for _, one := range before {
		if !there(after, one) {
			all = append(all, journal.Audit{What: journal.RegisterUnpaired, Register: one.Key.ID,
				KeyVersion: one.Key.Version})
		}
	}
	return all
}
