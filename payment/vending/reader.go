package vending

import (
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

// Mode is who comes first, the product or the customer.
type Mode int

const (
	// AlwaysIdle: a product is chosen, then paid for (MDB level 3, "selection first").
	AlwaysIdle Mode = iota
	// AuthoriseFirst: a customer is there with what may be spent, then a product is chosen (level 1).
	AuthoriseFirst
)

// Deny is the word that an adapter takes for a no. Where it does not answer to one, the other is tried.
type Deny int

const (
	DenyByVend Deny = iota // C,VEND,-1
	DenyByStop             // C,STOP
)

// Settings are those of a machine.
type Settings struct {
	Address int // of the reader on the bus: 0x10, or 0x60 for a second one
	Scale   Scale
	Mode    Mode
	Deny    Deny
	// Timeout is how long the machine waits for a yes, and how long a motor may take, 10 s to 10 min. The
	// machine's own has to be as long: public projects advise 60 to 120 s.
	Timeout time.Duration
}

// Check says what is wrong with settings.
func (s Settings) Check() error {
	switch {
	case s.Address != 0x10 && s.Address != 0x60:
		return payment.WithHint(fmt.Errorf("the address %#x", s.Address), "it is 0x10, or 0x60 for a second reader")
	case s.Timeout < 10*time.Second || s.Timeout > 10*time.Minute:
		return payment.WithHint(errors.New("a machine's timeout of "+s.Timeout.String()), "it is 10s to 10m")
	}
	return s.Scale.Check()
}

// The reader's own deadlines.
const (
	// Answer is how long the adapter has for an answer. At 115,200 baud a line takes 2 ms; an order that the
	// machine has to hear of waits for its next question, at most some 100 ms later (MDB: polls of 25 to 200
	// ms).
	Answer = 2 * time.Second
	// quiet is how long nothing at all may come from the adapter of a machine that runs: it says r,ACK all the
	// time. Then it is asked whether the reader is still on: an adapter that lost power has forgotten it.
	quiet = 30 * time.Second
	// pause is between two rounds of asking an adapter that doesn't answer.
	pause = 10 * time.Second
	// margin is how much sooner than the machine gives up it is refused, so that it hears of it.
	margin = 5 * time.Second
	// commitMax is how long a commit may take before the machine is refused.
	commitMax = 10 * time.Second
	rounds    = 3 // of C,0 without an answer before that is a fault
)

// Reason says why a vend ended without a product that was paid for, or what a person is told.
type Reason string

const (
	NotWanted    Reason = "machine_cancelled" // the customer at the machine, or it, took the choice back
	NotDispensed Reason = "not_dispensed"     // the machine says that the product did not fall
	Unconfirmed  Reason = "unconfirmed"       // the machine went on, and never said whether the product fell
	Silence      Reason = "silence"           // nothing was said in time
	TooSlow      Reason = "too_slow"          // nobody paid in the machine's time
	PortLost     Reason = "port_lost"         // the adapter was unplugged before anything was paid
	Changed      Reason = "other_choice"      // another product was chosen instead
	OutOfOrder   Reason = "out_of_order"      // the terminal takes no payments
	AdapterReset Reason = "adapter_restarted" // the adapter forgot the vend
	Refused      Reason = "adapter_refused"   // the adapter did not take the yes
	BadPrice     Reason = "bad_price"         // the price could not be read: decimals, scale, none
	OverFunds    Reason = "over_funds"        // the machine asked for more than was offered
	WrongMode    Reason = "wrong_mode"        // the machine lets choose first, the settings say otherwise
	Unasked      Reason = "product_unasked"   // a product fell that nobody pays for
	Disputed     Reason = "fell_or_not"       // charged: the machine said that it fell, and then that not
)

// Event is what happened: a line came, the port came or went, time passed, the money's side answered.
type Event interface{ event() }

type (
	// Connected: the port is open.
	Connected struct{}
	// Disconnected: it is gone.
	Disconnected struct{}
	// Received: the adapter said something.
	Received struct{ Line Line }
	// Tick: the Deadline has come. It may come early, or often.
	Tick struct{}
	// Serve: whether the terminal takes payments.
	Serve struct{ On bool }
	// Offer: a customer is there who may spend so much. AuthoriseFirst only.
	Offer struct{ Funds payment.Amount }
	// Withdraw: that customer has gone, or the offer has.
	Withdraw struct{}
	// Granted: the customer consents to a vend that was opened.
	Granted struct{ Vend int }
	// Declined: nobody pays for it, or it could not be committed.
	Declined struct{ Vend int }
	// Committed: the vend is in the journal, synced.
	Committed struct{ Vend int }
)

func (Connected) event()    {}
func (Disconnected) event() {}
func (Received) event()     {}
func (Tick) event()         {}
func (Serve) event()        {}
func (Offer) event()        {}
func (Withdraw) event()     {}
func (Granted) event()      {}
func (Declined) event()     {}
func (Committed) event()    {}

// Act is what has to be done, in order: a line sent, or a wish to the money's side.
type Act interface{ act() }

type (
	// Send is a line for the adapter, without its end.
	Send struct{ Line string }
	// Open: a product was chosen; begin a payment. Vend is its number until the process ends, 1 for the first.
	Open struct {
		Vend   int
		Price  payment.Amount
		Item   string
		Before time.Time // the machine waits until then
	}
	// Cancel: a payment that was opened is not wanted any more; nothing of it is committed.
	Cancel struct {
		Vend   int
		Reason Reason
	}
	// Commit: the machine waits, the customer consents: put it in the journal. Answered by Committed or
	// Declined.
	Commit struct{ Vend int }
	// Approve: the product fell.
	Approve struct{ Vend int }
	// Void: a committed vend is taken back.
	Void struct {
		Vend   int
		Reason Reason
	}
	// Flag: a person has to look. Vend is 0 where it is of none, or of the one that was open at the start.
	Flag struct {
		Vend   int
		Reason Reason
		Text   string // what came over the line, or what is wrong with it
	}
	// Ended: a session ended without a choice; the offer is over.
	Ended struct{}
)

// State is how the reader is, for people.
type State int

const (
	NoPort     State = iota // there is no adapter
	NoAnswer                // what is on the port doesn't answer as an adapter
	Unset                   // the adapter refuses a setting: Setting names it
	Preparing               // it is being set up
	OutOfUse                // it is off the bus, because the terminal takes no payments
	NotPolled               // the machine does not speak to the reader: wiring, address, power
	NotEnabled              // the machine speaks to it and wants no payments now
	Ready                   // it waits for a choice, or a customer
	Busy                    // a vend or a session is under way
)

// phase is where the conversation with the adapter is.
type phase int

const (
	closed    phase = iota
	silencing       // C,0 was sent
	setting         // a setting was sent
	resting         // off the bus, until Serve or until the next try
	starting        // C,1 was sent
	serving         // on the bus
	probing         // C,1 was sent to find out whether it is on
	opening         // C,START was sent
	session         // a session is open
	chosen          // a product is chosen
	ending          // a vend or a session has ended, and the adapter is to come back
	settling        // the port is open, and a vend of before is not decided
)

// stage is where the money of a vend is.
type stage int

const (
	none stage = iota
	asking
	committing
	vending
)

// Reader is the state of one cashless reader. It is a value: Next gives a changed one.
type Reader struct {
	set   Settings
	phase phase
	stage stage
	serve bool
	until time.Time // when the phase is over by itself; zero: never

	polled, enabled bool      // by the machine
	step            int       // of the settings
	tries           int       // of C,0
	renewed         time.Time // when it was last set up because the machine had stopped to speak to it
	unset           string
	then            string // of ending: the word to try next
	denied          bool   // of ending: a no was sent, and an error is an answer to it

	count  int // of vends
	vend   int // the number of the one under way
	amount string
	item   string
	doomed Reason // of committing: why it is taken back as soon as it is committed
	funds  payment.Amount

	last         int // the number of the last vend that ended
	lastApproved bool
	disputed     bool // of the last one: that it did not fall was told
}

// New is a reader without a port that serves nobody yet. open says that a vend of before was committed and
// has no end: it is number 0, and is voided unless the adapter decides it within the machine's time. Settings
// that Check refuses are the caller's mistake: they panic.
func New(set Settings, open bool, now time.Time) Reader {
	if err := set.Check(); err != nil {
		panic("vending: " + err.Error())
	}
	r := Reader{set: set}
	if open {
		r.stage, r.until = vending, now.Add(set.Timeout)
	}
	return r
}

// Deadline is when a Tick has to come at the latest; false if none has to.
func (r Reader) Deadline() (time.Time, bool) { return r.until, !r.until.IsZero() }

// Setting is the setting that the adapter refused, as it was sent; "" if it took all.
func (r Reader) Setting() string { return r.unset }

// State is how the reader is.
func (r Reader) State() State {
	switch r.phase {
	case closed:
		return NoPort
	case silencing, setting, starting:
		if r.tries > rounds {
			return NoAnswer
		}
		return Preparing
	case resting:
		switch {
		case r.unset != "":
			return Unset
		case r.tries > rounds:
			return NoAnswer
		}
		return OutOfUse
	case serving, probing:
		switch {
		case !r.polled:
			return NotPolled
		case !r.enabled:
			return NotEnabled
		}
		return Ready
	case opening, session, chosen, ending, settling:
	}
	return Busy
}

// settings are the orders that make a reader of an adapter, which forgets them without power. Older firmware
// does not know the last ones; with two decimals and factor 1, which is what it does by itself, it may refuse
// them.
func (s Settings) settings() []string {
	code, _ := currencyCode(s.Scale.Currency)
	idle := 0
	if s.Mode == AlwaysIdle {
		idle = 1
	}
	return []string{
		fmt.Sprintf("C,SETCONF,mdb-addr=%#x", s.Address),
		"C,SETCONF,mdb-currency-code=" + code,
		fmt.Sprintf("C,SETCONF,mdb-always-idle=%d", idle),
		fmt.Sprintf("C,SETCONF,mdb-decimal-places=%d", s.Scale.Decimals),
		fmt.Sprintf("C,SETCONF,mdb-scale-factor=%d", s.Scale.Factor),
	}
}

// needed tells whether the adapter has to take a setting.
func (s Settings) needed(step int) bool {
	return step < 3 || step == 3 && s.Scale.Decimals != 2 || step == 4 && s.Scale.Factor != 1
}

// denyWords are the word for a no, and the one to try if that does nothing.
func (s Settings) denyWords() (string, string) {
	const byVend, byStop = "C,VEND," + unknown, "C,STOP"
	if s.Deny == DenyByStop {
		return byStop, byVend
	}
	return byVend, byStop
}

func (Send) act()    {}
func (Open) act()    {}
func (Cancel) act()  {}
func (Commit) act()  {}
func (Approve) act() {}
func (Void) act()    {}
func (Flag) act()    {}
func (Ended) act()   {}
