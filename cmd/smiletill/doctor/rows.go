package doctor

import (
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/screen"
	"smiletill/payment/report"
)

// Rows are the machine's lines on the technician's page: disk, temperature, voltage, clock, address, the
// ends of certificates, and what keys are sealed to.
func (p Probe) Rows(cfg config.Config) (rows []screen.StatusRow) {
	all := p.Look(cfg).Findings()
	if f, none := certificates(endings(cfg), p.Now()); !none {
		all = append(all, f)
	}
	for _, f := range append(all, protection(cfg)) {
		rows = append(rows, screen.StatusRow{Name: f.Part, Value: f.What, Level: screen.Level(f.Level), Do: f.Do})
	}
	return rows
}

// LinkRow tells how the connection to the cloud does, and after it what else is wrong.
func LinkRow(row screen.StatusRow, s report.State, also screen.StatusRow) screen.StatusRow {
	switch {
	case s.Problem != "":
		row.Value, row.Level, row.Do = s.Problem, screen.LevelWarning, s.Hint
	case s.Connected:
		row.Value = "connected"
	default:
		row.Value, row.Level = "connecting", screen.LevelUnknown
	}
	if s.Connected && s.Plain {
		row.Value += "; the broker takes no will and keeps no message: the cloud doesn't learn when this " +
			"terminal goes"
	}
	if e := s.Ending; e != nil {
		row.Value += "; " + e.What
		if row.Level == screen.LevelOK {
			row.Level, row.Do = screen.LevelWarning, e.Advice
		}
		if e.Urgent {
			row.Level, row.Do = screen.LevelFault, e.Advice
		}
	}
	if also.Value != "" {
		row.Value += "; " + also.Value
		row.Do = strings.TrimPrefix(row.Do+"; "+also.Do, "; ")
		if row.Level != screen.LevelFault {
			row.Level = also.Level
		}
	}
	return row
}
