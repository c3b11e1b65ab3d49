package machine

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Firmware is how the adapter speaks.
type Firmware int

const (
	NewFirmware Firmware = iota // c,0 and c,1
	OldFirmware                 // c,STATUS,OFFLINE and ONLINE; knows no decimals and no scale
)

// Deny is which words the adapter takes for a no, once a product was chosen.
type Deny int

const (
	DenyByBoth Deny = iota
	DenyByVend      // C,VEND,-1 alone
	DenyByStop      // C,STOP alone
)

// Side is a half of the adapter.
type Side int

const (
	Reader  Side = iota // the cashless reader's: C
	Machine             // the machine's: D
)

// Faults are chances, 0 to 1.
type Faults struct {
	Jam     float64 // of a product: the motor turns and it does not fall
	Silence float64 // of a vend: the machine never says how it ended; the product falls, or not
	Restart float64 // of an order: the adapter loses power at it, and forgets all
	Garble  float64 // of a line to the reader: one of its bytes is another, that no line has
	Double  float64 // of a line to the reader: it comes twice
	Lose    float64 // of a line to the reader: it does not come
}

// Options are what adapter and machine are like.
type Options struct {
	Firmware       Firmware
	Quoted         bool // errors come in quotes
	Deny           Deny
	AuthoriseFirst bool // the machine wants the customer before the choice
	Foreign        bool // the machine is a program's, on the D side; there is none of its own
	Address        int  // that the machine looks for a reader at; 0 is 0x10
	Decimals       int  // of the machine's prices; those of the reader are what it sets, 2 at first
	Motor          time.Duration
	Patience       time.Duration // how long the machine waits for a yes; 0 is a minute
	Chatter        time.Duration // between two r,ACK; 0 is none
	Faults         Faults
	Seed           uint64
}

// Product is one that the machine gave, or kept.
type Product struct {
	Price, Item string // as chosen
	Fell        bool
	Told        bool // the reader's half was told how it ended, before lines were lost or changed
	Paid        bool // the reader said yes
}

// Said is a line of the adapter, without its end.
type Said struct {
	To   Side
	Line string
}

// The states of the reader's half.
const (
	off = iota
	inactive
	disabled
	enabled
	idle     // a session is open
	wanted   // a product is chosen
	approved // the reader has said yes
)

// Sim is an adapter with a machine behind it. It is not safe for concurrent use.
type Sim struct {
	o    Options
	rng  *rand.Rand
	now  time.Time
	said []Said

	state int
	conf  map[string]string

	mode      int  // of the machine: 0 off, 1 customer first, 2 product first
	readerOn  bool // by the machine
	machineAt Side // the port that the machine is spoken to by

	price, item string    // of what is chosen; "" of nothing
	ends        time.Time // the motor's, or the machine's patience's; zero: neither
	mute        bool
	chatter     time.Time
	fallen      []Product
}

// New is an adapter that was just plugged into a machine.
func New(o Options, now time.Time) *Sim {
	if o.Address == 0 {
		o.Address = 0x10
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	s := &Sim{o: o, rng: rand.New(rand.NewPCG(o.Seed, 2)), now: now, machineAt: Machine}
	s.forget()
	if !o.Foreign {
		s.mode = 2
		if o.AuthoriseFirst {
			s.mode = 1
		}
	}
	return s
}

// forget is what an adapter without power does.
func (s *Sim) forget() {
	s.state = off
	s.conf = map[string]string{"mdb-addr": "0x10", "mdb-always-idle": "0", "mdb-decimal-places": "2",
		"mdb-scale-factor": "1"}
}

// Fallen lists the products that were chosen, and what became of them, in the order of their ends.
func (s *Sim) Fallen() []Product { return s.fallen }

// Waiting tells whether the machine would take a choice now.
func (s *Sim) Waiting() bool {
	return s.ends.IsZero() && (s.state == enabled && s.mode == 2 && s.alwaysIdle() || s.state == idle)
}

// Feed is a line that came by the port of a side. It gives what the adapter answers, on both.
func (s *Sim) Feed(from Side, line string, now time.Time) []Said {
	s.now = now
	line = strings.TrimSpace(line)
	if from == Reader && line != "" && s.chance(s.o.Faults.Restart) {
		s.Restart()
		return s.flush()
	}
	if strings.HasPrefix(line, "D,") {
		s.machineAt, s.o.Foreign = from, true // whoever speaks for the machine is the machine from then on
		s.order(line)
	} else {
		s.ask(line)
	}
	return s.flush()
}

// Restart takes the adapter's power away for a moment. The machine's motor goes on turning.
func (s *Sim) Restart() {
	was := s.state
	s.forget()
	if was == wanted {
		s.result("")
	}
}

// Choose is a customer at the machine who chooses a product: a price as the machine has it ("1.20"), and its
// number. It is false where the machine can't ask the reader now.
func (s *Sim) Choose(price, item string, now time.Time) ([]Said, bool) {
	s.now = now
	if !s.Waiting() {
		return nil, false
	}
	s.order("D,REQ," + price + "," + item)
	return s.flush(), s.state == wanted
}

// Cancel is a customer who wants the money back before the product falls.
func (s *Sim) Cancel(now time.Time) []Said {
	s.now = now
	if s.state == wanted {
		s.order("D,END,-1")
	}
	return s.flush()
}

// Next is when Tick has something to do; false if nothing comes by itself.
func (s *Sim) Next() (time.Time, bool) {
	at := s.ends
	if s.o.Chatter > 0 && s.state > inactive && (at.IsZero() || s.chatter.Before(at)) {
		at = s.chatter
	}
	return at, !at.IsZero()
}

// Tick is time that passes.
func (s *Sim) Tick(now time.Time) []Said {
	s.now = now
	if s.o.Chatter > 0 && s.state > inactive && !now.Before(s.chatter) {
		s.tell("r,ACK")
		s.chatter = now.Add(s.o.Chatter)
	}
	if !s.ends.IsZero() && !now.Before(s.ends) {
		s.ends = time.Time{}
		switch {
		case s.state == wanted:
			s.order("D,END,-1")
		case s.mute:
			s.keep(Product{s.price, s.item, s.rng.IntN(2) == 0, false, true})
			s.price = ""
		case s.chance(s.o.Faults.Jam):
			s.order("D,END,-1")
		default:
			s.order("D,END")
		}
	}
	return s.flush()
}

func (s *Sim) keep(p Product) { s.fallen = append(s.fallen, p) }

func (s *Sim) chance(p float64) bool { return p > 0 && s.rng.Float64() < p }

// tell says a line to the reader's half.
func (s *Sim) tell(line string) { s.said = append(s.said, Said{Reader, line}) }

// err says an error, in the dialect's quotes or not.
func (s *Sim) err(code string) {
	if s.o.Quoted || strings.Contains(code, "cashless") {
		code = `"` + code + `"`
	}
	s.tell("c,ERR," + code)
}

// echo says a line to the machine's half, if a program is there.
func (s *Sim) echo(line string) {
	if s.o.Foreign {
		s.said = append(s.said, Said{s.machineAt, line})
	}
}

// flush gives what was said, with what happens to lines on their way to the reader.
func (s *Sim) flush() []Said {
	var all []Said
	f := s.o.Faults
	for _, l := range s.said {
		if l.To == Machine || strings.HasPrefix(l.Line, "d,") {
			all = append(all, l)
			continue
		}
		if s.chance(f.Lose) {
			continue
		}
		if s.chance(f.Garble) {
			b := []byte(l.Line)
			b[s.rng.IntN(len(b))] = "#\x00\xff\x7f"[s.rng.IntN(4)]
			l.Line = string(b)
		}
		all = append(all, l)
		if s.chance(f.Double) {
			all = append(all, l)
		}
	}
	s.said = s.said[:0]
	return all
}

func (s *Sim) alwaysIdle() bool { return s.conf["mdb-always-idle"] == "1" }

// number is a setting as a number.
func (s *Sim) number(name string) int64 {
	n, _ := strconv.ParseInt(s.conf[name], 0, 64)
	return n
}

// units reads an amount with so many decimals, cut; -1 if it is none.
func units(text string, decimals int) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+(fraction + "000")[:decimals], 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// text writes units with so many decimals.
func text(n int64, decimals int) string {
	if decimals == 0 {
		return fmt.Sprint(n)
	}
	t := fmt.Sprintf("%0*d", decimals+1, n)
	return t[:len(t)-decimals] + "." + t[len(t)-decimals:]
}
