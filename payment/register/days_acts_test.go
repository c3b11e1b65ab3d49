package register_test

import (
	"encoding/json"
	"fmt"

	"smiletill/payment"
	"smiletill/payment/register"
)

// changes is what messages of a day did that moved no money, and so what must be told.
type changes struct {
	sent    []change
	session register.Session
	period  int64 // that is open
	shown   int   // texts on the customer's page
}

// change is a message that changed something, and its answer.
type change struct {
	message register.Request
	answer  string
}

// change sends a message of some kind that is new.
func (d *day) change(step int) {
	d.t.Helper()
	service := fmt.Sprintf("c%d", step)
	switch d.rng.IntN(4) {
	case 0:
		if d.tell(reconciliation(service), register.Success) {
			d.changes.period++
		}
	case 1:
		d.tell(display(service, "two for one"), register.Success)
		d.changes.shown++
	case 2:
		if d.changes.session != register.LoggedOff {
			d.tell(under(service, bare(register.CategoryLogout)), register.Success)
			d.changes.session = register.LoggedOff
			if d.rng.IntN(3) == 0 {
				break // it stays away for a while
			}
			service += "in"
		}
		d.tell(under(service, login()), register.Success)
		d.changes.session = register.LoggedIn
	default:
		if len(d.messages) > 0 {
			d.abort(service, d.messages[d.rng.IntN(len(d.messages))].Header.ServiceID)
		}
	}
	d.changed()
}

// tell sends a message and keeps it with its answer, if that is a success.
func (d *day) tell(q register.Request, want register.Result) bool {
	d.t.Helper()
	reply := d.say(q)
	r := responseOf(reply)
	if r.ErrorCondition == register.Busy { // a payment runs
		return false
	}
	if r.Result != want {
		d.t.Errorf("seed %d: %s %s: %+v", d.seed, q.Header.MessageCategory, q.Header.ServiceID, r)
	}
	d.changes.sent = append(d.changes.sent, change{q, d.written(reply)})
	return true
}

func (d *day) written(reply *register.Reply) string {
	d.t.Helper()
	text, err := json.Marshal(reply)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// responseOf is what a reply says of how it went.
func responseOf(r *register.Reply) register.Response {
	switch {
	case r.Login != nil:
		return r.Login.Response
	case r.Logout != nil:
		return r.Logout.Response
	case r.Reconciliation != nil:
		return r.Reconciliation.Response
	case r.Display != nil:
		return r.Display.Results[0].Response
	}
	return register.Response{}
}

// abort names a payment, which may run, have ended or never have begun. No other may end by it.
func (d *day) abort(service, payment string) {
	d.t.Helper()
	q := under(service, bare(register.CategoryAbort))
	q.Abort = &register.AbortRequest{Reason: "MerchantAbort", Reference: register.MessageReference{
		MessageCategory: register.CategoryPayment, ServiceID: payment}}
	d.aborts(q)
	d.changes.sent = append(d.changes.sent, change{message: q})
}

func (d *day) aborts(q register.Request) {
	d.t.Helper()
	before := d.atWork()
	d.say(q)
	if after := d.atWork(); before != "" && after != before &&
		d.owner[before].Header.ServiceID != q.Abort.Reference.ServiceID {
		d.t.Errorf("seed %d: %s ended payment %s", d.seed, q.Header.ServiceID, before)
	}
}

// atWork is the payment that runs, or "".
func (d *day) atWork() string {
	d.t.Helper()
	s, err := d.engine.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	if s.Payment.State.Terminal() || s.Payment.State == payment.State("") {
		return ""
	}
	return s.Payment.ID
}

// repeatChange sends a message once more that has done its work. It has the answer that it had, and does
// nothing.
func (d *day) repeatChange() {
	d.t.Helper()
	if len(d.changes.sent) == 0 {
		return
	}
	c := d.changes.sent[d.rng.IntN(len(d.changes.sent))]
	if c.message.Abort != nil {
		d.aborts(c.message)
	} else if got := d.written(d.say(c.message)); got != c.answer {
		d.t.Errorf("seed %d: %s %s is answered\n%s, and was\n%s", d.seed, c.message.Header.MessageCategory,
			c.message.Header.ServiceID, got, c.answer)
	}
	d.changed()
}

// changed wants the till to tell what the messages have done, and no more.
func (d *day) changed() {
	d.t.Helper()
	in := d.say(diagnosis()).Diagnosis.LoggedIn
	if (len(in) == 1) != (d.changes.session == register.LoggedIn) {
		d.t.Errorf("seed %d: logged in: %q, want session %d", d.seed, in, d.changes.session)
	}
	r := d.say(bare(register.CategoryGetTotals)).GetTotals
	if r.ReconciliationID != fmt.Sprint(d.changes.period) {
		d.t.Errorf("seed %d: period %s is open, want %d", d.seed, r.ReconciliationID, d.changes.period)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.shown) != d.changes.shown {
		d.t.Errorf("seed %d: %d texts were shown, want %d", d.seed, len(d.shown), d.changes.shown)
	}
}
