package enrolment_test

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/intent"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// A terminal that looks at its registers while a command pairs one waits for it: it takes the key that the
// command has told, and whose file is about to come, neither for one that was taken away nor, afterwards, for
// one that somebody put back.
func TestPairedWhileTheTerminalLooks(t *testing.T) {
	dir := t.TempDir()
	h, err := move(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "registers.json")
	noted, looked := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(looked) })
	paired := func() (register.Pairings, error) {
		defer once()
		return register.LoadPairings(path)
	}
	if err := h.trail.Registers(t.Context(), func() (register.Pairings, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	// Two others that the terminal does not know yet have it look at the journal, not at what it knows.
	before := func(all register.Pairings, id string) (register.Pairings, error) {
		all, _, err := all.Pair(id, id, register.NewPassphrase(), time.Now())
		return all, err
	}
	if err := register.ChangePairings(path, func(all register.Pairings) (register.Pairings, error) {
		return before(all, "counter-0")
	}); err != nil {
		t.Fatal(err)
	}
	command := make(chan error, 1)
	go func() {
		command <- intent.In(dir).ByCommand(t.Context(), func(note func(journal.Audit) error) error {
			return register.ChangePairings(path, func(all register.Pairings) (register.Pairings, error) {
				changed, err := before(all, "counter-1")
				for _, a := range intent.Paired(all, changed) {
					err = errors.Join(err, note(a))
				}
				close(noted)
				<-looked
				return changed, err
			})
		})
	}()
	<-noted
	if err := h.trail.Registers(t.Context(), paired); err != nil {
		t.Error(err)
	}
	if err := <-command; err != nil {
		t.Fatal(err)
	}
	if err := h.trail.Registers(t.Context(), paired); err != nil {
		t.Error(err)
	}
	facts, err := h.j.Audits(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, a := range facts {
		count[a.What+" "+a.Register]++
	}
	if count[journal.RegisterPaired+" counter-1"] != 1 || count[journal.RegisterPaired+" counter-0"] != 1 ||
		count[journal.RegisterUnpaired+" counter-1"] != 0 {
		t.Errorf("the facts: %v", count)
	}
}

// A register that was taken away and is paired anew while a terminal starts is no older data: the journal is
// told of it before it is judged.
func TestPairedAnewWhileTheTerminalStarts(t *testing.T) {
	s := &terminal{t: t, dir: t.TempDir()}
	path := filepath.Join(s.dir, "registers.json")
	command := func(change func(register.Pairings) register.Pairings) {
		t.Helper()
		if err := intent.In(s.dir).ByCommand(t.Context(), func(note func(journal.Audit) error) error {
			return register.ChangePairings(path, func(all register.Pairings) (register.Pairings, error) {
				changed := change(all)
				var err error
				for _, a := range intent.Paired(all, changed) {
					err = errors.Join(err, note(a))
				}
				return changed, err
			})
		}); err != nil {
			t.Fatal(err)
		}
	}
	pair := func(all register.Pairings) register.Pairings {
		all, _, err := all.Pair("Counter", "counter-1", register.NewPassphrase(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	unpair := func(all register.Pairings) register.Pairings { all, _ = all.Unpair("counter-1", 0); return all }
	paired := func() (register.Pairings, error) { return register.LoadPairings(path) }
	trail := s.start(enrolment.Machine{}, false)
	for _, change := range []func(register.Pairings) register.Pairings{pair, unpair} {
		command(change)
		if err := trail.Registers(t.Context(), paired); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	once := sync.OnceFunc(func() { command(pair) })
	s.pairings = func() (register.Pairings, error) { once(); return paired() }
	if _, err := s.open(enrolment.Machine{}, false); err != nil {
		t.Error(err)
	}
	s.stop()
}
