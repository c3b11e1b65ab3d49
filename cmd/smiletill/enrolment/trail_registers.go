package enrolment

import (
	"context"
	"slices"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// Registers writes down how the paired registers differ from what the journal knows. Nothing is taken from
// one whose key the journal doesn't know.
func (t *Trail) Registers(ctx context.Context, all register.Pairings) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known && slices.EqualFunc(all, t.pairs, func(a, b register.Pairing) bool { return a.Key == b.Key }) {
		return nil
	}
	if err := t.tell(ctx, nil); err != nil { // who has changed them
		return err
	}
	last, err := t.journal.Registers(ctx)
	if err != nil {
		return err
	}
	if found := unpairedIn(all, last); len(found) > 0 {
		return &witness.OlderError{Found: found}
	}
	var changes []journal.Audit
	there := map[journal.RegisterKey]bool{}
	for _, one := range all {
		k := journal.RegisterKey{ID: one.Key.ID, Version: one.Key.Version}
		there[k] = true
		if was := last[k]; was.What != journal.RegisterPaired || was.Record != intent.Entry(one) {
			changes = append(changes, now(ctx, journal.Audit{What: journal.RegisterPaired, Register: k.ID,
				KeyVersion: k.Version, Record: intent.Entry(one)}))
		}
	}
	for k, was := range last {
		if was.What == journal.RegisterPaired && !there[k] {
			changes = append(changes, now(ctx, journal.Audit{What: journal.RegisterUnpaired, Register: k.ID,
				KeyVersion: k.Version}))
		}
	}
	if err := t.journal.Note(ctx, changes...); err != nil {
		return err
	}
	t.pairs, t.known = slices.Clone(all), true
	return nil
}
