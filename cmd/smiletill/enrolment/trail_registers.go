package enrolment

import (
	"context"
	"slices"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// Registers writes down how the paired registers, which paired reads, differ from what the journal knows.
// Nothing is taken from one whose key the journal doesn't know.
func (t *Trail) Registers(ctx context.Context, paired func() (register.Pairings, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	all, err := paired()
	if err != nil { // keys that can't be read are not keys that were taken away
		return err
	}
	if t.known && slices.EqualFunc(all, t.pairs, func(a, b register.Pairing) bool { return a.Key == b.Key }) {
		return nil
	}
	// Read anew while no command changes them: each says what it is about to do before the file has it, and a
	// key that is told and not there yet would count as taken away.
	return t.tell(ctx, nil, func() error {
		all, err := paired()
		if err != nil {
			return err
		}
		return t.registers(ctx, all)
	})
}

// registers is Registers, of who has told the journal what commands have done.
func (t *Trail) registers(ctx context.Context, all register.Pairings) error {
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
