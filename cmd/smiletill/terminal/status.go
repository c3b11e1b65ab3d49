package terminal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/doctor"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/update"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision/edgetpu"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// tellTechnician keeps the technician's page true until ctx ends.
func (t *Terminal) tellTechnician(ctx context.Context) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		t.page.SetStatus(screen.Status{Rows: t.statusRows(ctx)})
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// statusNow tells how the terminal does, for programs: what supervises an update, and `smiletill status`.
// It is ready only when every part moves and nothing is out of order; that its process runs is not enough.
func (t *Terminal) statusNow(ctx context.Context) control.Status {
	sup := t.supervision()
	s := control.Status{Line: sup.statusLine(), Do: t.front.Do(), Up: time.Since(t.started)}
	p, hung := t.access.load(), sup.hung(ctx)
	s.Faults, s.Looked = update.Faults(t.front, hung, p != nil), t.updates.looked.Load()
	switch {
	case hung != "":
		s.Line = "out of order: " + hung + " does not move"
		s.Do = "it is started again by itself; look at its log if this stays"
	case p == nil || t.front.Trouble() != "":
	default:
		now, err := p.engine.Status(ctx)
		if err != nil {
			now.OutOfOrder, s.Do = []string{err.Error()}, payment.HintOf(err)
		}
		if s.Ready = len(now.OutOfOrder) == 0; !s.Ready {
			s.Line = "out of order: " + strings.Join(now.OutOfOrder, ", ")
		}
	}
	for _, row := range t.statusRows(ctx) {
		s.Parts = append(s.Parts, control.Part{Name: row.Name, Value: row.Value, Level: string(row.Level),
			Do: row.Do})
	}
	return s
}

// books are the numbers of the journal and the gallery. false: they are not open.
func (t *Terminal) books(ctx context.Context) (b journal.Backlog, last int64, customers int, open bool) {
	p := t.access.load()
	if p == nil {
		return b, 0, 0, false
	}
	b, err := p.journal.Backlog(ctx)
	last, also := p.journal.Last(ctx)
	return b, last, len(p.gallery.List()), err == nil && also == nil
}

func (t *Terminal) statusRows(ctx context.Context) []screen.StatusRow {
	ok := func(name, value string) screen.StatusRow {
		return screen.StatusRow{Name: name, Value: value, Level: screen.LevelOK}
	}
	rows := []screen.StatusRow{ok("version", t.o.Version)}
	if row, any := t.updates.Row(); any {
		rows = append(rows, row)
	}
	if row, any := t.o.Claim.Row(); any {
		rows = append(rows, row)
	}
	p, err := t.access.opened()
	if err != nil {
		rows = append(rows, screen.StatusRow{Name: "terminal", Value: err.Error(), Level: screen.LevelFault,
			Do: payment.HintOf(err)}, t.disk.row())
		return append(rows, doctor.Here().Rows(t.cfg)...)
	}
	rows = append(rows, t.camera.row(), ok("models", networks.DescribeSet(p.set)),
		acceleratorRow(p.accelerator.State()))
	if row, bad := p.eyes.picture.Row(); bad {
		rows = append(rows, row)
	}
	if row, none := lightRow(p); !none {
		rows = append(rows, row)
	}
	rows = append(rows, p.galleryRow(), limitsRow(ctx, p), journalRow(ctx, p), reportRow(p), t.disk.row())
	rows = append(rows, doctor.Here().Rows(t.cfg)...)
	rows = append(rows, t.register.row())
	if t.cfg.Counter.Listen != "" {
		rows = append(rows, t.counter.row(ctx))
	}
	if t.machine != nil {
		rows = append(rows, t.machine.Row())
	}
	rows = append(rows, t.hardware.row())
	if err := t.tamper.Wrong(); err != nil {
		rows = append(rows, screen.StatusRow{Name: "case", Value: err.Error(), Level: screen.LevelFault,
			Do: payment.HintOf(err)})
	}
	return rows
}

func journalRow(ctx context.Context, p *parts) screen.StatusRow {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	b, err := p.journal.Backlog(ctx)
	if failed := p.disk.Problem(journalFile); failed != nil { // it can still be read
		err = failed
	}
	if err != nil {
		return screen.StatusRow{Name: "journal", Value: err.Error(), Level: screen.LevelFault,
			Do: payment.HintOf(err)}
	}
	if b.Parked > 0 {
		return screen.StatusRow{Name: "journal", Level: screen.LevelWarning,
			Value: fmt.Sprintf("%d reports can't be delivered, %d wait for the cloud", b.Parked, b.Count),
			Do:    "`smiletill journal parked` says why; call the operator of the cloud"}
	}
	value := "all approvals are acknowledged by the cloud"
	if b.Count > 0 {
		value = fmt.Sprintf("%d reports wait for the cloud, the oldest since %s", b.Count,
			b.Oldest.Local().Format(time.DateTime))
	}
	return screen.StatusRow{Name: "journal", Value: value, Level: screen.LevelOK}
}

func reportRow(p *parts) screen.StatusRow {
	row := screen.StatusRow{Name: "report", Level: screen.LevelOK}
	if p.reporter == nil {
		row.Value, row.Level, row.Do = "off", screen.LevelWarning, "set mqtt.broker to report payments to the cloud"
		return row
	}
	if n, err := p.keys.Cloud.Known(); err != nil {
		row.Value, row.Level, row.Do = err.Error(), screen.LevelWarning, reporting.CloudKeyHint("the file")
		return row
	} else if n == 0 {
		unknown := screen.StatusRow{Value: "the cloud's key is not known: no acknowledgement is believed",
			Level: screen.LevelWarning, Do: reporting.CloudKeyHint("cloud.pub in the data folder")}
		return doctor.LinkRow(row, p.reporter.State(), unknown)
	}
	return doctor.LinkRow(row, p.reporter.State(), screen.StatusRow{})
}

func acceleratorRow(s edgetpu.State) screen.StatusRow {
	row := screen.StatusRow{Name: "accelerator", Value: s.Text, Level: screen.LevelOK, Do: s.Do}
	switch {
	case s.Phase == edgetpu.Failed, s.Do != "":
		row.Level = screen.LevelWarning
	case s.Phase == edgetpu.Starting:
		row.Level = screen.LevelUnknown
	}
	return row
}

// staleHint says what to do about customers of another model that is not in use beside the one in force;
// where it is built in, it can be had back.
func staleHint(s gallery.Stale) string {
	if back := files.WayBack(s.Model); back != "" {
		return s.Hint() + "; `" + back + "` goes back to the models that they were enrolled with"
	}
	return s.Hint()
}
