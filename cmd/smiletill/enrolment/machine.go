package enrolment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/witness"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Machine is what a terminal is at a start, besides its people.
type Machine struct {
	Settings map[string]string // in force, by their names
	Models   map[string]string // what the facts say of them
	Program  string
	// Seen is the file that keeps the settings as they were last, mode 0600: the journal has their hash
	// alone, since a fact is reported, and this file tells which of them are others.
	Seen string
	// Older is what is older than the terminal has seen it, by its marks (witness.Witness).
	Older []witness.Finding
}

// ErrAlarmGone is that the alarm of the case stands, by the journal, and its file was taken away.
var ErrAlarmGone = errors.New("the alarm of the case was not ended, and its file is gone")

// Start writes down what came of the intents that the last process left, then how the machine, its case and
// its customers differ from what the journal knows. Errors: ErrAlarmGone, after which the alarm is to be
// raised again, and witness.OlderError, where older data were put back; nothing is written of those.
func (t *Trail) Start(ctx context.Context, m Machine, alarm bool) error {
	before, err := t.journal.Last(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	err = t.tell(ctx, &m, nil)
	t.mu.Unlock()
	if err != nil {
		return err
	}
	last, err := t.journal.Case(ctx)
	if err != nil {
		return err
	}
	if last.What == journal.CaseOpened && !alarm {
		return ErrAlarmGone
	}
	if err := t.sound(ctx, m, before); err != nil {
		return err
	}
	if err := t.Case(ctx, alarm); err != nil {
		return err
	}
	return t.Customers(people.With(ctx, payment.Who{}))
}

// machine writes down how the terminal differs from what the journal knows of it: its settings, by name, its
// models, its program. Who did it is known where somebody asked for the start (models swap), or noted it;
// root can change all of them unasked. While an older program could still go back to the journal of before it
// waits for the next start: the fact of an upgrade must not be what forbids the way back from it.
func (t *Trail) machine(ctx context.Context, m Machine, notes []intent.Note) (waits bool, err error) {
	if waits, err := t.journal.Returnable(ctx); err != nil || waits {
		return waits, err
	}
	last, models, err := t.journal.Machine(ctx)
	if err != nil {
		return false, err
	}
	sum := settingsSum(m.Settings)
	var changes []journal.Audit
	change := func(what, keys string, takes func(journal.Audit) bool) {
		ctx := ctx
		noted := what
		if what == journal.TerminalConfigured {
			noted = journal.SettingsChanged
		}
		if who, ok := by(notes, noted, takes); ok {
			ctx = people.With(ctx, who)
		}
		changes = append(changes, now(ctx, journal.Audit{What: what, Record: sum, Keys: keys, Program: m.Program}))
	}
	any := func(journal.Audit) bool { return true }
	switch {
	case last.What == "":
		change(journal.TerminalConfigured, "", any)
	default:
		if last.Program != m.Program {
			change(journal.ProgramUpdated, "", any)
		}
		if !maps.Equal(models, m.Models) {
			change(journal.ModelsSwapped, "", func(a journal.Audit) bool { return a.Record == m.Models["manifest"] })
		}
		if last.Record != sum {
			change(journal.SettingsChanged, m.changed(last.Record), any)
		}
	}
	// The fact comes first: after a crash between the two the file is written now, and nothing is told twice.
	if err := t.journal.Note(ctx, changes...); err != nil {
		return false, err
	}
	if settingsSum(m.seen()) == sum {
		return false, nil
	}
	return false, m.see()
}

// keysMax bounds the names in a fact, which has to fit into a report.
const keysMax = 2000

// changed names the settings that are others than when they had a hash; "" where nothing tells.
func (m Machine) changed(was string) string {
	seen := m.seen()
	if settingsSum(seen) != was {
		return ""
	}
	all := maps.Clone(m.Settings)
	maps.Copy(all, seen)
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		before, had := seen[key]
		if now, has := m.Settings[key]; had != has || now != before {
			keys = append(keys, key)
		}
	}
	text := strings.Join(keys, " ")
	if len(text) > keysMax {
		text = text[:strings.LastIndex(text[:keysMax], " ")] + " ..."
	}
	return text
}

// settingsSum tells settings from others: 16 hexadecimal digits.
func settingsSum(all map[string]string) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(h, "%q=%q\n", key, all[key])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// seen gives the settings as they were last; what can't be read tells nothing.
func (m Machine) seen() map[string]string {
	text, err := os.ReadFile(m.Seen)
	all := map[string]string{}
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// see keeps the settings, whole or not at all.
func (m Machine) see() (err error) {
	text, err := json.MarshalIndent(m.Settings, "", " ")
	if err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(m.Seen), "."+filepath.Base(m.Seen)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the settings: %w", err)
	}
	defer func() {
		if err != nil {
			if also := os.Remove(f.Name()); !errors.Is(also, fs.ErrNotExist) {
				err = errors.Join(err, also)
			}
			err = fmt.Errorf("keep the settings: %w", err)
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), m.Seen)
}

// Case writes down how the alarm of the case differs from what the journal knows: one that stands unknown,
// or one that ended so, by whomever.
func (t *Trail) Case(ctx context.Context, raised bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, err := t.journal.Case(ctx)
	if err != nil || (last.What == journal.CaseOpened) == raised {
		return err
	}
	a := journal.Audit{What: journal.CaseOpened}
	if !raised {
		a = journal.Audit{What: journal.AlarmEnded, Offline: true}
	}
	return t.journal.Note(ctx, now(ctx, a))
}
