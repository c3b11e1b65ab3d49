package payment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
		minor  int64
		s      Standing
		draw   int
		want   Need
	}{
		{"no policy", Policy{}, math.MaxInt64, Standing{Count: 1e6, Sum: math.MaxInt64}, 0, NeedNone},
		{"always", Policy{Always: true}, 1, Standing{}, 99, NeedEvery},
		{"the amount's limit", Policy{AmountMax: 100}, 100, Standing{}, 99, NeedNone},
		{"above it", Policy{AmountMax: 100}, 101, Standing{}, 99, NeedAmount},
		{"the last of five", Policy{CountMax: 5}, 1, Standing{Count: 4}, 99, NeedNone},
		{"the sixth", Policy{CountMax: 5}, 1, Standing{Count: 5}, 99, NeedCount},
		{"up to the sum", Policy{SumMax: 100}, 40, Standing{Sum: 60}, 99, NeedNone},
		{"over the sum", Policy{SumMax: 100}, 41, Standing{Sum: 60}, 99, NeedSum},
		{"a sum beyond all", Policy{SumMax: math.MaxInt64}, MaxMinor, Standing{Sum: math.MaxInt64}, 99, NeedSum},
		{"up to the day's", Policy{DayMax: 100}, 40, Standing{Day: 60}, 99, NeedNone},
		{"over the day's", Policy{DayMax: 100}, 40, Standing{Day: 61}, 99, NeedDay},
		{"drawn", Policy{Percent: 3}, 1, Standing{}, 2, NeedDraw},
		{"not drawn", Policy{Percent: 3}, 1, Standing{}, 3, NeedNone},
	} {
		if got := c.policy.Judge(Amount{c.minor, "EUR"}, c.s, c.draw); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if (Policy{Percent: 101}).Check() == nil || (Policy{SumMax: -1}).Check() == nil ||
		(Policy{}).Check() != nil {
		t.Error("Check")
	}
}

func TestPolicyInWords(t *testing.T) {
	for _, c := range []struct {
		policy  Policy
		want    string
		endless bool
	}{
		{Policy{}, "a face alone pays whatever the terminal takes", true},
		{Policy{AmountMax: 5000}, "a face alone pays at most 50.00 EUR", true},
		{Policy{AmountMax: 5000, CountMax: 5, SumMax: 15000},
			"a face alone pays at most 50.00 EUR, 5 payments and 150.00 EUR since the last PIN", false},
		{Policy{DayMax: 100, Percent: 3}, "a face alone pays 1.00 EUR in 24 hours, but for 3 % drawn by lot",
			false},
		{Policy{Always: true}, "a face alone pays nothing: the PIN is asked for each time", false},
	} {
		if got := c.policy.Text("EUR"); got != c.want || c.policy.Endless() != c.endless {
			t.Errorf("%+v: %q, endless %v; want %q", c.policy, got, c.policy.Endless(), c.want)
		}
	}
}

func TestDrawLot(t *testing.T) {
	counts := map[int]int{}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	r := bytes.NewReader(all)
	for {
		n, err := drawLot(r)
		if err != nil {
			break
		}
		counts[n]++
	}
	for n := range 100 {
		if counts[n] != 2 {
			t.Errorf("%d is drawn %d times in 256, want 2", n, counts[n])
		}
	}
	if len(counts) != 100 {
		t.Error(counts)
	}
}

// pins knows one customer, whose PIN is 4711, and locks after two wrong ones.
type pins struct{ wrong int }

func (p *pins) Ready(_ context.Context, customer string) error {
	switch {
	case customer != "c1":
		return ErrPINNotSet
	case p.wrong >= 2:
		return ErrPINLocked
	}
	return nil
}

func (p *pins) Try(_ context.Context, _, pin string) error {
	if pin == "4711" {
		p.wrong = 0
		return nil
	}
	if p.wrong++; p.wrong >= 2 {
		return ErrPINLocked
	}
	return ErrPINWrong
}

func TestEnginePIN(t *testing.T) {
	inBubble(t, func(b *bench) {
		known := &pins{}
		b.options.Policy, b.options.PINs = Policy{SumMax: 300}, known
		b.begin("a") // 1.50 EUR
		if err := b.consent("a"); err != nil {
			t.Fatal(err)
		}
		b.want("a", StateApproved, "")
		b.l.standing = Standing{Count: 1, Sum: 151}

		b.begin("b")
		_, err := b.EnterPIN(b.Context(), "b", "4711")
		b.wantErr(err, ErrEvent) // not asked for yet
		if err := b.consent("b"); err != nil {
			t.Fatal(err)
		}
		if s, _ := b.Status(b.Context()); s.Payment.State != StatePIN || s.Payment.Need != NeedSum {
			t.Fatalf("%+v", s.Payment)
		}
		b.do("b", Lost{}) // whoever types looks away
		_, err = b.EnterPIN(b.Context(), "b", "0000")
		b.wantErr(err, ErrPINWrong)
		time.Sleep(50 * time.Second)
		p, err := b.EnterPIN(b.Context(), "b", "4711")
		if err != nil || p.State != StateApproved || !p.PIN || p.Need != NeedSum ||
			p.Evidence.MatchFrames == 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		b.want("b", StateApproved, "")

		b.begin("c")
		_ = b.consent("c")
		_, _ = b.EnterPIN(b.Context(), "c", "0000")
		_, err = b.EnterPIN(b.Context(), "c", "0001")
		b.wantErr(err, ErrPINLocked)
		b.want("c", StateDeclined, ReasonWrongPIN)
		b.begin("d")
		_ = b.consent("d")
		b.want("d", StateDeclined, ReasonPINLocked)
		known.wrong = 0

		b.begin("e")
		_ = b.consent("e")
		time.Sleep(61 * time.Second)
		b.want("e", StateExpired, ReasonNoPIN)
		_, err = b.EnterPIN(b.Context(), "e", "4711")
		b.wantErr(err, ErrNotRunning)

		b.begin("f")
		b.options.PINs = noPINs{}
		_ = b.consent("f")
		b.want("f", StateDeclined, ReasonPINNotSet)
		b.begin("g")
		b.l.unread = errDisk
		b.wantErr(b.consent("g"), ErrJournal)
		b.l.unread = nil
	})
}

func TestEngineLocksAfterRefusedFaces(t *testing.T) {
	inBubble(t, func(b *bench) {
		refuse := func(id string) {
			t.Helper()
			b.begin(id)
			b.do(id, Unknown{})
		}
		locked := func(want string) {
			t.Helper()
			_, err := b.Begin(b.Context(), euro("locked"))
			var h interface{ Hint() string }
			if !errors.Is(err, ErrLocked) || !errors.As(err, &h) || !strings.Contains(h.Hint(), want) {
				t.Fatalf("%v; want a wait of %s", err, want)
			}
		}
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			refuse(id)
		}
		locked("30s")
		time.Sleep(20 * time.Second)
		locked("10s")
		time.Sleep(11 * time.Second)
		refuse("6")
		locked("1m")
		time.Sleep(61 * time.Second)
		b.begin("7")
		if err := b.consent("7"); err != nil {
			t.Fatal(err)
		}
		refuse("8") // an approval has begun the count anew
		b.begin("9")
	})
	if lockAfter(4) != 0 || lockAfter(5) != firstLock || lockAfter(7) != 4*firstLock ||
		lockAfter(1e9) != longestLock {
		t.Error("lockAfter")
	}
}

// Faces that are no customer's count whatever becomes of the payment, and three of them decline it.
func TestEngineCountsStrangers(t *testing.T) {
	inBubble(t, func(b *bench) {
		for i := range 4 { // shown to the camera, and cancelled before the terminal has made up its mind
			id := fmt.Sprintf("c%d", i)
			b.begin(id)
			b.do(id, Stranger{})
			b.do(id, Cancelled{By: ByCustomer})
		}
		b.begin("one")
		b.do("one", Stranger{})
		b.do("one", Stranger{})
		b.do("one", Stranger{})
		b.want("one", StateDeclined, ReasonNotRecognised)
		if _, err := b.Begin(b.Context(), euro("locked")); !errors.Is(err, ErrLocked) {
			t.Fatalf("after seven strangers: %v", err)
		}
		time.Sleep(firstLock * 4)
		b.begin("two") // a friend tries, then the customer pays: the count begins anew
		b.do("two", Stranger{})
		if err := b.consent("two"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"x", "y"} {
			b.begin(id)
			b.do(id, Stranger{})
			b.do(id, Cancelled{By: ByRegister})
		}
		b.begin("z")
	})
}

// Faces count also where the end of their payment can't be written down.
func TestEngineCountsStrangersWithoutAJournal(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		b.do("a", Stranger{})
		b.do("a", Stranger{})
		b.l.set(errDisk, false)
		b.wantErr(b.Handle(b.Context(), "a", Stranger{}), ErrJournal)
		b.l.set(nil, false)
		time.Sleep(16 * time.Second)
		b.want("a", StateCancelled, ReasonJournalFailed)
		b.begin("b")
		b.do("b", Stranger{})
		b.do("b", Stranger{})
		b.do("b", Cancelled{By: ByCustomer})
		if _, err := b.Begin(b.Context(), euro("locked")); !errors.Is(err, ErrLocked) {
			t.Errorf("after five strangers: %v", err)
		}
	})
}

// TestNoMoneyMovesInAnAlarm: neither by a payment that was about to be approved, nor by a new one, nor back.
// What was given back before is told again.
func TestNoMoneyMovesInAnAlarm(t *testing.T) {
	inBubble(t, func(b *bench) {
		var why error
		b.options.Alarm = func() error { return why } // it is asked in the engine's goroutine, which rests now
		b.begin("a")
		if err := b.consent("a"); err != nil {
			t.Fatal(err)
		}
		part := ReversalRequest{ID: "r1", PaymentID: "a", Minor: 50}
		if _, err := b.Reverse(b.Context(), part); err != nil {
			t.Fatal(err)
		}
		b.begin("b")
		b.do("b", Recognised{"c1"})
		why = WithHint(errors.New("the case was opened"), "look at it")
		now := time.Now()
		b.do("b", Consented{Evidence{Customer: "c1", MatchFrames: 2, SmileFrames: 1, Since: now, At: now}})
		b.want("b", StateCancelled, ReasonDeviceFailed)
		_, err := b.Begin(b.Context(), euro("c"))
		b.wantErr(err, ErrAlarm)
		b.wantErr(err, ErrOutOfOrder)
		b.wantErr(b.Ready(b.Context()), ErrAlarm)
		_, err = b.Reverse(b.Context(), ReversalRequest{ID: "r2", PaymentID: "a"})
		b.wantErr(err, ErrAlarm)
		if HintOf(err) != "look at it" || b.l.stored["a"].Reversed != 50 {
			t.Errorf("%v, %q; given back %d", err, HintOf(err), b.l.stored["a"].Reversed)
		}
		if again, err := b.Reverse(b.Context(), part); err != nil || again.Amount.Minor != 50 {
			t.Errorf("what was given back before: %+v, %v", again, err)
		}
		why = nil
		b.begin("c")
		if _, err := b.Reverse(b.Context(), ReversalRequest{ID: "r2", PaymentID: "a"}); err != nil {
			t.Error(err)
		}
	})
}

func TestEngineReverses(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.begin("a")
		if err := b.consent("a"); err != nil {
			t.Fatal(err)
		}
		part := ReversalRequest{ID: "r1", PaymentID: "a", Minor: 50}
		first, err := b.Reverse(b.Context(), part)
		if err != nil || first.Amount.Minor != 50 || first.Customer != "c1" {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := b.Reverse(b.Context(), part)
		if err != nil || again != first {
			t.Errorf("again: %+v, %v", again, err)
		}
		for name, c := range map[string]struct {
			q    ReversalRequest
			want error
		}{
			"the id with another amount":  {ReversalRequest{ID: "r1", PaymentID: "a", Minor: 51}, ErrConflict},
			"the id as the whole rest":    {ReversalRequest{ID: "r1", PaymentID: "a"}, ErrConflict},
			"more than is left":           {ReversalRequest{ID: "r2", PaymentID: "a", Minor: 101}, ErrTooMuch},
			"a payment that nobody knows": {ReversalRequest{ID: "r2", PaymentID: "x"}, ErrNotFound},
			"a negative amount":           {ReversalRequest{ID: "r2", PaymentID: "a", Minor: -1}, ErrRequest},
			"no id":                       {ReversalRequest{PaymentID: "a"}, ErrRequest},
		} {
			if _, err := b.Reverse(b.Context(), c.q); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		b.begin("b") // a reversal needs no idle terminal, nor a camera
		rest, err := b.Reverse(b.Context(), ReversalRequest{ID: "r2", PaymentID: "a"})
		if err != nil || rest.Amount.Minor != 100 || !rest.Whole {
			t.Errorf("%+v, %v", rest, err)
		}
		_, err = b.Reverse(b.Context(), ReversalRequest{ID: "r3", PaymentID: "a"})
		b.wantErr(err, ErrTooMuch)
		_, err = b.Reverse(b.Context(), ReversalRequest{ID: "r3", PaymentID: "b"})
		b.wantErr(err, ErrNotApproved)
		b.l.set(errDisk, false)
		_, err = b.Reverse(b.Context(), ReversalRequest{ID: "r4", PaymentID: "a", Minor: 0})
		b.wantErr(err, ErrTooMuch)
		b.l.set(nil, false)
	})
}

// TestPolicyLeft: what a face alone may still pay is what Judge lets it pay, and not one cent more.
func TestPolicyLeft(t *testing.T) {
	for _, c := range []struct {
		l    Policy
		s    Standing
		left int64
	}{
		{Policy{}, Standing{Count: 9, Sum: 9999, Day: 9999}, 1000},
		{Policy{Always: true}, Standing{}, 0},
		{Policy{AmountMax: 500}, Standing{}, 500},
		{Policy{CountMax: 3}, Standing{Count: 2}, 1000},
		{Policy{CountMax: 3}, Standing{Count: 3}, 0},
		{Policy{SumMax: 900}, Standing{Sum: 850}, 50},
		{Policy{SumMax: 900}, Standing{Sum: 1 << 62}, 0},
		{Policy{DayMax: 900, AmountMax: 500}, Standing{Day: 500}, 400},
		{Policy{DayMax: 900}, Standing{Day: 901}, 0},
		{Policy{Liveness: LivenessPolicy{On: true, PassiveMax: 300}}, Standing{}, 300},
		{Policy{Liveness: LivenessPolicy{On: true, PassiveMax: 300, Light: LightOn}}, Standing{}, 1000},
	} {
		left := c.l.Left(1000, c.s)
		if left != c.left {
			t.Errorf("%+v after %+v: %d, want %d", c.l, c.s, left, c.left)
		}
		pays := func(minor int64) bool {
			a := Amount{minor, "EUR"}
			return c.l.Judge(a, c.s, 99) == NeedNone && c.l.Liveness.Demands(a, -1) != DemandPIN
		}
		if left > 0 && !pays(left) {
			t.Errorf("%+v after %+v: %d needs a PIN", c.l, c.s, left)
		}
		if left < 1000 && pays(left+1) {
			t.Errorf("%+v after %+v: %d needs no PIN", c.l, c.s, left+1)
		}
	}
}

// Who is blocked is declined once there is a consent, and no sooner: also while the PIN is asked for. When it
// can't be told, nobody pays.
func TestEngineDeclinesTheBlocked(t *testing.T) {
	inBubble(t, func(b *bench) {
		var blocked bool
		var unread error
		b.options.Blocked = func(context.Context, string) (bool, error) { return blocked, unread }
		b.options.Policy, b.options.PINs = Policy{Always: true}, &pins{}
		b.begin("a")
		blocked = true
		b.do("a", Recognised{"c1"})
		if s, _ := b.Status(b.Context()); s.Payment.State != StateRecognised {
			t.Fatalf("who only looks is told: %+v", s.Payment)
		}
		_ = b.consent("a")
		b.want("a", StateDeclined, ReasonBlocked)

		blocked = false
		b.begin("b")
		_ = b.consent("b")
		blocked = true
		p, err := b.EnterPIN(b.Context(), "b", "4711")
		if err != nil || p.State != StateDeclined || p.Reason != ReasonBlocked || p.Customer != "" {
			t.Fatalf("%+v, %v", p, err)
		}
		b.begin("c")
		unread = errDisk
		b.wantErr(b.consent("c"), errDisk)
		if s, _ := b.Status(b.Context()); s.Payment.State != StateRecognised {
			t.Errorf("nobody could tell, and it is %s", s.Payment.State)
		}
	})
}
