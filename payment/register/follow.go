package register

// TerminalState names how the terminal does, for events.
type TerminalState string

// The states.
const (
	Ready    TerminalState = "ready"
	Opening  TerminalState = "opening" // its files are being opened
	Broken   TerminalState = "broken"
	CaseOpen TerminalState = "open" // its case was
)

// Follower turns states into events. The zero value is at the start of a terminal.
type Follower struct {
	was   TerminalState
	ready bool // it was ready once
}

// Next is what a state is told as, or "". A state of "" is one that can't be said.
func (f *Follower) Next(now TerminalState) Event {
	if now == f.was || now == "" {
		return ""
	}
	f.was = now
	switch now {
	case CaseOpen:
		return EventSecurityAlarm
	case Broken:
		return EventOutOfOrder
	case Opening:
		if f.ready {
			return EventBeginMaintenance
		}
	case Ready:
		if f.ready {
			return EventEndMaintenance
		}
		f.ready = true
		return EventInitialised
	}
	return ""
}
