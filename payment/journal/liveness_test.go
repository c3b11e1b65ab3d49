package journal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// consent is a consent of customer c1, now.
func consent(l payment.Liveness) payment.Evidence {
	return payment.Evidence{Customer: "c1", MatchFrames: 9, SmileFrames: 4, Since: time.Now(), At: time.Now(),
		Liveness: l}
}

// wanted is a payment that was opened a moment ago, with a demand.
func wanted(t *testing.T, id string, d payment.Demand) payment.Payment {
	t.Helper()
	p := waiting(t, id)
	p.Demand, p.OpenedAt = d, p.OpenedAt.Add(-time.Second)
	return p
}

// The fact of a consent says what was demanded of the pictures and what was found, whatever the end; one
// without a demand is as it was before there were demands.
func TestFactsNameTheVerdict(t *testing.T) {
	j := open(t, newPath(t), Options{})
	live := payment.Liveness{Demand: "light", Verdict: "live", Frames: 12, Screen: "simulated"}
	failed := payment.Liveness{Demand: "passive", Verdict: "failed", Frames: 7}
	asked := func(l payment.Liveness) payment.Event {
		return payment.PINAsked{Evidence: consent(l), Need: payment.NeedLiveness,
			Until: time.Now().Add(time.Minute)}
	}
	known := payment.Recognised{Customer: "c1"}
	for _, c := range []struct {
		id, want string
		demand   payment.Demand
		events   []payment.Event
	}{
		{"light", `"liveness":{"demand":"light","screen":"simulated","verdict":"live"}`, "light",
			[]payment.Event{known, payment.Consented{Evidence: consent(live)}}},
		{"more", `"liveness":{"answered":"light","demand":"passive","screen":"simulated",` +
			`"verdict":"live"}`, "passive", []payment.Event{known, payment.Consented{Evidence: consent(live)}}},
		{"pin", `"liveness":{"demand":"passive","verdict":"failed"}`, "passive",
			[]payment.Event{known, asked(failed), payment.PINVerified{Customer: "c1"}}},
		{"nobody", `"liveness":{"demand":"pin"}`, "pin",
			[]payment.Event{known, asked(payment.Liveness{}), payment.PINVerified{Customer: "c1"}}},
		{"declined", `"liveness":{"demand":"passive","verdict":"failed"}`, "passive",
			[]payment.Event{known, payment.PINRefused{Evidence: consent(failed), Need: payment.NeedLiveness,
				Reason: payment.ReasonNotSure}}},
		{"cancelled", `"liveness":{"demand":"passive","verdict":"failed"}`, "passive",
			[]payment.Event{known, asked(failed), payment.Cancelled{By: payment.ByCustomer}}},
		{"nobody-came", "", "light", []payment.Event{payment.Cancelled{By: payment.ByCustomer}}},
		{"off", "", "", []payment.Event{known, payment.Consented{Evidence: consent(live)}}},
	} {
		p := wanted(t, c.id, c.demand)
		after := next(t, p, c.events...)
		commit(t, j, p, after)
		var text string
		if err := j.db.QueryRow(`SELECT body FROM fact WHERE payment = ? AND kind <> 'opened'`,
			c.id).Scan(&text); err != nil {
			t.Fatal(err)
		}
		if c.want == "" && (strings.Contains(text, "liveness") || strings.Contains(text, "judged")) ||
			!strings.Contains(text, c.want) {
			t.Errorf("%s: %s\nwant %s", c.id, text, c.want)
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			t.Fatal(err)
		}
		if said, ok := members["liveness"].(map[string]any); ok {
			if n, _ := members["judged_frames"].(float64); int(n) != after.Evidence.Liveness.Frames {
				t.Errorf("%s: judged by %v frames", c.id, members["judged_frames"])
			}
			for name, value := range said {
				if _, ok := value.(string); !ok {
					t.Errorf("%s: %s is no text: the cloud was promised objects of strings", c.id, name)
				}
			}
		}
		if err := j.Facts(t.Context(), Range{}, func(f Fact) error {
			if f.PaymentID == c.id && f.Kind != kindOpened && c.want != "" &&
				(f.Demand != c.demand || f.Liveness != after.Evidence.Liveness) {
				t.Errorf("%s is read as %q, %+v", c.id, f.Demand, f.Liveness)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if r := verify(t, &j.Reader); r.Approved != 5 {
		t.Errorf("%+v", r)
	}
}

// A failure is remembered over a restart, for the time that provably passed; pulling the plug helps nobody.
func TestLivenessFailed(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	path := newPath(t)
	j := open(t, path, Options{Uptime: m.Uptime})
	want := func(ago time.Duration, failed bool) {
		t.Helper()
		got, is, err := j.LivenessFailed(t.Context())
		if err != nil || is != failed || got.Round(time.Second) != ago {
			t.Errorf("%v, %v, %v; want %v, %v", got, is, err, ago, failed)
		}
	}
	end := func(id string, d payment.Demand, l payment.Liveness, last payment.Event) {
		p := wanted(t, id, d)
		commit(t, j, p, next(t, p, payment.Recognised{Customer: "c1"}, payment.PINAsked{Evidence: consent(l),
			Need: payment.NeedLiveness, Until: time.Now().Add(time.Minute)}, last))
	}
	paid := payment.PINVerified{Customer: "c1"}
	approve(t, j, "before")
	p := wanted(t, "live", "passive")
	commit(t, j, p, next(t, p, payment.Recognised{Customer: "c1"}, payment.Consented{
		Evidence: consent(payment.Liveness{Demand: "passive", Verdict: "live", Frames: 3})}))
	end("PIN-alone", "pin", payment.Liveness{}, paid)
	end("undecided-with-a-PIN", "pin", payment.Liveness{Demand: "passive", Verdict: "undecided"}, paid)
	want(0, false)
	end("failed-and-paid", "passive", payment.Liveness{Demand: "passive", Verdict: "failed", Frames: 9}, paid)
	want(0, true)
	m.up += 5 * time.Minute
	want(5*time.Minute, true)
	end("undecided-and-cancelled", "light", payment.Liveness{Demand: "light", Verdict: "undecided", Frames: 1},
		payment.Cancelled{By: payment.ByCustomer})
	want(0, true)
	m.up += time.Minute
	end("nobody-judged", "passive", payment.Liveness{}, paid)
	want(0, true)
	m.up += time.Minute
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	m.restart("b", 2*time.Minute) // a date far ahead proves nothing
	j = open(t, path, Options{Uptime: m.Uptime})
	want(2*time.Minute, true)
	commit(t, j, waiting(t, "unplugged"))
	if _, err := j.Recover(t.Context(), time.Now().AddDate(10, 0, 0), false); err != nil {
		t.Fatal(err)
	}
	want(0, true)
	verify(t, &j.Reader)
}

// A verdict that failed is a try, whatever the end; one that stayed undecided is none.
func TestFailedVerdictsAreTries(t *testing.T) {
	j := open(t, newPath(t), Options{})
	for _, v := range []payment.Verdict{"undecided", "failed", "", "failed"} {
		p := wanted(t, "p"+string(v)+time.Now().Format("150405.000000000"), "light")
		commit(t, j, p, next(t, p, payment.Recognised{Customer: "c1"}, payment.PINAsked{
			Evidence: consent(payment.Liveness{Demand: "light", Verdict: v, Frames: 9}), Need: payment.NeedLiveness,
			Until: time.Now().Add(time.Minute)}, payment.Cancelled{By: payment.ByCustomer}))
	}
	if n, err := j.FailedTries(t.Context()); err != nil || n != 2 {
		t.Errorf("%d, %v; want 2", n, err)
	}
}
