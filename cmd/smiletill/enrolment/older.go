package enrolment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// older says what is there that by the journal was taken away or replaced: an older copy of a file was put
// back. It is called when the journal knows of all that was done by commands.
func (t *Trail) older(ctx context.Context) (found []witness.Finding, gone []string, err error) {
	there, err := t.gallery.Records()
	if err != nil && !errors.Is(err, gallery.ErrLocked) { // locked: the start after the alarm looks
		return nil, nil, err
	}
	customers, err := t.journal.Customers(ctx)
	if err != nil {
		return nil, nil, err
	}
	for id, record := range there {
		was, known := customers[id]
		switch {
		case !known || record == "":
		case was.Gone():
			// Else its file was lost, and nobody had wanted that.
			if !was.Offline || was.Who != (payment.Who{}) {
				gone = append(gone, id)
			}
			found = append(found, witness.Finding{Store: witness.Faces, What: fmt.Sprintf(
				"customer %s was not enrolled any more on %s, and the face is there again", id, day(was))})
		case was.Record != record:
			found = append(found, witness.Finding{Store: witness.Faces, What: fmt.Sprintf(
				"the face of customer %s is not the one of %s", id, day(was))})
		}
	}
	paired, err := t.unpaired(ctx)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(found, func(a, b witness.Finding) int { return strings.Compare(a.What, b.What) })
	slices.Sort(gone)
	return append(found, paired...), gone, nil
}

// unpaired are the keys of registers that were taken away, and are there again.
func (t *Trail) unpaired(ctx context.Context) (found []witness.Finding, err error) {
	if t.keeps.Pairings == nil {
		return nil, nil
	}
	look := func() error {
		all, err := t.keeps.Pairings()
		if err != nil {
			return nil // whoever serves registers says why they can't be read
		}
		last, err := t.journal.Registers(ctx)
		found = unpairedIn(all, last)
		return err
	}
	if err := look(); err != nil || len(found) == 0 {
		return nil, err
	}
	// A command may have paired one anew since the journal was told of such.
	err = t.tell(ctx, nil, look)
	return found, err
}

func unpairedIn(all register.Pairings, last map[journal.RegisterKey]journal.Audit) (found []witness.Finding) {
	for _, one := range all {
		was := last[journal.RegisterKey{ID: one.Key.ID, Version: one.Key.Version}]
		if was.What == journal.RegisterUnpaired {
			found = append(found, witness.Finding{Store: witness.Registers, What: fmt.Sprintf(
				"the key %s of a register was taken away on %s, and is there again", one.Key.ID, day(was))})
		}
	}
	return found
}

// GoOn has the journal say that older data go on, by whoever runs this process, and why. change is what else
// is to be done for it, or nil.
func GoOn(
	ctx context.Context, b intent.Book, found []witness.Finding, why string, change func() error,
) error {
	if why = strings.TrimSpace(why); why == "" {
		return payment.WithHint(errNoWhy, "say why in some words: they stand in the fact, and name nobody")
	}
	if err := payment.CheckText(why, payment.ReferenceMax); err != nil {
		return fmt.Errorf("the reason: %w", err)
	}
	return b.ByCommand(ctx, func(note func(journal.Audit) error) error {
		err := note(journal.Audit{What: journal.DataReconciled, Keys: witness.Stores(found),
			Record: witness.Sum(found), Why: why})
		if err == nil && change != nil {
			err = change()
		}
		return err
	})
}

func day(a journal.Audit) string { return a.At.Format("2006-01-02") }

// sound refuses older data, unless somebody has said that they are to go on: then whoever had been removed is
// removed again, and the rest is as it is. m has what its marks tell (witness.Witness); before is the last
// fact before this start.
func (t *Trail) sound(ctx context.Context, m Machine, before int64) error {
	found, gone, err := t.older(ctx)
	if err != nil {
		return err
	}
	if found = append(slices.Clone(m.Older), found...); len(found) == 0 {
		return nil
	}
	last, err := t.journal.Reconciled(ctx)
	if err != nil {
		return err
	}
	// Who goes on with an older journal, which comes first, goes on with what was copied together with it.
	// A word counts for the start that hears it: the same copy, put back once more, is found again.
	all := strings.Contains(last.Keys, witness.Journal)
	if last.Seq <= before || last.Record != witness.Sum(found) && !all {
		return &witness.OlderError{Found: found}
	}
	for _, id := range gone {
		if err := t.gallery.Remove(id); err != nil && !errors.Is(err, gallery.ErrUnknownCustomer) {
			return fmt.Errorf("remove %s again, who was put back: %w", id, err)
		}
		if t.keeps.PINs == nil {
			continue
		}
		err := errors.Join(t.keeps.PINs.Remove(ctx, id), t.keeps.PINs.Unblock(ctx, id))
		if err != nil {
			return fmt.Errorf("remove the PIN of %s again, who was put back: %w", id, err)
		}
	}
	t.log.Warn("older data go on, as somebody has said", "who", last.Who.Name, "why", last.Why, "of", last.Keys)
	return nil
}
