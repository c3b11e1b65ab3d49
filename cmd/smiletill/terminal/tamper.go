package terminal

import (
	"context"
	"log/slog"
	"path/filepath"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/storage"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// tamper has everybody obey the alarm of the case: faces are locked and no payment is taken, over restarts
// and power cuts, until a technician ends it.
type tamper struct {
	*alarm.Case
	access *access
	front  *front.Front
	shut   func() // ends what the counter's page has open
	disk   *disk
	book   intent.Book
	log    *slog.Logger
}

// tamperCause names the alarm to the engine and to the screen.
const tamperCause = "tamper"

func newTamper(path string, a *access, f *front.Front, shut func(), d *disk, log *slog.Logger) *tamper {
	m := &tamper{access: a, front: f, shut: shut, disk: d, log: log}
	m.Case = alarm.New(path, d.Told(alarmFile))
	m.book = intent.In(filepath.Dir(path)).OnFailure(d.Told(intentsFile))
	d.late = m.Keep
	return m
}

// load reads whether there is an alarm.
func (m *tamper) load() {
	if m.Load(); m.Raised() {
		m.tell()
	}
}

// changed is told by the switch: true is an open case.
func (m *tamper) changed(open bool) {
	m.unwatched(nil)
	if !m.Changed(open) {
		return
	}
	m.apply() // before the disk, which may be slow
	m.shut()
	m.log.Error("the case was opened: faces are locked",
		"hint", "look at it, then run `smiletill tamper reset`")
	if err := m.Keep(context.Background()); err != nil {
		m.log.Error("the alarm could not be written down: it holds until the power goes", "err", err)
		m.disk.Failed(alarmFile, err)
	}
	m.note(context.Background())
}

// note has the journal know the alarm, if it is open; else it is told when it is opened.
func (m *tamper) note(ctx context.Context) {
	p := m.access.load()
	if p == nil {
		return
	}
	if err := p.trail.Case(ctx, m.Raised()); err != nil {
		m.log.Error("the journal can't be told of the case: it is at the next start", "err", err)
	}
}

// again raises an alarm that nobody has ended: its file was taken away.
func (m *tamper) again() {
	m.log.Error("the alarm's file was taken away, and nobody had ended the alarm: it stands",
		"hint", "look at the case, then run `smiletill tamper reset`")
	m.Again()
	m.disk.Failed(alarmFile, m.Keep(context.Background()))
	m.tell()
}

// ending writes down who ends the alarm, before it ends. While nothing is open there is no journal to tell:
// the next start has it told.
func (m *tamper) ending(ctx context.Context) error {
	p := m.access.load()
	if p == nil {
		return m.book.ByCommand(ctx, func(note func(journal.Audit) error) error {
			return note(journal.Audit{What: journal.AlarmEnded})
		})
	}
	return p.trail.Note(ctx, journal.Audit{What: journal.AlarmEnded})
}

// unwatched is told why the switch can't be watched, nil when it can.
func (m *tamper) unwatched(err error) {
	if m.Unwatched(err) {
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
	if m.Raised() {
		p.gallery.Lock()
	}
	obey(p.engine, tamperCause, func() bool { return m.Wrong() != nil }, m.log)
}

// tell shows it on the screen.
func (m *tamper) tell() {
	err := m.Wrong()
	if err == nil {
		m.front.Cured(tamperCause)
		return
	}
	m.front.Fault(tamperCause,
		front.Fault{Reason: screen.TamperOpen, What: err.Error(), Do: payment.HintOf(err)})
}

// reset ends the alarm. The parts are opened anew: only then are the faces read again.
func (m *tamper) reset(ctx context.Context) error {
	ended, err := m.Reset(func() error { return m.ending(ctx) })
	if err != nil {
		m.note(context.Background()) // it stands, whatever was written down
	}
	if err != nil || !ended {
		return storage.WithHint(err)
	}
	m.tell()
	m.log.Info("a technician has ended the alarm")
	return m.access.reopen(ctx)
}
