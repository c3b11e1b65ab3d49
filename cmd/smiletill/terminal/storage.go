package terminal

import (
	"context"
	"log/slog"

	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/storage"
	"smiletill/device/screen"
	"smiletill/payment"
)

// disk is what the terminal knows of its files as a whole: the first write that fails in any of them puts it
// out of order, until a write works in all of them. Whoever tells how the terminal does tells this.
type disk struct {
	*storage.Health
	access *access
	front  *front.Front
	log    *slog.Logger
	late   func(context.Context) error // writes the alarm of the case, if it could not be when it came
}

// What is written, in words.
const (
	journalFile = "the journal"
	recordsFile = "the registers' records"
	pinsFile    = "the PINs"
	intentsFile = "what is about to be changed"
	facesFile   = "the customers' faces"
	counterFile = "the counter's payments"
	alarmFile   = "the alarm of the case"
	certFile    = "the certificate"
	seenFile    = "what was seen of the files"
)

// diskCause names the fault to the engine and to the screen.
const diskCause = "storage"

func newDisk(a *access, f *front.Front, log *slog.Logger, folders ...string) *disk {
	d := &disk{access: a, front: f, log: log}
	d.Health = storage.New(log, d.tell, folders...)
	return d
}

// tell shows it on the screen.
func (d *disk) tell() {
	err := d.Worst()
	if err == nil {
		d.front.Cured(diskCause)
		return
	}
	d.front.Fault(diskCause,
		front.Fault{Reason: screen.JournalFailed, What: err.Error(), Do: payment.HintOf(err)})
}

// apply makes the parts that are open obey. It is called when something has changed and when parts were
// opened, in whichever order these come.
func (d *disk) apply() {
	d.tell()
	p := d.access.load()
	if p == nil {
		return
	}
	obey(p.engine, diskCause, func() bool { return d.Worst() != nil }, d.log)
}

// probes are those of the files that are open.
func (d *disk) probes() []storage.Probe {
	all := []storage.Probe{{Of: alarmFile, Try: d.late}}
	p := d.access.load()
	if p == nil {
		return all // the opening tells
	}
	all = append(all, storage.Probe{Of: journalFile, Try: p.journal.Probe},
		storage.Probe{Of: pinsFile, Try: p.probePINs}, storage.Probe{Of: seenFile, Try: p.witness.Keep},
		storage.Probe{Of: intentsFile, Try: p.intents.Probe})
	if p.records != nil {
		all = append(all, storage.Probe{Of: recordsFile, Try: p.records.Probe})
	}
	return all
}

// row is the technician's line.
func (d *disk) row() screen.StatusRow {
	row := screen.StatusRow{Name: "storage", Value: "can be written", Level: screen.LevelOK}
	if err := d.Worst(); err != nil {
		row.Value, row.Level, row.Do = err.Error(), screen.LevelFault, payment.HintOf(err)
	}
	return row
}
