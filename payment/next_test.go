package payment

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// everyEvent has one of each kind. A kind that is missing here fails TestNextIsTotal.
func everyEvent(good Evidence) []Event {
	return []Event{
		Recognised{"c1"}, Lost{}, Unknown{}, Consented{good}, Cancelled{ByRegister}, DeviceFailed{"camera"},
		JournalFailed{}, Tick{}, Restarted{}, PINAsked{good, NeedSum, now.Add(time.Minute)},
		PINRefused{good, NeedSum, ReasonPINNotSet}, PINVerified{"c1"}, PINFailed{},
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
	case StateDeclined, StateCancelled, StateExpired:
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
			known := after.State == StateApproved || after.State == StateRecognised || after.State == StatePIN
			if (after.Customer != "") != known {
				t.Errorf("%s: customer %q in state %s", key, after.Customer, after.State)
			}
		}
	}
}

func nextTable() map[string]outcome {
	return map[string]outcome{
		"approved Recognised":     {StateApproved, "", ErrClosed},
		"approved Lost":           {StateApproved, "", ErrClosed},
		"approved Unknown":        {StateApproved, "", ErrClosed},
		"approved Consented":      {StateApproved, "", ErrClosed},
		"approved Cancelled":      {StateApproved, "", ErrClosed},
		"approved DeviceFailed":   {StateApproved, "", ErrClosed},
		"approved JournalFailed":  {StateApproved, "", ErrClosed},
		"approved Tick":           {StateApproved, "", ErrClosed},
		"approved Restarted":      {StateApproved, "", ErrClosed},
		"declined Recognised":     {StateDeclined, "x", ErrClosed},
		"declined Lost":           {StateDeclined, "x", ErrClosed},
		"declined Unknown":        {StateDeclined, "x", ErrClosed},
		"declined Consented":      {StateDeclined, "x", ErrClosed},
		"declined Cancelled":      {StateDeclined, "x", ErrClosed},
		"declined DeviceFailed":   {StateDeclined, "x", ErrClosed},
		"declined JournalFailed":  {StateDeclined, "x", ErrClosed},
		"declined Tick":           {StateDeclined, "x", ErrClosed},
		"declined Restarted":      {StateDeclined, "x", ErrClosed},
		"cancelled Recognised":    {StateCancelled, "x", ErrClosed},
		"cancelled Lost":          {StateCancelled, "x", ErrClosed},
		"cancelled Unknown":       {StateCancelled, "x", ErrClosed},
		"cancelled Consented":     {StateCancelled, "x", ErrClosed},
		"cancelled Cancelled":     {StateCancelled, "x", ErrClosed},
		"cancelled DeviceFailed":  {StateCancelled, "x", ErrClosed},
		"cancelled JournalFailed": {StateCancelled, "x", ErrClosed},
		"cancelled Tick":          {StateCancelled, "x", ErrClosed},
		"cancelled Restarted":     {StateCancelled, "x", ErrClosed},
		"expired Recognised":      {StateExpired, "x", ErrClosed},
		"expired Lost":            {StateExpired, "x", ErrClosed},
		"expired Unknown":         {StateExpired, "x", ErrClosed},
		"expired Consented":       {StateExpired, "x", ErrClosed},
		"expired Cancelled":       {StateExpired, "x", ErrClosed},
		"expired DeviceFailed":    {StateExpired, "x", ErrClosed},
		"expired JournalFailed":   {StateExpired, "x", ErrClosed},
		"expired Tick":            {StateExpired, "x", ErrClosed},
		"expired Restarted":       {StateExpired, "x", ErrClosed},

		"waiting Consented":        {StateWaiting, "", ErrEvidence},
		"waiting Unknown":          {StateDeclined, ReasonNotRecognised, nil},
		"waiting Cancelled":        {StateCancelled, ReasonCancelledByRegister, nil},
		"waiting DeviceFailed":     {StateCancelled, ReasonDeviceFailed, nil},
		"waiting JournalFailed":    {StateCancelled, ReasonJournalFailed, nil},
		"waiting Restarted":        {StateExpired, ReasonRestarted, nil},
		"waiting Tick":             {StateWaiting, "", nil},
		"waiting Lost":             {StateWaiting, "", nil},
		"waiting Recognised":       {StateRecognised, "", nil},
		"recognised Unknown":       {StateDeclined, ReasonNotRecognised, nil},
		"recognised Cancelled":     {StateCancelled, ReasonCancelledByRegister, nil},
		"recognised DeviceFailed":  {StateCancelled, ReasonDeviceFailed, nil},
		"recognised JournalFailed": {StateCancelled, ReasonJournalFailed, nil},
		"recognised Restarted":     {StateExpired, ReasonRestarted, nil},
		"recognised Tick":          {StateRecognised, "", nil},
		"recognised Lost":          {StateWaiting, "", nil},
		"recognised Recognised":    {StateRecognised, "", nil},
		"recognised Consented":     {StateApproved, "", nil},

		"approved PINAsked":     {StateApproved, "", ErrClosed},
		"approved PINRefused":   {StateApproved, "", ErrClosed},
		"approved PINVerified":  {StateApproved, "", ErrClosed},
		"approved PINFailed":    {StateApproved, "", ErrClosed},
		"declined PINAsked":     {StateDeclined, "x", ErrClosed},
		"declined PINRefused":   {StateDeclined, "x", ErrClosed},
		"declined PINVerified":  {StateDeclined, "x", ErrClosed},
		"declined PINFailed":    {StateDeclined, "x", ErrClosed},
		"cancelled PINAsked":    {StateCancelled, "x", ErrClosed},
		"cancelled PINRefused":  {StateCancelled, "x", ErrClosed},
		"cancelled PINVerified": {StateCancelled, "x", ErrClosed},
		"cancelled PINFailed":   {StateCancelled, "x", ErrClosed},
		"expired PINAsked":      {StateExpired, "x", ErrClosed},
		"expired PINRefused":    {StateExpired, "x", ErrClosed},
		"expired PINVerified":   {StateExpired, "x", ErrClosed},
		"expired PINFailed":     {StateExpired, "x", ErrClosed},

		"waiting PINAsked":       {StateWaiting, "", ErrEvidence},
		"recognised PINAsked":    {StatePIN, "", nil},
		"waiting PINRefused":     {StateWaiting, "", ErrEvidence},
		"recognised PINRefused":  {StateDeclined, ReasonPINNotSet, nil},
		"waiting PINVerified":    {StateWaiting, "", ErrEvent},
		"recognised PINVerified": {StateRecognised, "", ErrEvent},
		"waiting PINFailed":      {StateWaiting, "", ErrEvent},
		"recognised PINFailed":   {StateRecognised, "", ErrEvent},

		"pin Recognised":    {StatePIN, "", nil},
		"pin Lost":          {StatePIN, "", nil},
		"pin Unknown":       {StatePIN, "", nil},
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
	}
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
		ByOperator: ReasonCancelledByOperator,
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
		{Request{"", amount, ""}, time.Second, ErrRequest},
		{Request{strings.Repeat("x", 65), amount, ""}, time.Second, ErrRequest},
		{Request{"a b", amount, ""}, time.Second, ErrRequest},
		{Request{"ä", amount, ""}, time.Second, ErrRequest},
		{Request{"a/b", amount, ""}, time.Second, ErrRequest},
		{Request{"a", amount, strings.Repeat("x", 141)}, time.Second, ErrRequest},
		{Request{"a", amount, "two\nlines"}, time.Second, ErrRequest},
		{Request{"a", amount, "\xff"}, time.Second, ErrRequest},
		{Request{"a", amount, ""}, 0, ErrRequest},
		{Request{"a", Amount{}, ""}, time.Second, ErrCurrency},
		{Request{"a", Amount{0, "EUR"}, ""}, time.Second, ErrAmountZero},
		{Request{"Az09._:-", amount, "Bestellung 7, süß"}, time.Second, nil},
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
