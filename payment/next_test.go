package payment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyEvent has one of each kind. A kind that is missing here fails TestNextIsTotal.
func everyEvent(good Evidence) []Event {
	return []Event{
		Recognised{"c1"}, Lost{}, Unknown{}, Stranger{}, Consented{good}, Cancelled{ByRegister},
		DeviceFailed{"camera"},
		JournalFailed{}, Tick{}, Restarted{}, PINAsked{good, NeedSum, now.Add(time.Minute)},
		PINRefused{good, NeedSum, ReasonPINNotSet}, Blocked{good}, PINVerified{"c1"}, PINFailed{},
		Dispensed{}, NotDispensed{ReasonNotDispensed},
	}
}

var (
	opened = time.Unix(1000, 0)
	now    = opened.Add(10 * time.Second)
	good   = Evidence{
		Customer:    "c1",
		MatchFrames: 5,
		SmileFrames: 2,
		Since:       now.Add(-3 * time.Second),
		At:          now,
	}
)

func in(s State) Payment {
	p := Payment{
		ID: "p1", Amount: Amount{150, "EUR"}, State: s, OpenedAt: opened, Deadline: opened.Add(time.Minute),
	}
	switch s {
	case StateRecognised:
		p.Customer = "c1"
	case StatePIN:
		p.Customer, p.Evidence, p.Need = "c1", good, NeedSum
	case StateApproved:
		p.Customer, p.Evidence, p.ClosedAt = "c1", good, now
	case StateVending:
		p.Vend, p.Item, p.Customer, p.Evidence, p.VendedAt = true, "10", "c1", good, now
		p.Deadline = time.Time{}
	case StateDeclined, StateCancelled, StateExpired, StateVoided:
		p.Reason, p.ClosedAt = "x", now
	case StateWaiting:
	}
	return p
}

type outcome struct {
	state  State
	reason Reason
	err    error
}

// TestNext is the table of states and events; TestNextIsTotal proves that it has every pair.
func TestNext(t *testing.T) {
	for key, want := range nextTable() {
		state, name, _ := strings.Cut(key, " ")
		for _, e := range everyEvent(good) {
			if eventName(e) != name {
				continue
			}
			before := in(State(state))
			after, err := Next(before, e, now)
			if !errors.Is(err, want.err) || (err != nil) != (want.err != nil) {
				t.Errorf("%s: error %v, want %v", key, err, want.err)
			}
			if after.State != want.state || after.Reason != want.reason {
				t.Errorf("%s: %s %q, want %s %q", key, after.State, after.Reason, want.state, want.reason)
			}
			if err != nil && after != before {
				t.Errorf("%s: an error changed the payment", key)
			}
			if !before.State.Terminal() && after.State.Terminal() != after.ClosedAt.Equal(now) {
				t.Errorf("%s: closed at %v", key, after.ClosedAt)
			}
			known := slices.Contains([]State{StateApproved, StateRecognised, StatePIN, StateVending}, after.State)
			if (after.Customer != "") != known {
				t.Errorf("%s: customer %q in state %s", key, after.Customer, after.State)
			}
		}
	}
}

func nextTable() map[string]outcome {
	table := map[string]outcome{
		"waiting Consented":        {StateWaiting, "", ErrEvidence},
		"waiting Unknown":          {StateDeclined, ReasonNotRecognised, nil},
		"waiting Stranger":         {StateWaiting, "", nil},
		"waiting Cancelled":        {StateCancelled, ReasonCancelledByRegister, nil},
		"waiting DeviceFailed":     {StateCancelled, ReasonDeviceFailed, nil},
		"waiting JournalFailed":    {StateCancelled, ReasonJournalFailed, nil},
		"waiting Restarted":        {StateExpired, ReasonRestarted, nil},
		"waiting Tick":             {StateWaiting, "", nil},
		"waiting Lost":             {StateWaiting, "", nil},
		"waiting Recognised":       {StateRecognised, "", nil},
		"recognised Unknown":       {StateDeclined, ReasonNotRecognised, nil},
		"recognised Stranger":      {StateRecognised, "", nil},
		"recognised Cancelled":     {StateCancelled, ReasonCancelledByRegister, nil},
		"recognised DeviceFailed":  {StateCancelled, ReasonDeviceFailed, nil},
		"recognised JournalFailed": {StateCancelled, ReasonJournalFailed, nil},
		"recognised Restarted":     {StateExpired, ReasonRestarted, nil},
		"recognised Tick":          {StateRecognised, "", nil},
		"recognised Lost":          {StateWaiting, "", nil},
		"recognised Recognised":    {StateRecognised, "", nil},
		"recognised Consented":     {StateApproved, "", nil},

		"waiting PINAsked":       {StateWaiting, "", ErrEvidence},
		"recognised PINAsked":    {StatePIN, "", nil},
		"waiting PINRefused":     {StateWaiting, "", ErrEvidence},
		"recognised PINRefused":  {StateDeclined, ReasonPINNotSet, nil},
		"waiting Blocked":        {StateWaiting, "", ErrEvidence},
		"recognised Blocked":     {StateDeclined, ReasonBlocked, nil},
		"pin Blocked":            {StateDeclined, ReasonBlocked, nil},
		"vending Blocked":        {StateVending, "", nil},
		"waiting PINVerified":    {StateWaiting, "", ErrEvent},
		"recognised PINVerified": {StateRecognised, "", ErrEvent},
		"waiting PINFailed":      {StateWaiting, "", ErrEvent},
		"recognised PINFailed":   {StateRecognised, "", ErrEvent},

		"pin Recognised":    {StatePIN, "", nil},
		"pin Lost":          {StatePIN, "", nil},
		"pin Unknown":       {StatePIN, "", nil},
		"pin Stranger":      {StatePIN, "", nil},
		"pin Consented":     {StatePIN, "", nil},
		"pin PINAsked":      {StatePIN, "", nil},
		"pin PINRefused":    {StatePIN, "", nil},
		"pin Tick":          {StatePIN, "", nil},
		"pin PINFailed":     {StatePIN, "", nil},
		"pin PINVerified":   {StateApproved, "", nil},
		"pin Cancelled":     {StateCancelled, ReasonCancelledByRegister, nil},
		"pin DeviceFailed":  {StateCancelled, ReasonDeviceFailed, nil},
		"pin JournalFailed": {StateCancelled, ReasonJournalFailed, nil},
		"pin Restarted":     {StateExpired, ReasonRestarted, nil},

		"waiting Dispensed":       {StateWaiting, "", ErrEvent},
		"recognised Dispensed":    {StateRecognised, "", ErrEvent},
		"pin Dispensed":           {StatePIN, "", ErrEvent},
		"waiting NotDispensed":    {StateWaiting, "", ErrEvent},
		"recognised NotDispensed": {StateRecognised, "", ErrEvent},
		"pin NotDispensed":        {StatePIN, "", ErrEvent},

		"vending Cancelled":     {StateVending, "", ErrVending},
		"vending PINVerified":   {StateVending, "", ErrEvent},
		"vending PINFailed":     {StateVending, "", ErrEvent},
		"vending Restarted":     {StateVending, "", nil},
		"vending Tick":          {StateVending, "", nil},
		"vending DeviceFailed":  {StateVending, "", nil},
		"vending JournalFailed": {StateVending, "", nil},
		"vending Recognised":    {StateVending, "", nil},
		"vending Lost":          {StateVending, "", nil},
		"vending Unknown":       {StateVending, "", nil},
		"vending Stranger":      {StateVending, "", nil},
		"vending Consented":     {StateVending, "", nil},
		"vending PINAsked":      {StateVending, "", nil},
		"vending PINRefused":    {StateVending, "", nil},
		"vending Dispensed":     {StateApproved, "", nil},
		"vending NotDispensed":  {StateVoided, ReasonNotDispensed, nil},
	}
	for _, s := range States() { // what has ended stays as it is
		for _, e := range everyEvent(good) {
			if s.Terminal() {
				table[string(s)+" "+eventName(e)] = outcome{s, in(s).Reason, ErrClosed}
			}
		}
	}
	return table
}

func TestNextIsTotal(t *testing.T) {
	table, pairs := nextTable(), 0
	for _, s := range States() {
		for _, e := range everyEvent(good) {
			pairs++
			if _, there := table[string(s)+" "+eventName(e)]; !there {
				t.Errorf("no row for %s %s", s, eventName(e))
			}
		}
	}
	if pairs != len(table) {
		t.Errorf("%d pairs, %d rows", pairs, len(table))
	}
	source, err := os.ReadFile("next.go")
	if err != nil {
		t.Fatal(err)
	}
	if kinds := strings.Count(string(source), ") event() "); kinds != len(everyEvent(good)) {
		t.Errorf("next.go has %d events, everyEvent %d", kinds, len(everyEvent(good)))
	}
}

func eventName(e Event) string { return strings.TrimPrefix(fmt.Sprintf("%T", e), "payment.") }

func TestNextEvidence(t *testing.T) {
	change := func(f func(*Evidence)) Evidence { e := good; f(&e); return e }
	for _, c := range []struct {
		name string
		e    Evidence
		ok   bool
	}{
		{"none", Evidence{}, false},
		{"another customer", change(func(e *Evidence) { e.Customer = "c2" }), false},
		{"no match", change(func(e *Evidence) { e.MatchFrames = 0 }), false},
		{"no smile", change(func(e *Evidence) { e.SmileFrames = 0 }), false},
		{"negative", change(func(e *Evidence) { e.MatchFrames, e.SmileFrames = -1, -1 }), false},
		{"smiles that did not match", change(func(e *Evidence) { e.SmileFrames = 6 }), false},
		{"begun before the payment", change(func(e *Evidence) { e.Since = opened.Add(-1) }), false},
		{"without a beginning", change(func(e *Evidence) { e.Since = time.Time{} }), false},
		{"without an end", change(func(e *Evidence) { e.At = time.Time{} }), false},
		{"backwards", change(func(e *Evidence) { e.Since, e.At = now, now.Add(-1) }), false},
		{"future", change(func(e *Evidence) { e.At = now.Add(1) }), false},
		{"too old", change(func(e *Evidence) { e.At = now.Add(-MaxEvidenceAge - 1) }), false},
		{"just fresh", change(func(e *Evidence) { e.At = now.Add(-MaxEvidenceAge) }), true},
		{"begun with the payment", change(func(e *Evidence) { e.Since = opened }), true},
		{"one frame", change(func(e *Evidence) { e.MatchFrames, e.SmileFrames = 1, 1 }), true},
		{"good", good, true},
	} {
		p, err := Next(in(StateRecognised), Consented{c.e}, now)
		if c.ok && (err != nil || p.State != StateApproved || p.Customer != "c1" || p.Evidence != c.e) {
			t.Errorf("%s: %v, %v", c.name, p, err)
		}
		if !c.ok && (!errors.Is(err, ErrEvidence) || p != in(StateRecognised)) {
			t.Errorf("%s: %v, %v; want ErrEvidence and no change", c.name, p.State, err)
		}
	}
	stored := in(StateRecognised)
	stored.Deadline = time.Time{}
	if _, err := Next(stored, Consented{good}, now); !errors.Is(err, ErrEvidence) {
		t.Errorf("a payment that isn't running was approved: %v", err)
	}
}

func TestNextAfterTheDeadline(t *testing.T) {
	late := opened.Add(time.Minute)
	fresh := good
	fresh.At = late
	for _, e := range everyEvent(fresh) {
		for state, reason := range map[State]Reason{StateWaiting: ReasonTimeout, StateRecognised: ReasonNoSmile} {
			p, err := Next(in(state), e, late)
			switch e.(type) {
			case Dispensed, NotDispensed: // of a vend that is not one: no matter how late
				if !errors.Is(err, ErrEvent) || p != in(state) {
					t.Errorf("%s late in %s: %s, %v", eventName(e), state, p.State, err)
				}
			case Recognised, Lost, Unknown, Consented, Tick:
				if err != nil || p.State != StateExpired || p.Reason != reason {
					t.Errorf("%s late in %s: %s %s, %v", eventName(e), state, p.State, p.Reason, err)
				}
			default:
				if err != nil || p.State == StateApproved || !p.State.Terminal() {
					t.Errorf("%s late in %s: %s, %v", eventName(e), state, p.State, err)
				}
			}
			if p, err := Next(in(state), Tick{}, late.Add(-1)); err != nil || p != in(state) {
				t.Errorf("one nanosecond early: %s, %v", p.State, err)
			}
		}
	}
}

func TestNextBadEvents(t *testing.T) {
	for _, c := range []struct {
		p Payment
		e Event
	}{
		{in(StateWaiting), nil},
		{in(StateWaiting), Cancelled{}},
		{in(StateWaiting), Cancelled{"somebody"}},
		{in(StateWaiting), Recognised{}},
		{in(StateWaiting), Recognised{"a name"}},
		{in("odd"), Tick{}},
		{Payment{}, Restarted{}},
	} {
		if p, err := Next(c.p, c.e, now); !errors.Is(err, ErrEvent) || p != c.p {
			t.Errorf("%s %T: %v", c.p.State, c.e, err)
		}
	}
	for by, reason := range map[By]Reason{
		ByCustomer: ReasonCancelledByCustomer, ByRegister: ReasonCancelledByRegister,
		ByOperator: ReasonCancelledByOperator, ByMachine: ReasonCancelledByMachine,
	} {
		if p, err := Next(in(StateWaiting), Cancelled{by}, now); err != nil || p.Reason != reason {
			t.Errorf("cancelled by %s: %s, %v", by, p.Reason, err)
		}
	}
	if p, _ := Next(in(StateRecognised), Recognised{"c2"}, now); p.Customer != "c2" {
		t.Errorf("somebody else stands there, but the customer is %q", p.Customer)
	}
	p, _ := Next(in(StateWaiting), DeviceFailed{"cam\x00\xff\n" + strings.Repeat("é", 200)}, now)
	if len(p.Detail) > maxDetail || CheckText(p.Detail, maxDetail) != nil ||
		!strings.HasPrefix(p.Detail, "cam") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestOpen(t *testing.T) {
	amount := Amount{150, "EUR"}
	for _, c := range []struct {
		r       Request
		timeout time.Duration
		want    error
	}{
		{Request{ID: "", Amount: amount, Reference: ""}, time.Second, ErrRequest},
		{Request{ID: strings.Repeat("x", 65), Amount: amount, Reference: ""}, time.Second, ErrRequest},
		{Request{ID: "a b", Amount: amount, Reference: ""}, time.Second, ErrRequest},
		{Request{ID: "ä", Amount: amount, Reference: ""}, time.Second, ErrRequest},
		{Request{ID: "a/b", Amount: amount, Reference: ""}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Reference: strings.Repeat("x", 141)}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Reference: "two\nlines"}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Reference: "\xff"}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Reference: ""}, 0, ErrRequest},
		{Request{ID: "a", Amount: Amount{}}, time.Second, ErrCurrency},
		{Request{ID: "a", Amount: Amount{0, "EUR"}}, time.Second, ErrAmountZero},
		{Request{ID: "a", Amount: amount, Item: "10"}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Vend: true, Item: strings.Repeat("1", 17)}, time.Second, ErrRequest},
		{Request{ID: "a", Amount: amount, Vend: true}, time.Second, nil},
		{Request{ID: "a", Amount: amount, Vend: true, Item: "10"}, time.Second, nil},
		{Request{ID: "Az09._:-", Amount: amount, Reference: "Bestellung 7, süß"}, time.Second, nil},
	} {
		p, err := Open(c.r, now, c.timeout)
		if !errors.Is(err, c.want) || (err == nil) != (p.State == StateWaiting) {
			t.Errorf("%+v: %v, %v; want %v", c.r, p, err, c.want)
		}
		if err == nil && (!p.Same(c.r) || !p.Deadline.Equal(now.Add(c.timeout))) {
			t.Errorf("%+v opened %+v", c.r, p)
		}
	}
}

// TestNextVend follows a vending machine's payment: a consent, with the PIN or without, puts it into the
// machine's hand and approves nothing.
func TestNextVend(t *testing.T) {
	for _, c := range []struct {
		name   string
		start  State
		paid   Event
		then   Event
		end    State
		reason Reason
	}{
		{"it fell", StateRecognised, Consented{good}, Dispensed{}, StateApproved, ""},
		{"it did not", StateRecognised, Consented{good}, NotDispensed{ReasonNotDispensed}, StateVoided,
			ReasonNotDispensed},
		{"nobody knows", StateRecognised, Consented{good}, NotDispensed{ReasonNotConfirmed}, StateVoided,
			ReasonNotConfirmed},
		{"taken back", StateRecognised, Consented{good}, NotDispensed{ReasonCancelledByMachine}, StateVoided,
			ReasonCancelledByMachine},
		{"not written", StateRecognised, Consented{good}, NotDispensed{ReasonJournalFailed}, StateVoided,
			ReasonJournalFailed},
		{"with the PIN it fell", StatePIN, PINVerified{"c1"}, Dispensed{}, StateApproved, ""},
		{"with the PIN it did not", StatePIN, PINVerified{"c1"}, NotDispensed{ReasonNotDispensed}, StateVoided,
			ReasonNotDispensed},
	} {
		p := in(c.start)
		p.Vend, p.Item = true, "10"
		p, err := Next(p, c.paid, now)
		if err != nil || p.State != StateVending || !p.VendedAt.Equal(now) || !p.ClosedAt.IsZero() ||
			!p.Deadline.IsZero() || p.Customer != "c1" || p.Evidence != good || p.PIN != (c.start == StatePIN) {
			t.Errorf("%s: paid: %+v, %v", c.name, p, err)
		}
		vending := p
		later := now.Add(time.Hour)
		if p, err = Next(p, c.then, later); err != nil || p.State != c.end || p.Reason != c.reason ||
			!p.ClosedAt.Equal(later) || !p.VendedAt.Equal(now) || p.Need != vending.Need {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
		if approved := c.end == StateApproved; approved != (p.Customer == "c1" && p.Evidence == good) ||
			p.PIN != (approved && vending.PIN) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	for _, r := range []Reason{"", ReasonTimeout, ReasonDeviceFailed} {
		if _, err := Next(in(StateVending), NotDispensed{r}, now); !errors.Is(err, ErrEvent) {
			t.Errorf("taken back for %q: %v", r, err)
		}
	}
}
