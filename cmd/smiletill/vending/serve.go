package vending

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/screen"
	"smiletill/device/serial"
	"smiletill/payment"
	"smiletill/payment/vending"
)

// Machine is the vending machine that a terminal serves: its adapter's port, and the desk between it and the
// engine.
type Machine struct {
	cfg  config.Config
	o    Options
	link *serial.Link
	desk *vending.Desk

	mu    sync.Mutex
	path  string // of the port, while it is open
	lost  error  // why there is none
	lines vending.Splitter
	told  time.Time // of the last refusal that was told
}

// Options are what a Machine needs of its terminal. All but Log are needed.
type Options struct {
	// Till gives the engine that runs, or says why there is none.
	Till func() (vending.Engine, error)
	// Payable is nil for a price that the terminal takes.
	Payable func(payment.Amount) error
	// Refused is told of a choice that no payment was begun for.
	Refused func(error)
	Log     *slog.Logger
}

// NewMachine gives a machine that is served while Run does. It is for a configuration with a vending.port.
func NewMachine(cfg config.Config, o Options) *Machine {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Machine{cfg: cfg, o: o}
	if v, most := cfg.Vending.Timeout, cfg.Payment.Timeout+cfg.PIN.Timeout; most > v {
		o.Log.Warn("a customer at the machine may have no time to finish the PIN", "vending.timeout", v.String(),
			"payment.timeout and pin.timeout", most.String(), "hint", "set vending.timeout to the machine's own, "+
				"60 to 120 s, or the other two shorter")
	}
	m.link = &serial.Link{Source: cfg.Vending.Port, Baud: baud, Opened: m.opened, Data: m.data, Lost: m.gone}
	m.desk = vending.NewDesk(vending.DeskOptions{Settings: settings(cfg), Till: o.Till, Payable: o.Payable,
		Write: m.link.Write, OnChange: m.changed, Log: o.Log})
	return m
}

// Run serves the machine until ctx ends.
func (m *Machine) Run(ctx context.Context) {
	// The port outlives the desk by its last word, which takes the reader off the bus.
	port, closePort := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	ended.Go(func() { m.link.Run(port) })
	m.desk.Run(ctx)
	closePort()
	ended.Wait()
}

func (m *Machine) opened(path string) {
	m.mu.Lock()
	m.path, m.lost, m.lines = path, nil, vending.Splitter{}
	m.mu.Unlock()
	m.o.Log.Info("the vending machine's adapter is there", "port", path)
	m.desk.Tell(vending.Connected{})
}

func (m *Machine) data(b []byte) {
	for _, l := range m.lines.Feed(b) { // the port's goroutine alone
		m.desk.Tell(vending.Received{Line: l})
	}
}

func (m *Machine) gone(err error) {
	m.mu.Lock()
	was := m.path
	m.path, m.lost = "", err
	m.mu.Unlock()
	m.o.Log.Warn("no vending machine is served", "err", err, "hint", payment.HintOf(err))
	if was != "" {
		m.desk.Tell(vending.Disconnected{})
	}
}

// changed tells of a choice that was refused, once.
func (m *Machine) changed() {
	now := m.desk.Now()
	m.mu.Lock()
	fresh := now.Refused != nil && now.At.After(m.told)
	m.told = now.At
	m.mu.Unlock()
	if fresh {
		m.o.Refused(now.Refused)
	}
}

// WantsCustomer tells whether the machine waits for a customer before the choice.
func (m *Machine) WantsCustomer() bool {
	return m.cfg.Vending.Mode == config.AuthoriseFirst && m.desk.Now().State == vending.Ready
}

// Idle tells whether the machine is between customers.
func (m *Machine) Idle() bool { return m.desk.Now().State != vending.Busy }

// Offer says that a customer is there who may spend so much; Withdraw, that they have gone.
func (m *Machine) Offer(funds payment.Amount) { m.desk.Tell(vending.Offer{Funds: funds}) }

// Withdraw takes the offer back.
func (m *Machine) Withdraw() { m.desk.Tell(vending.Withdraw{}) }

// lately is how long the technician's page tells of what happened at the machine.
const lately = 24 * time.Hour

// Row is the technician's line.
func (m *Machine) Row() screen.StatusRow {
	m.mu.Lock()
	path, lost := m.path, m.lost
	m.mu.Unlock()
	now := m.desk.Now()
	row := screen.StatusRow{Name: "vending", Level: screen.LevelOK}
	row.Value, row.Do = words(now, path)
	switch {
	case lost != nil:
		row.Level, row.Value, row.Do = screen.LevelFault, lost.Error(), payment.HintOf(lost)
		if now.Held {
			row.Value += "; " + underWay(now)
		}
	case path == "", now.State == vending.Preparing:
		row.Level = screen.LevelUnknown
	case now.State == vending.NoAnswer, now.State == vending.Unset:
		row.Level = screen.LevelFault
	case row.Do != "":
		row.Level = screen.LevelWarning
	}
	refusal := now.Refused != nil && now.At.Equal(now.Flagged) // told once, below
	if now.Flags > 0 && time.Since(now.Flagged) < lately && !refusal {
		row.Value += fmt.Sprintf("; %s: %s", now.Flagged.Format("15:04"), now.Flag.Text)
		if now.Flags > 1 {
			row.Value += fmt.Sprintf(" (%d things to look at since the start: the log has them)", now.Flags)
		}
		if row.Level == screen.LevelOK {
			row.Level, row.Do = screen.LevelWarning, flagged(now.Flag.Reason)
		}
	}
	if now.Refused != nil && time.Since(now.At) < lately {
		row.Value += fmt.Sprintf("; %s: refused: %v", now.At.Format("15:04"), now.Refused)
		if do := payment.HintOf(now.Refused); row.Do == "" && !errors.Is(now.Refused, payment.ErrBusy) {
			row.Do = do
		}
	}
	return row
}

// words say how the reader does, and what to do about it.
func words(now vending.Now, path string) (value, do string) {
	switch now.State {
	case vending.NoPort:
		return "starting", ""
	case vending.NoAnswer:
		return "what is at " + path + " does not answer as an adapter",
			"is it the adapter, and does it have its power from the machine? `smiletill vending test` tells more"
	case vending.Unset:
		return "the adapter refuses " + now.Setting,
			"old firmware knows no decimals and no scale: set vending.decimals = 2 and vending.scale = 1, or update it"
	case vending.Preparing:
		return "the adapter is being set up", ""
	case vending.OutOfUse:
		return "off: the terminal takes no payments, so that coins go on working", ""
	case vending.NotPolled:
		return "the machine does not speak to its cashless reader",
			"see to the cable, the machine's power, and vending.address"
	case vending.NotEnabled:
		return "the machine wants no cashless payments now", "is its door open, or cashless off in its menu?"
	case vending.Busy, vending.Ready:
	}
	if now.Price != "" {
		return underWay(now), ""
	}
	return "serves the machine at " + path, ""
}

// underWay is the product that is being paid for, or waited for.
func underWay(now vending.Now) string {
	text := fmt.Sprintf("%s for %s", vending.Product(now.Item), now.Price)
	if now.Held {
		text += ": waits for the machine's word whether it fell"
	}
	return text
}

// flagged says what to do about what a machine did.
func flagged(r vending.Reason) string {
	switch r {
	case vending.BadPrice, vending.WrongMode:
		return "`smiletill vending test` tells which setting is not the machine's"
	case vending.OverFunds:
		return "look at the machine's prices"
	case vending.Disputed:
		return "look whether the product fell: its customer was charged"
	case vending.NotWanted, vending.NotDispensed, vending.Unconfirmed, vending.Silence, vending.TooSlow,
		vending.PortLost, vending.Changed, vending.OutOfOrder, vending.AdapterReset, vending.Refused,
		vending.Unasked:
	}
	return "look whether a product fell that nobody was charged for"
}
