package machine_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/payment/vending"
	"smiletill/payment/vending/machine"
	"smiletill/payment/vending/vendingtest"
)

// memory is a wire without a line.
type memory struct{}

func (memory) ToAdapter(line string) ([]string, error) { return []string{line}, nil }

func (memory) ToReader(lines []string) ([]vending.Line, error) {
	var all []vending.Line
	for _, l := range lines {
		all = append(all, vending.Parse([]byte(l)))
	}
	return all, nil
}

// TestDays plays days with faults of every kind: nobody is charged for what did not fall, and what falls for
// nothing is told. SIM_SEEDS days are played, 40 if it is not set; SIM_SEED=n repeats one.
func TestDays(t *testing.T) {
	first, n := uint64(1), uint64(40)
	if s := os.Getenv("SIM_SEEDS"); s != "" {
		n, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("SIM_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		n = 1
	}
	var sum vendingtest.Report
	for seed := first; seed < first+n; seed++ {
		o := options(seed)
		r, err := vendingtest.Run(o, memory{})
		if err != nil {
			t.Fatalf("SIM_SEED=%d: %v", seed, err)
		}
		for _, v := range r.Violations {
			t.Errorf("SIM_SEED=%d: %s", seed, v)
		}
		sum.Chosen, sum.Approved, sum.Voided = sum.Chosen+r.Chosen, sum.Approved+r.Approved, sum.Voided+r.Voided
		sum.Fell, sum.Free, sum.Flagged = sum.Fell+r.Fell, sum.Free+r.Free, sum.Flagged+r.Flagged
		sum.Cancelled += r.Cancelled
		if seed%10 == 0 && r.Approved != r.Fell { // a day without faults but jams
			t.Errorf("SIM_SEED=%d: %d charged, %d fell", seed, r.Approved, r.Fell)
		}
	}
	t.Logf("%d days: %+v", n, sum)
	if days := int(n); days >= 20 && (sum.Approved < 15*days || sum.Voided < days || sum.Free < days/2) {
		t.Error("too little was tried")
	}
}

// options are a day's, by its seed.
func options(seed uint64) vendingtest.Options {
	o := vendingtest.Options{
		Seed: seed, Choices: 60, Unplug: 0.03, Stop: 0.03,
		Set: vending.Settings{Address: 0x10, Timeout: time.Minute,
			Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}},
		Machine: machine.Options{Decimals: 2, Motor: 3 * time.Second, Chatter: 500 * time.Millisecond,
			Faults: machine.Faults{Jam: 0.1, Silence: 0.05, Restart: 0.01, Garble: 0.02, Double: 0.05, Lose: 0.02}},
	}
	if seed%2 == 0 {
		o.Set.Mode, o.Machine.AuthoriseFirst = vending.AuthoriseFirst, true
	}
	if seed%3 == 0 {
		o.Machine.Firmware, o.Machine.Quoted = machine.OldFirmware, true
	}
	o.Machine.Deny = machine.Deny(seed % 5 % 3)
	o.Set.Deny = vending.Deny(seed / 3 % 2)
	if seed%7 == 0 {
		o.Machine.Chatter = 0
	}
	if seed%10 == 0 {
		o.Machine.Faults, o.Unplug, o.Stop = machine.Faults{Jam: 0.1}, 0, 0
	}
	return o
}

// TestHalves plays the maker's page "Vending Sessions Examples", with a program as the machine.
func TestHalves(t *testing.T) {
	now := time.Now()
	s := machine.New(machine.Options{Foreign: true, Decimals: 2}, now)
	for _, step := range []struct {
		from machine.Side
		line string
		want []string
	}{
		{machine.Machine, "D,REQ,1,5", []string{`d,ERR,"-1"`}},
		{machine.Reader, "V", []string{"v,4.0.2.0,0123456789ab"}},
		{machine.Machine, "D,READER,1", []string{`d,ERR,"-1"`}}, // the machine is off: it has no effect later
		{machine.Machine, "D,END", []string{`d,ERR,"-1"`}},
		{machine.Reader, "C,VEND,-1", nil},
		{machine.Machine, "D,2", nil},
		{machine.Reader, "C,SETCONF,mdb-always-idle=1", []string{"c,SET,OK"}},
		{machine.Reader, "C,SETCONF,mdb-decimal-places=9", []string{"c,ERR,SETCONF -1"}},
		{machine.Reader, "C,1", []string{"c,STATUS,INACTIVE", "c,1", "d,STATUS,RESET", "r,ACK", "c,STATUS,DISABLED",
			"d,STATUS,INIT,1"}},
		{machine.Reader, "C,1", []string{`c,ERR,"cashless is on"`}},
		{machine.Machine, "D,READER,1", []string{"c,STATUS,ENABLED", "d,STATUS,IDLE"}},
		{machine.Reader, "C,START,1.00", []string{"c,ERR,START -1"}},
		{machine.Reader, "C,VEND,1.00", []string{"c,ERR,VEND -1"}},
		{machine.Reader, "C,VEND,-1", nil},
		{machine.Machine, "D,END", []string{`d,ERR,"-1"`}},
		{machine.Machine, "D,REQ,1,5", []string{"c,STATUS,VEND,1.00,5", "d,STATUS,VEND"}},
		{machine.Reader, "C,VEND,1,5", []string{"r,ACK", "d,STATUS,RESULT,1,1.00"}},
		{machine.Machine, "D,END", []string{"c,VEND,SUCCESS", "c,STATUS,IDLE", "c,STATUS,ENABLED",
			"d,STATUS,IDLE"}},
		{machine.Machine, "D,REQ,1.20,10", []string{"c,STATUS,VEND,1.20,10", "d,STATUS,VEND"}},
		{machine.Reader, "C,VEND,-1", []string{"d,STATUS,RESULT,-1", "c,STATUS,IDLE", "c,STATUS,ENABLED",
			"d,STATUS,IDLE"}},
		{machine.Machine, "D,REQ,1.20,10", []string{"c,STATUS,VEND,1.20,10", "d,STATUS,VEND"}},
		{machine.Reader, "C,VEND,1.20", []string{"r,ACK", "d,STATUS,RESULT,1,1.20"}},
		{machine.Machine, "D,END,-1", []string{"c,ERR,VEND 3", "c,STATUS,IDLE", "c,STATUS,ENABLED",
			"d,STATUS,IDLE"}},
		{machine.Machine, "D,REQ,1.20,10", []string{"c,STATUS,VEND,1.20,10", "d,STATUS,VEND"}},
		{machine.Machine, "D,END,-1", []string{"c,ERR,VEND 1", "c,STATUS,IDLE", "c,STATUS,ENABLED",
			"d,STATUS,IDLE"}},
		{machine.Reader, "C,0", []string{"c,0"}},
		{machine.Machine, "D,1", nil},
		{machine.Reader, "C,1", []string{"c,STATUS,INACTIVE", "c,1", "d,STATUS,RESET", "r,ACK", "c,STATUS,DISABLED",
			"d,STATUS,INIT,1", "c,STATUS,ENABLED", "d,STATUS,IDLE"}},
		{machine.Reader, "C,START,5.00", []string{"c,STATUS,IDLE,5.00", "d,STATUS,CREDIT,5.00"}},
		{machine.Reader, "C,STOP", []string{"c,STATUS,ENABLED", "d,STATUS,IDLE"}},
		{machine.Machine, "D,READER,0", []string{"c,STATUS,DISABLED"}},
		{machine.Machine, "D,0", []string{"c,STATUS,INACTIVE"}},
	} {
		var got []string
		for _, l := range s.Feed(step.from, step.line, now) {
			got = append(got, l.Line)
			if side := l.Line[0] == 'd'; side != (l.To == machine.Machine) {
				t.Errorf("%s went to %v", l.Line, l.To)
			}
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: %q, want %q", step.line, got, step.want)
		}
	}
	var fell []bool
	for _, p := range s.Fallen() {
		fell = append(fell, p.Fell)
	}
	if !slices.Equal(fell, []bool{true, false, false, false}) {
		t.Errorf("fell: %v", s.Fallen())
	}
}

// FuzzFeed: whatever a program sends, the adapter goes on.
func FuzzFeed(f *testing.F) {
	f.Add("C,SETCONF,mdb-decimal-places=3\nC,1\nD,2\nD,READER,1\nD,REQ,1.20,10\nC,VEND,-1\n")
	f.Add("D,END\nD,END,-1\nC,VEND,\nD,REQ,,\nC,START\nX,1\n")
	f.Fuzz(func(_ *testing.T, text string) {
		s := machine.New(machine.Options{Foreign: true, Decimals: 2, Motor: time.Second}, time.Time{})
		for i, line := range strings.Split(text, "\n") {
			s.Feed(machine.Side(i%2), line, time.Time{})
			s.Tick(time.Time{}.Add(time.Duration(i) * time.Second))
		}
	})
}

// A machine whose customer chooses product 10, and a reader that says yes.
func Example() {
	now := time.Now()
	s := machine.New(machine.Options{Decimals: 2, Motor: 3 * time.Second}, now)
	show := func(said []machine.Said) {
		for _, l := range said {
			fmt.Println(l.Line)
		}
	}
	s.Feed(machine.Reader, "C,SETCONF,mdb-always-idle=1", now)
	s.Feed(machine.Reader, "C,1", now)
	said, _ := s.Choose("1.20", "10", now)
	show(said)
	show(s.Feed(machine.Reader, "C,VEND,1.20", now))
	show(s.Tick(now.Add(3 * time.Second)))
	// Output:
	// c,STATUS,VEND,1.20,10
	// r,ACK
	// c,VEND,SUCCESS
	// c,STATUS,IDLE
	// c,STATUS,ENABLED
}
