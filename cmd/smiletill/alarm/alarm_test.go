package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/payment"
)

func Example() {
	dir, err := os.MkdirTemp("", "alarm")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tamper.json")
	c := alarm.New(path, func(error) {})
	fmt.Println(c.Changed(true), c.Keep(context.Background()), alarm.Stands(path))
	_, err = c.Reset(freely)
	fmt.Println(err)
	c.Changed(false)
	fmt.Println(c.Raised())
	fmt.Println(c.Reset(freely))
	fmt.Println(c.Raised(), alarm.Stands(path))
	// Output:
	// true <nil> true
	// end the alarm: the case is open
	// true
	// true <nil>
	// false false
}

var errDisk = errors.New("no space left on device")

// TestAlarmThatIsBeingEnded: whatever comes while a technician ends the alarm, an alarm that stands is in its
// file too, at once or, on a disk that fails, by Keep when writing works again.
func TestAlarmThatIsBeingEnded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		removing func(*alarm.Case, alarm.Store) error
		says     string // the error; "": the alarm ends
	}{
		"nothing": {func(_ *alarm.Case, s alarm.Store) error { return s.Remove() }, ""},
		"opened":  {func(c *alarm.Case, s alarm.Store) error { c.Changed(true); return s.Remove() }, "open"},
		"opened too late": {func(c *alarm.Case, s alarm.Store) error {
			err := s.Remove()
			c.Changed(true)
			return err
		}, "open"},
		"opened and shut": {func(c *alarm.Case, s alarm.Store) error {
			err := s.Remove()
			c.Changed(true)
			c.Changed(false)
			return err
		}, "open"},
		"not removed": {func(*alarm.Case, alarm.Store) error { return errDisk }, "no space"},
		"removed, not synced": {func(_ *alarm.Case, s alarm.Store) error {
			return errors.Join(s.Remove(), errDisk)
		}, "no space"},
		"opened, removed, not synced": {func(c *alarm.Case, s alarm.Store) error {
			c.Changed(true)
			return errors.Join(s.Remove(), errDisk)
		}, "no space"},
	} {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, disk full %v", name, full), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "tamper.json")
				failed := 0
				c := alarm.New(path, func(error) { failed++ })
				c.Changed(true)
				if err := c.Keep(t.Context()); err != nil {
					t.Fatal(err)
				}
				c.Changed(false)
				c.Through(func(s alarm.Store) alarm.Store {
					w := alarm.Wrapped{Store: s, OnRemove: func(s alarm.Store) error { return test.removing(c, s) }}
					w.OnWrite = func(s alarm.Store, since time.Time) error {
						if full {
							return errDisk
						}
						return s.Write(since)
					}
					return w
				})
				ended, err := c.Reset(freely)
				if test.says == "" {
					if !ended || err != nil || c.Raised() || alarm.Stands(path) {
						t.Fatalf("%v, %v; raised %v, file %v", ended, err, c.Raised(), alarm.Stands(path))
					}
					return
				}
				if ended || err == nil || !strings.Contains(err.Error(), test.says) || !c.Raised() {
					t.Fatalf("%v, %v; raised %v", ended, err, c.Raised())
				}
				if full {
					if failed == 0 {
						t.Error("nobody was told that the alarm can't be written down")
					}
					if err := c.Keep(t.Context()); err == nil {
						t.Error("kept on a disk that is full")
					}
					full = false
					if err := c.Keep(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				again := alarm.New(path, nil) // the power was cut
				if again.Load(); !again.Raised() || again.Words() != c.Words() {
					t.Errorf("after a power cut: %q, before it %q", again.Words(), c.Words())
				}
			})
		}
	}
}

// TestAlarmEndedBeforeItWasKept leaves no file of an alarm that is over.
func TestAlarmEndedBeforeItWasKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tamper.json")
	c := alarm.New(path, func(err error) { t.Error(err) })
	c.Changed(true)
	c.Changed(false)
	if ended, err := c.Reset(freely); !ended || err != nil {
		t.Fatal(ended, err)
	}
	if err := c.Keep(t.Context()); err != nil || alarm.Stands(path) {
		t.Errorf("%v, file %v", err, alarm.Stands(path))
	}
}

// TestDiskThatHangs: whoever asks how the case is, or tells of it, does not wait for the disk.
func TestDiskThatHangs(t *testing.T) {
	t.Parallel()
	c := alarm.New(filepath.Join(t.TempDir(), "tamper.json"), func(error) {})
	writing, hangs, kept := make(chan bool), make(chan bool), make(chan error)
	c.Through(func(s alarm.Store) alarm.Store {
		return alarm.Wrapped{Store: s, OnWrite: func(s alarm.Store, since time.Time) error {
			close(writing)
			<-hangs
			return s.Write(since)
		}}
	})
	c.Changed(true)
	go func() { kept <- c.Keep(t.Context()) }()
	<-writing
	asked := make(chan string)
	go func() {
		c.Changed(false)
		c.Unwatched(nil)
		asked <- c.Words()
	}()
	select {
	case words := <-asked:
		if !c.Raised() || words == "" {
			t.Errorf("%q", words)
		}
	case <-time.After(20 * time.Second):
		t.Error("the engine would hang with the disk")
	}
	close(hangs)
	if err := <-kept; err != nil {
		t.Error(err)
	}
}

// TestSwitchThatCantBeWatched ends no alarm.
func TestSwitchThatCantBeWatched(t *testing.T) {
	t.Parallel()
	c := alarm.New(filepath.Join(t.TempDir(), "tamper.json"), func(error) {})
	c.Changed(true)
	c.Changed(false)
	if !c.Unwatched(payment.WithHint(errors.New("line is taken"), "stop the other program")) {
		t.Error("no change")
	}
	if c.Unwatched(payment.WithHint(errors.New("line is taken"), "stop the other program")) {
		t.Error("the same again is a change")
	}
	if !c.Unwatched(errors.New("the board is gone")) ||
		!c.Unwatched(payment.WithHint(errors.New("line is taken"), "stop the other program")) {
		t.Error("another reason is no change: the screen would advise what is of no use any more")
	}
	if ended, err := c.Reset(freely); ended || payment.HintOf(err) != "stop the other program" {
		t.Errorf("%v, %v, %q", ended, err, payment.HintOf(err))
	}
}

// TestWhatToDo: nobody is sent to end an alarm that is none, and everybody is told something.
func TestWhatToDo(t *testing.T) {
	t.Parallel()
	taken := errors.New("line is taken")
	for name, test := range map[string]struct {
		opened bool
		blind  error
		do     string
	}{
		"opened":               {true, nil, "tamper reset"},
		"opened and unwatched": {true, taken, "tamper reset"},
		"unwatched":            {false, taken, "wire"},
		"unwatched, with advice": {false, payment.WithHint(taken, "stop the other program"),
			"stop the other program"},
		"well": {},
	} {
		c := alarm.New(filepath.Join(t.TempDir(), "tamper.json"), func(error) {})
		c.Changed(test.opened)
		c.Unwatched(test.blind)
		err := c.Wrong()
		do := payment.HintOf(err)
		if (err == nil) != (test.do == "") || !strings.Contains(do, test.do) ||
			!test.opened && strings.Contains(do, "reset") {
			t.Errorf("%s: %v; %q", name, err, do)
		}
	}
}

// freely lets an alarm end.
func freely() error { return nil }
