package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/storage"
	"smiletill/device/screen"
	"smiletill/payment"
)

// tamper is what the terminal knows of its case. Opened once, it stays an alarm over restarts and power cuts
// until a technician ends it: faces are locked and no payment is taken.
type tamper struct {
	path   string // holds the alarm; its being there is the alarm, whatever is in it
	access *access
	front  *front.Front
	shut   func() // ends what the counter's page has open
	disk   *disk
	log    *slog.Logger

	mu     sync.Mutex
	since  time.Time // of the alarm; zero: none
	open   bool      // the switch at the moment
	unkept bool      // the alarm could not be written down yet
	blind  error     // why the switch can't be watched
}

// tamperCause names the alarm to the engine and to the screen.
const tamperCause = "tamper"

func newTamper(path string, a *access, f *front.Front, shut func(), log *slog.Logger) *tamper {
	return &tamper{path: path, access: a, front: f, shut: shut, log: log}
}

// alarmStands tells whether an alarm was written down, for commands that open the gallery themselves.
func alarmStands(cfg config.Config) bool {
	_, err := os.Stat(cfg.TamperPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// alarm is the file.
type alarm struct {
	Since time.Time `json:"since"`
}

// load reads whether there is an alarm. A file that can't be read is one.
func (m *tamper) load() {
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	a := alarm{Since: time.Now()}
	_ = json.Unmarshal(data, &a) // the time is for people; a power cut may have left the file empty
	m.mu.Lock()
	m.since = a.Since
	m.mu.Unlock()
	m.tell()
}

// raised tells whether there is an alarm.
func (m *tamper) raised() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.since.IsZero()
}

// words are what the cloud and the technician read; "" while nothing is wrong.
func (m *tamper) words() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.since.IsZero():
		return "the case was opened at " + m.since.UTC().Format(time.RFC3339)
	case m.blind != nil:
		return "the tamper switch can't be watched"
	}
	return ""
}

// changed is told by the switch: true is an open case.
func (m *tamper) changed(open bool) {
	m.unwatched(nil)
	m.mu.Lock()
	m.open = open
	first := open && m.since.IsZero()
	if first {
		m.since = time.Now()
	}
	since := m.since
	m.mu.Unlock()
	if !first {
		return
	}
	m.apply() // before the disk, which may be slow
	m.shut()
	m.log.Error("the case was opened: faces are locked",
		"hint", "look at it, then run `smiletill tamper reset`")
	if err := m.keep(alarm{since}); err != nil {
		m.log.Error("the alarm could not be written down: it holds until the power goes", "err", err)
		m.mu.Lock()
		m.unkept = true
		m.mu.Unlock()
		m.disk.Failed(alarmFile, err)
	}
}

// keepLate writes down an alarm that could not be when it came, or does nothing.
func (m *tamper) keepLate(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.unkept || m.since.IsZero() {
		m.unkept = false
		return nil
	}
	if err := m.keep(alarm{m.since}); err != nil {
		return err
	}
	m.unkept = false
	return nil
}

// keep makes the alarm outlive the power.
func (m *tamper) keep(a alarm) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	dir := filepath.Dir(m.path)
	if err := config.PreparePrivateDir(dir); err != nil {
		return err
	}
	f, err := os.OpenFile(m.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// unwatched is told why the switch can't be watched, nil when it can.
func (m *tamper) unwatched(err error) {
	m.mu.Lock()
	changed := (err == nil) != (m.blind == nil)
	m.blind = err
	m.mu.Unlock()
	if changed {
		m.apply()
	}
}

// apply makes the parts that are open obey: no payments, no faces. It is called when something has changed
// and when parts were opened, in whichever order these come.
func (m *tamper) apply() {
	m.tell()
	p := m.access.load()
	if p == nil {
		return
	}
	m.mu.Lock()
	raised, wrong := !m.since.IsZero(), !m.since.IsZero() || m.blind != nil
	m.mu.Unlock()
	if raised {
		p.gallery.Lock()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := p.engine.SetOutOfOrder(ctx, tamperCause, wrong)
	if err != nil && !errors.Is(err, payment.ErrStopped) {
		m.log.Error("tell the engine about the case", "err", err)
	}
}

// tell shows it on the screen.
func (m *tamper) tell() {
	words := m.words()
	if words == "" {
		m.front.Cured(tamperCause)
		return
	}
	do := "Call the technician: the case is to be looked at, then `smiletill tamper reset`."
	m.mu.Lock()
	if m.since.IsZero() {
		do = payment.HintOf(m.blind)
	}
	m.mu.Unlock()
	m.front.Fault(tamperCause, front.Fault{Reason: screen.TamperOpen, What: words, Do: do})
}

// errCaseOpen is why an alarm can't be ended.
var errCaseOpen = errors.New("the case is open")

// reset ends the alarm. The parts are opened anew: only then are the faces read again.
func (m *tamper) reset(ctx context.Context) error {
	m.mu.Lock()
	open, blind, was := m.open, m.blind, !m.since.IsZero()
	m.mu.Unlock()
	switch {
	case open:
		return payment.WithHintf(fmt.Errorf("end the alarm: %w", errCaseOpen),
			"close it, and look at the tamper switch's wire")
	case blind != nil:
		return payment.WithHintf(fmt.Errorf("end the alarm: the tamper switch can't be watched: %w", blind),
			"%s", payment.HintOf(blind))
	case !was:
		return nil
	}
	err := os.Remove(m.path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = syncFolder(filepath.Dir(m.path))
	}
	if err != nil {
		m.disk.Failed(alarmFile, err)
		return storage.WithHint(fmt.Errorf("end the alarm: %w", err))
	}
	m.mu.Lock()
	if m.open { // in the meantime
		m.mu.Unlock()
		return payment.WithHintf(fmt.Errorf("end the alarm: %w again", errCaseOpen), "close it, and try again")
	}
	m.since = time.Time{}
	m.mu.Unlock()
	m.tell()
	m.log.Info("a technician has ended the alarm")
	return m.access.reopen(ctx)
}
