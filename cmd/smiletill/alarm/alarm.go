package alarm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"smiletill/payment"
)

// Case is what the terminal knows of its case. Its methods may be called from any goroutine.
type Case struct {
	file   store
	failed func(error)

	disk sync.Mutex // held while the file is written or removed, never while mu is

	mu       sync.Mutex
	since    time.Time // of the alarm; zero: none
	open     bool      // the switch at the moment
	openings uint64    // how often it was told to be open
	unkept   bool      // the alarm stands, and its file may not be there
	blind    error     // why the switch can't be watched
}

// store is where the alarm outlives the power.
type store interface {
	Read() (since time.Time, err error)
	Write(since time.Time) error // on stable storage when it returns
	Remove() error               // likewise; nil if there is nothing to remove
}

// New gives a case of which nothing is known yet. path is the file of the alarm; failed is told each write of
// Reset that fails, and must not wait.
func New(path string, failed func(error)) *Case { return &Case{file: file(path), failed: failed} }

// Stands tells whether an alarm was written down at path.
func Stands(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Load reads whether there is an alarm. A file that can't be read is one, since now.
func (c *Case) Load() {
	since, err := c.file.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = since
}

// Raised tells whether there is an alarm.
func (c *Case) Raised() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.since.IsZero()
}

// Wrong is why no money may move, with what to do about it: an alarm, or a switch that can't be watched. nil
// while nothing is wrong.
func (c *Case) Wrong() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.since.IsZero():
		return payment.WithHint(errors.New("the case was opened at "+c.since.UTC().Format(time.RFC3339)),
			"call the technician, who looks at the case, then ends the alarm with `smiletill tamper reset`")
	case c.blind != nil:
		return payment.WithHint(errors.New("the tamper switch can't be watched"), blindHint(c.blind))
	}
	return nil
}

// Words are those of Wrong, for the cloud; "" while nothing is wrong.
func (c *Case) Words() string {
	if err := c.Wrong(); err != nil {
		return err.Error()
	}
	return ""
}

// blindHint is what to do about a switch that can't be watched, which is no alarm that could be ended.
func blindHint(err error) string {
	do := payment.HintOf(err)
	if do == "" {
		do = "call the technician, who looks at the switch's wire and the board's description (board.kind)"
	}
	return do
}

// Changed is told by the switch: true is an open case. raised tells that there is an alarm now that there was
// not; it is kept by Keep alone, which may wait for the disk.
func (c *Case) Changed(open bool) (raised bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = open
	if open {
		c.openings++
	}
	if !open || !c.since.IsZero() {
		return false
	}
	c.since, c.unkept = time.Now(), true
	return true
}

// Again raises an alarm that had not ended, whatever the file says; it is kept by Keep.
func (c *Case) Again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		c.since, c.unkept = time.Now(), true
	}
}

// Unwatched is told why the switch can't be watched, nil when it can, and tells whether that is a change: of
// the reason too, which has advice of its own.
func (c *Case) Unwatched(err error) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = (err == nil) != (c.blind == nil) || err != nil && err.Error() != c.blind.Error()
	c.blind = err
	return changed
}

// Keep writes down an alarm that is not yet, or does nothing. After an error it is to be called again.
func (c *Case) Keep(context.Context) error {
	c.disk.Lock()
	defer c.disk.Unlock()
	return c.keep()
}

// keep is Keep with disk held: nobody removes the file meanwhile.
func (c *Case) keep() error {
	c.mu.Lock()
	since, due := c.since, c.unkept
	c.mu.Unlock()
	if !due {
		return nil
	}
	if err := c.file.Write(since); err != nil {
		return fmt.Errorf("write down the alarm: %w", err)
	}
	c.mu.Lock()
	c.unkept = false
	c.mu.Unlock()
	return nil
}

// errOpen is why an alarm can't be ended.
var errOpen = errors.New("the case is open")

// Reset ends the alarm, and tells whether there was one. before is called when nothing speaks against it and
// nothing is done yet; its error ends the attempt. After an error the alarm stands.
func (c *Case) Reset(before func() error) (ended bool, err error) {
	c.disk.Lock()
	defer c.disk.Unlock()
	c.mu.Lock()
	open, blind, was, openings := c.open, c.blind, !c.since.IsZero(), c.openings
	c.mu.Unlock()
	switch {
	case open:
		return false, payment.WithHintf(fmt.Errorf("end the alarm: %w", errOpen),
			"close it, and look at the tamper switch's wire")
	case blind != nil:
		return false, payment.WithHintf(fmt.Errorf("end the alarm: the tamper switch can't be watched: %w", blind),
			"%s", blindHint(blind))
	case !was:
		return false, nil
	}
	if err := before(); err != nil {
		return false, fmt.Errorf("end the alarm: %w", err)
	}
	if err := c.file.Remove(); err != nil {
		c.failed(err)
		c.again() // it may be gone all the same
		return false, fmt.Errorf("end the alarm: %w", err)
	}
	c.mu.Lock()
	again := c.openings != openings
	if !again {
		c.since, c.unkept = time.Time{}, false
	}
	c.mu.Unlock()
	if again {
		c.again()
		return false, payment.WithHintf(fmt.Errorf("end the alarm: %w again, or was for a moment", errOpen),
			"look at the case, close it, and try again")
	}
	return true, nil
}

// again writes the alarm down whose file was removed, with disk held.
func (c *Case) again() {
	c.mu.Lock()
	c.unkept = true
	c.mu.Unlock()
	if err := c.keep(); err != nil {
		c.failed(err)
	}
}
