package vending_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/vending"
)

// ledger is the money's side in a test, and holds the reader to its promises.
type ledger struct {
	t         *testing.T
	seed      uint64
	asked     map[int]bool // opened, neither cancelled nor granted
	commits   map[int]bool // wished
	committed map[int]bool // and not ended
	ended     map[int]bool
	yes       map[int]bool // C,VEND was sent
	last      int          // opened
}

func newLedger(t *testing.T, seed uint64, open bool) *ledger {
	l := &ledger{t: t, seed: seed, asked: map[int]bool{}, commits: map[int]bool{}, committed: map[int]bool{},
		ended: map[int]bool{}, yes: map[int]bool{}}
	if open {
		l.committed[0], l.yes[0] = true, true
	}
	return l
}

func (l *ledger) fail(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf("SIM_SEED=%d: "+format, append([]any{l.seed}, args...)...)
}

// open tells whether a vend is committed and has no end.
func (l *ledger) open() (vend int, open bool) {
	for v := range l.committed {
		return v, true
	}
	return 0, false
}

// take checks what the reader does because of an event.
func (l *ledger) take(e vending.Event, acts []vending.Act) {
	for _, a := range acts {
		switch a := a.(type) {
		case vending.Open:
			if a.Vend != l.last+1 || a.Price.Check() != nil {
				l.fail("opened %+v after %d", a, l.last)
			}
			l.last = a.Vend
			l.asked[a.Vend] = true
		case vending.Cancel:
			if l.committed[a.Vend] {
				l.fail("a committed vend was cancelled: %+v", a)
			}
			delete(l.asked, a.Vend)
		case vending.Commit:
			if !l.asked[a.Vend] || l.commits[a.Vend] {
				l.fail("commit of %d", a.Vend)
			}
			delete(l.asked, a.Vend)
			l.commits[a.Vend] = true
		case vending.Approve:
			r, ok := e.(vending.Received)
			if !ok || r.Line.Kind != vending.Success || !l.committed[a.Vend] || !l.yes[a.Vend] {
				l.fail("%d was approved by %+v", a.Vend, e)
			}
			l.end(a.Vend)
		case vending.Void:
			if !l.committed[a.Vend] {
				l.fail("%d was voided, and is not open", a.Vend)
			}
			l.end(a.Vend)
		case vending.Send:
			l.sent(a.Line)
		case vending.Flag, vending.Ended:
		}
	}
}

func (l *ledger) end(vend int) {
	if l.ended[vend] {
		l.fail("%d ended twice", vend)
	}
	l.ended[vend] = true
	delete(l.committed, vend)
}

func (l *ledger) sent(line string) {
	rest, ok := strings.CutPrefix(line, "C,VEND,")
	if !ok || rest == "-1" {
		return
	}
	v, open := l.open()
	if !open || l.yes[v] {
		l.fail("%q, and %d is open: %v, was told: %v", line, v, open, l.yes[v])
	}
	l.yes[v] = true
}

// TestRandomConversations lets an adapter say anything at any time, lets the money's side be late, and pulls
// the plug. SIM_SEEDS conversations are held, 600 if it is not set; SIM_SEED=n repeats one.
func TestRandomConversations(t *testing.T) {
	first, n := uint64(1), uint64(600)
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		n, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("SIM_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		n = 1
	}
	approved, voided := 0, 0
	for seed := first; seed < first+n; seed++ {
		a, v := converse(t, seed)
		approved, voided = approved+a, voided+v
	}
	if n >= 600 && (approved == 0 || voided < 60) {
		t.Errorf("%d vends were approved and %d voided: nothing was tried", approved, voided)
	}
}

var said = []string{
	"c,0", "c,1", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,STATUS,INACTIVE", "c,STATUS,DISABLED",
	"c,STATUS,ENABLED", "c,STATUS,ENABLED", "c,STATUS,IDLE", "c,STATUS,IDLE,5.00",
	"c,STATUS,VEND,1.20,10", "c,STATUS,VEND,1.20,10", "c,STATUS,VEND,2.00,11", "c,STATUS,VEND,2,11",
	"c,STATUS,VEND,-1,11", "c,STATUS,VEND,1,20,10", "c,STATUS,VEND,1.20,1#",
	"c,VEND,SUCCESS", "c,VEND,SUCCESS", "c,ERR,VEND 3", "c,ERR,VEND 1",
	`c,ERR,"START -1"`, "r,ACK", "c,STATUS,ON", "c,VEND,SUCC", "v,1,2", "x,1",
}

// converse gives how many vends were approved and voided.
func converse(t *testing.T, seed uint64) (approved, voided int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	set := euro(vending.Mode(rng.IntN(2)))
	set.Deny = vending.Deny(rng.IntN(2))
	now := time.Now()
	restarted := rng.IntN(4) == 0
	r := vending.New(set, restarted, now)
	l := newLedger(t, seed, restarted)
	next := func(e vending.Event) {
		var acts []vending.Act
		r, acts = r.Next(e, now)
		l.take(e, acts)
		for _, a := range acts {
			switch a.(type) {
			case vending.Approve:
				approved++
			case vending.Void:
				voided++
			}
		}
	}
	next(vending.Serve{On: true})
	next(vending.Connected{})
	for range 400 {
		switch rng.IntN(12) {
		case 0:
			now = now.Add(time.Duration(rng.Int64N(int64(20 * time.Second))))
			next(vending.Tick{})
		case 1:
			if rng.IntN(6) == 0 {
				next(vending.Disconnected{})
				next(vending.Connected{})
			}
		case 2:
			if rng.IntN(8) == 0 {
				next(vending.Serve{On: rng.IntN(3) > 0})
			}
		case 3:
			next(vending.Offer{Funds: payment.Amount{Minor: 500, Currency: "EUR"}})
		case 4, 5:
			if l.asked[l.last] || rng.IntN(20) == 0 {
				next(vending.Granted{Vend: l.last})
			}
		case 6, 7:
			for v := range l.commits {
				delete(l.commits, v)
				if rng.IntN(5) == 0 {
					next(vending.Declined{Vend: v})
					break
				}
				l.committed[v] = true
				next(vending.Committed{Vend: v})
			}
		default:
			next(vending.Received{Line: vending.Parse([]byte(said[rng.IntN(len(said))]))})
		}
	}
	for v := range l.commits { // the money's side answers in the end, and time passes
		l.committed[v] = true
		next(vending.Committed{Vend: v})
	}
	for range 20 {
		now = now.Add(set.Timeout)
		next(vending.Tick{})
	}
	if v, open := l.open(); open {
		l.fail("%d never ended", v)
	}
	return approved, voided
}
