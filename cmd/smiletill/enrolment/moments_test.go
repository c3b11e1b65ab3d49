package enrolment_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// terminal is what of one outlives its process.
type terminal struct {
	t   *testing.T
	dir string
	g   *gallery.Gallery
	j   *journal.Journal
	// pairings reads the paired registers; may be nil.
	pairings func() (register.Pairings, error)
}

// start opens what is there, and has the journal told what differs; alarm is of the case.
func (s *terminal) start(m enrolment.Machine, alarm bool) *enrolment.Trail {
	s.t.Helper()
	trail, err := s.open(m, alarm)
	if err != nil {
		s.t.Fatal(err)
	}
	return trail
}

func (s *terminal) open(m enrolment.Machine, alarm bool) (*enrolment.Trail, error) {
	s.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	var err error
	o := journal.Options{Terminal: "till-1"}
	s.j, err = journal.Open(s.t.Context(), filepath.Join(s.dir, "journal.db"), o)
	if err != nil {
		s.t.Fatal(err)
	}
	model := gallery.Model{SHA256: strings.Repeat("a1", 32), Agree: 0.5, Same: 0.6}
	if s.g, err = gallery.Open(filepath.Join(s.dir, "gallery"), model, quiet); err != nil {
		s.t.Fatal(err)
	}
	trail := enrolment.NewTrail(s.j, s.g, enrolment.Keeps{Book: intent.In(s.dir), Pairings: s.pairings}, quiet)
	m.Seen = filepath.Join(s.dir, "seen.json")
	return trail, trail.Start(s.t.Context(), m, alarm)
}

func (s *terminal) stop() {
	s.t.Helper()
	if err := s.g.Close(); err != nil {
		s.t.Error(err)
	}
	if err := s.j.Close(); err != nil {
		s.t.Error(err)
	}
}

// said are the last changes, the oldest first: what, and by whom or how it was found.
func (s *terminal) said(n int) (all []string) {
	s.t.Helper()
	audits, err := s.j.Audits(s.t.Context(), n)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range audits {
		how := a.Who.Name
		if a.Offline {
			how = "found"
		}
		all = append([]string{strings.Join(strings.Fields(a.What+" "+a.Keys+" "+how), " ")}, all...)
	}
	return all
}

// Whatever moment the power goes at, between a fact and what it is of, the next start has the journal say
// what is so, and says it once.
func TestMomentsOfACrash(t *testing.T) {
	s := &terminal{t: t, dir: t.TempDir()}
	m := enrolment.Machine{Settings: map[string]string{"a.b": "1", "c.d": "2"}, Program: "1"}
	want := func(when string, all ...string) {
		t.Helper()
		if got := s.said(len(all)); strings.Join(got, "; ") != strings.Join(all, "; ") {
			t.Errorf("%s: %q, want %q", when, got, all)
		}
	}
	anna := people.With(t.Context(), payment.Who{Role: "clerk", Name: "Anna", Door: "page"})
	trail := s.start(m, false)
	want("the first start", "terminal_configured")

	// An enrolment: its fact is written, its record is not.
	a := journal.Audit{What: journal.CustomerEnrolled, Customer: "c_x", Record: "aa"}
	if err := trail.Note(anna, a); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.start(m, false)
	want("after the fact of an enrolment", "customer_enrolled Anna", "customer_removed found")
	s.stop()

	// A removal: the face is gone, its fact is not written.
	trail = s.start(m, false)
	c, err := s.g.Enrol("Ada", pictures(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := trail.Customers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.g.Remove(c.ID); err != nil {
		t.Fatal(err)
	}
	s.stop()
	trail = s.start(m, false)
	want("after a removal", "customer_enrolled found", "customer_removed found")

	// The alarm: written down to end, and its file is still there; then ended with the file, and no fact.
	if err := trail.Case(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := trail.Note(anna, journal.Audit{What: journal.AlarmEnded}); err != nil {
		t.Fatal(err)
	}
	s.stop()
	s.start(m, true)
	want("an alarm that did not end", "case_opened", "alarm_ended Anna", "case_opened")
	s.stop()
	if _, err := s.open(m, false); !errors.Is(err, enrolment.ErrAlarmGone) {
		t.Errorf("an alarm whose file was taken away: %v", err)
	}
	want("an alarm whose file was taken away", "alarm_ended Anna", "case_opened")
	s.stop()
	ended := intent.In(s.dir).ByCommand(anna, func(note func(journal.Audit) error) error {
		return note(journal.Audit{What: journal.AlarmEnded})
	})
	if ended != nil {
		t.Fatal(ended)
	}
	s.start(m, false)
	want("an alarm that ended while nothing was open", "case_opened", "alarm_ended found")
	s.stop()

	// Settings: the fact is written, the file of those seen is not; then that is gone, or damaged.
	before, err := os.ReadFile(filepath.Join(s.dir, "seen.json"))
	if err != nil {
		t.Fatal(err)
	}
	m.Settings = map[string]string{"a.b": "1", "c.d": "3"}
	s.start(m, false)
	want("settings", "settings_changed c.d")
	s.stop()
	if err := os.WriteFile(filepath.Join(s.dir, "seen.json"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(m, false)
	want("settings, once more", "alarm_ended found", "settings_changed c.d")
	s.stop()
	m.Settings = map[string]string{"a.b": "4", "c.d": "3"}
	s.start(m, false)
	want("other settings", "settings_changed c.d", "settings_changed a.b")
	s.stop()
	if err := os.WriteFile(filepath.Join(s.dir, "seen.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Settings, m.Program = map[string]string{"a.b": "5", "c.d": "3"}, "2"
	s.start(m, false)
	want("a damaged file", "settings_changed a.b", "program_updated", "settings_changed")
	s.stop()
	s.start(m, false)
	want("nothing else", "program_updated", "settings_changed")
	s.stop()
}
