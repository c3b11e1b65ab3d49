package payment

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func demands() []Demand {
	return []Demand{DemandNone, DemandPassive, DemandLight, DemandPIN, "of a newer program"}
}

func verdicts() []Verdict {
	return []Verdict{VerdictNone, VerdictLive, VerdictUndecided, VerdictFailed, "of a newer program"}
}

// A consent approves by itself with a live verdict of what was demanded, or of more, and with no other.
func TestNextVerdict(t *testing.T) {
	approves := map[string]bool{
		"passive by passive": true, "passive by light": true, "light by light": true,
	}
	for _, asked := range demands() {
		for _, answered := range demands() {
			for _, v := range verdicts() {
				for _, frames := range []int{0, 1, 9} {
					p, e := in(StateRecognised), good
					p.Demand, e.Liveness = asked, Liveness{Demand: answered, Verdict: v, Frames: frames}
					want := asked == DemandNone ||
						v == VerdictLive && frames > 0 && approves[fmt.Sprintf("%s by %s", asked, answered)]
					after, err := Next(p, Consented{e}, now)
					if want && (err != nil || after.State != StateApproved || after.Demand != asked ||
						after.Evidence.Liveness != e.Liveness) {
						t.Errorf("%q with %+v: %+v, %v", asked, e.Liveness, after, err)
					}
					if !want && (!errors.Is(err, ErrEvidence) || after != p) {
						t.Errorf("%q with %+v: %s, %v; want ErrEvidence and no change", asked, e.Liveness,
							after.State, err)
					}
				}
			}
		}
	}
}

// What was demanded and found stays with the payment, whatever its end, and nothing else of the consent.
func TestNextKeepsTheVerdict(t *testing.T) {
	failed := good
	failed.Liveness = Liveness{Demand: DemandLight, Verdict: VerdictFailed, Frames: 9}
	p := in(StateRecognised)
	p.Demand = DemandLight
	asked, err := Next(p, PINAsked{failed, NeedLiveness, now.Add(time.Minute)}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{PINVerified{"c1"}, PINFailed{Locked: true}, Cancelled{ByCustomer},
		DeviceFailed{"camera"}, JournalFailed{}, Restarted{}} {
		after, err := Next(asked, e, now)
		if err != nil || after.Demand != DemandLight || after.Evidence.Liveness != failed.Liveness {
			t.Errorf("%T: %+v, %v", e, after, err)
		}
		if after.State != StateApproved && after.Evidence != (Evidence{Liveness: failed.Liveness}) {
			t.Errorf("%T: kept of who stood there: %+v", e, after.Evidence)
		}
	}
	if p, err := Next(asked, Tick{}, asked.Deadline); err != nil || p.Evidence.Liveness != failed.Liveness {
		t.Errorf("out of time: %+v, %v", p, err)
	}
}

// A face that is like another customer's pays with the PIN alone, under any policy, and not without one.
func TestAlike(t *testing.T) {
	twin := good
	twin.Alike = true
	if p, err := Next(in(StateRecognised), Consented{twin}, now); !errors.Is(err, ErrEvidence) {
		t.Errorf("by the face alone: %s, %v", p.State, err)
	}
	for _, policy := range []Policy{{}, {AmountMax: 100}, {AmountMax: 1000}} {
		inBubble(t, func(b *bench) {
			b.options.Policy, b.options.PINs = policy, &pins{}
			need := NeedAlike
			if policy.AmountMax == 100 {
				need = NeedAmount
			}
			b.begin("a")
			b.alike("a", "c1")
			if p, err := b.EnterPIN(b.Context(), "a", "4711"); err != nil || p.State != StateApproved || !p.PIN ||
				p.Need != need {
				t.Errorf("%+v: %+v, %v", policy, p, err)
			}
			b.begin("b") // c2 has no PIN
			b.alike("b", "c2")
			b.want("b", StateDeclined, ReasonPINNotSet)
		})
	}
}

// A refusal for want of a PIN says why a PIN was wanted, and nothing else.
func TestNextRefusalFitsItsNeed(t *testing.T) {
	for need, missing := range map[Need]Reason{NeedSum: ReasonPINNotSet, NeedLiveness: ReasonNotSure} {
		for _, r := range []Reason{ReasonPINNotSet, ReasonNotSure, ReasonPINLocked, ReasonTimeout, ""} {
			p, err := Next(in(StateRecognised), PINRefused{good, need, r}, now)
			if r == missing || r == ReasonPINLocked {
				if err != nil || p.State != StateDeclined || p.Reason != r || p.Need != need {
					t.Errorf("%s, %s: %+v, %v", need, r, p, err)
				}
			} else if !errors.Is(err, ErrEvent) {
				t.Errorf("%s, %s: %s, %v", need, r, p.State, err)
			}
		}
	}
}

func TestDemands(t *testing.T) {
	on := LivenessPolicy{On: true, PassiveMax: 1000, Light: LightOn, AfterFailure: 15 * time.Minute}
	dark := on
	dark.Light = LightOff
	measured, strict, bare := on, on, LivenessPolicy{On: true}
	measured.Light, strict.PassiveMax = LightAuto, 0
	for _, c := range []struct {
		name   string
		policy LivenessPolicy
		minor  int64
		since  time.Duration
		want   Demand
	}{
		{"off", LivenessPolicy{PassiveMax: 1000, Light: LightOn, AfterFailure: time.Hour}, 5000, 0, DemandNone},
		{"up to the limit", on, 1000, -1, DemandPassive},
		{"above it", on, 1001, -1, DemandLight},
		{"right after a failure", on, 1, 0, DemandLight},
		{"just within", on, 1, 15*time.Minute - 1, DemandLight},
		{"just after", on, 1, 15 * time.Minute, DemandPassive},
		{"auto is on here", measured, 1001, -1, DemandLight},
		{"no light, up to the limit", dark, 1000, -1, DemandPassive},
		{"no light, above it", dark, 1001, -1, DemandPIN},
		{"no light, after a failure", dark, 1, time.Minute, DemandPIN},
		{"no passive amount", strict, 1, -1, DemandLight},
		{"nothing but on", bare, 1, -1, DemandPIN},
		{"a failure that changes nothing", LivenessPolicy{On: true, PassiveMax: 9}, 9, 0, DemandPassive},
	} {
		if got := c.policy.Demands(Amount{c.minor, "EUR"}, c.since); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, bad := range []LivenessPolicy{{PassiveMax: -1}, {AfterFailure: -1}, {Light: "dim"}} {
		if err := (Policy{Liveness: bad}).Check(); !errors.Is(err, ErrPolicy) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := (Policy{Liveness: on}).Check(); err != nil {
		t.Error(err)
	}
}

func TestLivenessInWords(t *testing.T) {
	for _, c := range []struct {
		policy LivenessPolicy
		want   string
	}{
		{LivenessPolicy{}, "a face alone pays whatever the terminal takes"},
		{LivenessPolicy{On: true, PassiveMax: 1000, Light: LightAuto}, "a face alone pays whatever the terminal " +
			"takes; that it is a person is told by the pictures up to 10.00 EUR, above it by the screen's light"},
		{LivenessPolicy{On: true, PassiveMax: 1000}, "a face alone pays whatever the terminal " +
			"takes; that it is a person is told by the pictures up to 10.00 EUR, above it by the PIN"},
		{LivenessPolicy{On: true, Light: LightOn}, "a face alone pays whatever the terminal takes; that it is a " +
			"person is told by the screen's light"},
		{LivenessPolicy{On: true}, "a face alone pays nothing: the PIN is asked for each time"},
	} {
		p := Policy{Liveness: c.policy}
		if got := p.Text("EUR"); got != c.want {
			t.Errorf("%+v: %q, want %q", c.policy, got, c.want)
		}
		if each := c.policy.On && c.policy.PassiveMax == 0 && c.policy.Light == ""; p.Endless() == each {
			t.Errorf("%+v: endless %v", c.policy, p.Endless())
		}
	}
}

// judged consents as customer c1, or another, with a verdict.
func (b *bench) judged(id, customer string, l Liveness) error {
	b.Helper()
	b.do(id, Recognised{customer})
	at := time.Now()
	return b.Handle(b.Context(), id, Consented{Evidence{Customer: customer, MatchFrames: 9, SmileFrames: 3,
		Liveness: l, Since: at, At: at}})
}

// alike consents as a customer whose face is like another's.
func (b *bench) alike(id, customer string) {
	b.Helper()
	b.do(id, Recognised{customer})
	at := time.Now()
	b.do(id, Consented{Evidence{Customer: customer, MatchFrames: 9, SmileFrames: 3, Alike: true,
		Since: at, At: at}})
}

func (b *bench) demand(id string, want Demand) {
	b.Helper()
	b.begin(id)
	if s, err := b.Status(b.Context()); err != nil || s.Payment.ID != id || s.Payment.Demand != want {
		b.Fatalf("%s: %+v, %v; want the demand %q", id, s.Payment, err, want)
	}
}

// lively is what a terminal with the shipped limits of the specification would ask for: payments of the tests
// are of 1.50.
func lively(passiveMax int64, light Light) Policy {
	return Policy{Liveness: LivenessPolicy{On: true, PassiveMax: passiveMax, Light: light,
		AfterFailure: 15 * time.Minute}}
}

func TestEngineAsksForThePINWhereNobodyIsSure(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  Policy
		verdict Liveness
	}{
		{"failed", lively(150, LightOn), Liveness{DemandPassive, VerdictFailed, 9, ""}},
		{"undecided", lively(150, LightOn), Liveness{DemandPassive, VerdictUndecided, 2, ""}},
		{"nobody judged", lively(150, LightOn), Liveness{}},
		{"failed by the light", lively(149, LightOn), Liveness{DemandLight, VerdictFailed, 9, ""}},
		{"no light", lively(149, LightOff), Liveness{DemandLight, VerdictLive, 9, ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.options.Policy, b.options.PINs = c.policy, &pins{}
				b.begin("a")
				if err := b.judged("a", "c1", c.verdict); err != nil {
					t.Fatal(err)
				}
				p, err := b.EnterPIN(b.Context(), "a", "4711")
				if err != nil || p.State != StateApproved || !p.PIN || p.Need != NeedLiveness ||
					p.Evidence.Liveness != c.verdict {
					t.Fatalf("%+v, %v", p, err)
				}
				b.begin("b") // c2 has no PIN
				if err := b.judged("b", "c2", c.verdict); err != nil {
					t.Fatal(err)
				}
				b.want("b", StateDeclined, ReasonNotSure)
				if p := b.l.stored["b"]; p.Need != NeedLiveness || p.Customer != "" {
					t.Errorf("%+v", p)
				}
			})
		})
	}
}

func TestEngineTakesAVerdictForItsDemandAlone(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.options.Policy, b.options.PINs = lively(149, LightOn), &pins{}
		b.demand("a", DemandLight)
		b.wantErr(b.judged("a", "c1", Liveness{DemandPassive, VerdictLive, 9, ""}), ErrEvidence)
		b.wantErr(b.judged("a", "c1", Liveness{DemandLight, VerdictLive, 0, ""}), ErrEvidence)
		if err := b.judged("a", "c1", Liveness{DemandLight, VerdictLive, 9, ""}); err != nil {
			t.Fatal(err)
		}
		b.want("a", StateApproved, "")
		b.options.Policy = lively(150, LightOn)
		b.demand("b", DemandPassive) // neither was a failure
		b.options.Policy = Policy{AmountMax: 100, Liveness: b.options.Policy.Liveness}
		if err := b.judged("b", "c2", Liveness{DemandPassive, VerdictFailed, 9, ""}); err != nil {
			t.Fatal(err)
		}
		b.want("b", StateDeclined, ReasonPINNotSet) // above the limit: the verdict is not told
	})
}

// One failure makes all payments stricter for a while, also those of others; it stands over a restart.
func TestEngineIsStricterAfterAFailure(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.options.Policy, b.options.PINs = lively(1000, LightAuto), &pins{}
		b.demand("a", DemandPassive)
		if err := b.judged("a", "c1", Liveness{DemandPassive, VerdictUndecided, 2, ""}); err != nil {
			t.Fatal(err)
		}
		if s, _ := b.Status(b.Context()); s.Payment.Demand != DemandPassive || s.Payment.State != StatePIN {
			t.Errorf("the demand of an open payment changed: %+v", s.Payment)
		}
		b.do("a", Cancelled{By: ByCustomer})
		b.demand("b", DemandLight)
		if err := b.judged("b", "c3", Liveness{DemandLight, VerdictLive, 2, ""}); err != nil {
			t.Fatal(err)
		}
		b.want("b", StateApproved, "")
		time.Sleep(15*time.Minute - time.Second)
		b.demand("c", DemandLight) // a person who passes doesn't end it for the photo after
		b.do("c", Cancelled{By: ByCustomer})
		time.Sleep(time.Second)
		b.demand("d", DemandPassive)
		b.do("d", Cancelled{By: ByCustomer})
	})
	inBubble(t, func(b *bench) {
		again := newDesk(b.Context(), NewEngine(b.l, Options{Policy: lively(1000, LightOff),
			LivenessFailed: time.Now().Add(-14 * time.Minute)}))
		defer again.close()
		if got := again.demands(Amount{1, "EUR"}, time.Now()); got != DemandPIN {
			t.Errorf("after a restart: %q", got)
		}
		if got := again.demands(Amount{1, "EUR"}, time.Now().Add(time.Minute)); got != DemandPassive {
			t.Errorf("a minute later: %q", got)
		}
	})
}

// A photo that failed counts as a try however its payment ends; one that nobody was sure of does not.
func TestEngineCountsFailedVerdicts(t *testing.T) {
	for _, c := range []struct {
		verdict Verdict
		locks   bool
	}{{VerdictFailed, true}, {VerdictUndecided, false}, {VerdictNone, false}} {
		inBubble(t, func(b *bench) {
			b.options.Policy, b.options.PINs = lively(1000, LightOn), &pins{}
			for i := range 5 {
				id, who := fmt.Sprint("p", i), "c1"
				b.begin(id)
				if i == 4 {
					who = "c2" // without a PIN: declined
				}
				if err := b.judged(id, who, Liveness{DemandLight, c.verdict, 9, ""}); err != nil {
					t.Fatal(err)
				}
				switch i % 2 {
				case 0:
					_ = b.Handle(b.Context(), id, Cancelled{By: ByCustomer})
				case 1:
					time.Sleep(61 * time.Second) // the PIN is not entered
				}
			}
			if _, err := b.Begin(b.Context(), euro("next")); errors.Is(err, ErrLocked) != c.locks {
				t.Errorf("%q: %v", c.verdict, err)
			}
		})
	}
}
