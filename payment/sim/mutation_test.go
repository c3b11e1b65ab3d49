package sim

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mutations are mistakes that somebody could make. Each is one change of the source, which the days must
// notice.
func mutations() []struct{ name, file, from, to string } {
	return []struct{ name, file, from, to string }{
		{"tell before the commit", "payment/desk.go",
			`if err != nil {
		d.doubt = p.ID
		if r.payment`, `if err != nil && false {
		d.doubt = p.ID
		if r.payment`},
		{"close on PUBACK", "payment/report/reporter.go",
			`w.sent(f, receipt, time.Now())`, `w.sent(f, receipt, time.Now()); r.close(ctx, w, f)`},
		{"no dedup of ids", "payment/desk.go", `known, err := d.find(r.ID)`, `known, err := d.find(r.ID + "x")`},
		{
			"no dedup in the cloud",
			"payment/cloud/store.go",
			`		e.Source, e.ID, e.Seq, e.Hash, e.digest[:], e.Address`,
			`		e.Source, e.ID+stamp(e.Received), e.Seq, e.Hash, e.digest[:], e.Address`,
		},
		{"resume to approved", "payment/next.go",
			`return end(p, StateExpired, ReasonRestarted, now), nil`,
			`p = end(p, StateApproved, "", now); p.Customer = "c1"; p.Evidence.MatchFrames = 1; return p, nil`},
		{"skip fsync", "payment/journal/open.go", `"synchronous(FULL)", "wal_autocheckpoint(0)"`,
			`"synchronous(OFF)", "wal_autocheckpoint(0)"`},
		{"believe any acknowledgement", "payment/report/ack.go",
			`if err := signature.Verify(k, a.Signed(source), a.Sig); err != nil {`,
			`if err := signature.Verify(k, a.Signed(source), a.Sig); err != nil && len(k) == 0 {`},
		{"acknowledge before the commit", "payment/cloud/store.go",
			`if err := tx.Commit(); err != nil {`, `if err := tx.Rollback(); err != nil {`},
		{"old evidence", "payment/next.go", `now.Sub(e.At) > MaxEvidenceAge`, `now.Sub(e.At) > 100*MaxEvidenceAge`},
		{"somebody else's evidence", "payment/next.go", `case e.Customer != p.Customer:`,
			`case e.Customer == "":`},
		{"demand ignored", "payment/next.go", `if why == "" && !e.Evidence.Liveness.meets(p.Demand) {`,
			`if why == "" && !e.Evidence.Liveness.meets(DemandNone) {`},
		{"verdict of another demand", "payment/liveness.go", `return live && l.Demand == DemandLight`,
			`return live && l.Demand != DemandNone`},
		{"a failure forgotten at a start", "payment/desk.go", `d.failure = e.options.LivenessFailed`,
			`d.failure = time.Time{}`},
		{"no limits", "payment/policy.go", `case l.CountMax > 0 && s.Count+1 > l.CountMax:`,
			`case l.CountMax > 0 && s.Count+1 > 2*l.CountMax:`},
		{"a reversal twice", "payment/desk_policy.go", `case err == nil && known.Same(q):
		return known, nil`, `case err == nil && known.Same(q):
		q.ID += "x"`},
		{"believe what a failed fsync left", "payment/journal/sure.go",
			`if err := j.options.Rewrite(j.path + "-wal"); err != nil {`,
			`if err := error(nil); err != nil {`},
		{"read on after a failed write", "payment/journal/sure.go", `if !j.suspect.Load() {
		return nil
	}
	conn`, `if j != nil {
		return nil
	}
	conn`},
		{"a payment's id of its own for a repeated message", "payment/register/records.go",
			`h.ServiceID, t.TransactionID, t.TimeStamp)
}

// reversalID`, `h.ServiceID, t.TransactionID, time.Now().String())
}

// reversalID`},
		{"a reversal's id of its own for a repeated message", "payment/register/records.go",
			`paymentID, amount, t.TransactionID, t.TimeStamp)`,
			`paymentID, amount, t.TransactionID, time.Now().String())`},
		{"records only Payments", "payment/register/records.go", insertRecord, onlyPayments},
		{"records only Payments, in the shop's days", shopDays + "payment/register/records.go", insertRecord,
			onlyPayments},
		{"a refusal that is not noted", shopDays + "payment/register/refused.go",
			`before, known, err := till.Records.Begin(ctx, rec)`,
			`before, known, err := rec, false, error(nil)`},
		{"reported before the product fell", "payment/journal/commit.go",
			`if p.State != payment.StateApproved {
		return nil`, `if p.State != payment.StateApproved && p.State != payment.StateVending {
		return nil`},
		{"a yes before the commit", "payment/vending/desk_money.go",
			`case p.ID == c.id && p.State == payment.StateVending:`, `case p.ID == c.id && !p.State.Terminal():`},
		{"what is taken back is charged", "payment/vending/desk.go",
			`d.ended(ctx, a.Vend, payment.NotDispensed{Reason: why(a.Reason, told)})`,
			`d.ended(ctx, a.Vend, payment.Dispensed{})`},
		{"a vend forgotten at a start", "payment/desk.go", `p := e.options.Vending; p.State == StateVending {`,
			`p := e.options.Vending; p.State == StateVending && p.ID == "" {`},
		{"a clerk's fact that forgets who did it", "payment/journal/audit.go",
			`By: known(a.Who), Second`, `Second`},
		{"a block that forgets why", "payment/journal/audit.go", `OtherFace: a.OtherFace, Why: a.Why,`,
			`OtherFace: a.OtherFace,`},
		{"a blocked customer pays", "payment/desk_policy.go", `case blocked:`, `case blocked && p.Vend:`},
		{"a reversal that forgets who gave it back", "payment/journal/fact.go",
			`TimeTrusted: r.TimeTrusted, By: known(r.Who),`, `TimeTrusted: r.TimeTrusted,`},
		{"what clerks did is not written down", "payment/journal/audit.go",
			`for _, a := range all {
			if err := j.note(ctx, tx, a); err != nil {`, `for _, a := range all[1:] {
			if err := j.note(ctx, tx, a); err != nil {`},
		{"a stored payment told as a new one", "payment/register/pay.go",
			`case err == nil && p.State.Terminal():`, `case err == nil && p.State == "":`},
	}
}

// What registers' messages are recorded by, and the mistake that registers in the field stumble over.
const (
	insertRecord = "\t_, err = tx.StmtContext(ctx, r.compiled[insertRecord]).ExecContext"
	onlyPayments = "\tif h.MessageCategory != CategoryPayment {\n\t\treturn nil\n\t}\n" + insertRecord
)

// shopDays before a file has the shop's days played for it, also where it is the registers'.
const shopDays = "./"

// registerRoom is where registers' days are played for what is changed, the shop's days for all else.
const registerRoom = "payment/register/"

// noticedBy are the days that noticed a mistake, of those which no kept seed notices. They are played for it
// before others are; when the days have changed and they don't notice it any more, another will.
func noticedBy() map[string]string {
	return map[string]string{
		"somebody else's evidence": "31", "demand ignored": "59", "no limits": "82",
		"verdict of another demand": "110", "a refusal that is not noted": "199",
		"believe what a failed fsync left": "260", "a reversal twice": "265",
		"a failure forgotten at a start": "725",
		"a yes before the commit":        "2", "what is taken back is charged": "7",
		"a vend forgotten at a start":      "7",
		"reported before the product fell": "9",
	}
}

// TestMutations builds the days with each mistake, and wants them to fail. It takes minutes: SIM_MUTATIONS=1.
func TestMutations(t *testing.T) {
	if os.Getenv("SIM_MUTATIONS") == "" {
		t.Skip("SIM_MUTATIONS is not set: `make sim` builds the program with mistakes in it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			source := filepath.Join(root, m.file)
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.from); n != 1 {
				t.Fatalf("%s has %d places to change, want 1:\n%s", m.file, n, m.from)
			}
			dir := t.TempDir()
			changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
			mutant := strings.Replace(string(text), m.from, m.to, 1)
			if err := os.WriteFile(changed, []byte(mutant), 0o600); err != nil {
				t.Fatal(err)
			}
			plan, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
			if err == nil {
				err = os.WriteFile(overlay, plan, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			binary := filepath.Join(dir, "sim.test")
			room := "."
			if strings.HasPrefix(m.file, registerRoom) {
				room = "../register"
			}
			build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, room)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			// The seeds that found something once are played first, then the day that noticed this mistake.
			rounds := []round{{first: "1", days: "0", registers: "24"}, {first: "1", days: "4000", registers: "600"}}
			if seed := noticedBy()[m.name]; seed != "" {
				rounds[0].first, rounds[0].days = seed, "1"
			}
			var out string
			for i, r := range rounds {
				var found string
				if found, out = noticed(t, binary, r); found != "" {
					t.Logf("%.200s", found)
					if i > 0 {
						t.Log("name the first of these seeds in noticedBy: it took long to find it")
					}
					return
				}
			}
			t.Fatalf("nobody noticed it\n%s", out[max(0, len(out)-2000):])
		})
	}
}

// round is what a program with a mistake plays: days from the first seed on, and days of registers.
type round struct{ first, days, registers string }

// noticed plays the seeds that are kept and a round, until something is found, and gives that, or "" and the
// output.
func noticed(t *testing.T, binary string, r round) (found, out string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Minute)
	defer stop()
	run := exec.CommandContext(ctx, binary, "-test.run=^(TestSim|TestShopDays)$", "-test.timeout=30m",
		"-test.failfast")
	run.Env = append(os.Environ(), "SIM_SEEDS="+r.days, "SIM_SEED=", "SIM_FIRST="+r.first, "SIM_MUTATIONS=",
		"REGISTER_SEED=1", "REGISTER_DAYS="+r.registers)
	text, err := run.CombinedOutput()
	if err == nil {
		return "", string(text)
	}
	return regexp.MustCompile(`seed \d+(, step .*|: .*)`).FindString(string(text)), string(text)
}
