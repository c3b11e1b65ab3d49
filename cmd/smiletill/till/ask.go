package till

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/register"
)

// asked ends a command that asks one question.
func (r *Register) asked(what string, a register.Response, err error) error {
	r.printRaw()
	if err != nil {
		return unanswered(err)
	}
	if a.Result == register.Failure {
		return r.refused(what, a)
	}
	return nil
}

func (r *Register) tellHealth(d *register.DiagnosisResponse) error {
	more, _ := url.ParseQuery(d.Response.AdditionalResponse) // another terminal may say nothing there
	var b strings.Builder
	t := columns.New(&b)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("terminal", r.o.POIID+" at "+r.o.URL)
	broken := d.Status != nil && d.Status.Global != "OK" && d.Status.Global != "Busy"
	if s := d.Status; s != nil {
		words := map[string]string{"OK": "ready for payments", "Busy": "a payment is running",
			"Maintenance": "takes no payments"}[s.Global]
		if words == "" {
			words = s.Global
		}
		row("state", words)
		row("why", more.Get("message"))
		row("case", map[bool]string{true: "closed", false: "was opened"}[s.SecurityOK])
		row("cloud", cloudWords(s.Communication, d.Hosts))
	}
	row("reports waiting", more.Get("unconfirmedBatchCount"))
	row("store", more.Get("storeId"))
	row("software", more.Get("firmwareVersion"))
	row("logged in", strings.Join(d.LoggedIn, ", "))
	if err := t.Flush(); err != nil {
		return err
	}
	r.say("%s", strings.TrimRight(b.String(), "\n"))
	if broken {
		return &NotDoneError{payment.WithHintf(errors.New("the terminal takes no payments"),
			"its screen and its technician's page say what to do")}
	}
	return nil
}

// cloudWords says how far reports come. That a broker takes them says nothing of the cloud behind it.
func cloudWords(broker bool, hosts []register.HostStatus) string {
	switch {
	case !broker:
		return "not reached: its broker doesn't answer"
	case slices.ContainsFunc(hosts, func(h register.HostStatus) bool { return h.Reachable }):
		return "reached: it has acknowledged what was reported"
	}
	return "its broker is reached, the cloud itself has acknowledged nothing yet"
}

func (r *Register) tellTotals(title string, ask func() (*register.TotalsResponse, error)) error {
	a, err := ask()
	if err != nil {
		return r.asked("", register.Response{}, err)
	}
	if err := r.asked("no totals", a.Response, nil); err != nil {
		return err
	}
	r.say(title, a.ReconciliationID)
	if len(a.Totals) == 0 {
		r.say("nothing was paid or given back")
		return nil
	}
	words := map[string]string{"Debit": "approved", "ReverseDebit": "given back", "Declined": "declined",
		"Failed": "cancelled or expired"}
	var b strings.Builder
	t := &columns.Writer{Out: &b, Right: true}
	for _, one := range a.Totals {
		fmt.Fprintf(t, "%s\tCOUNT\t%s\t\n", one.InstrumentType, one.Currency)
		for _, p := range one.Payments {
			name := words[p.Type]
			if name == "" {
				name = p.Type
			}
			fmt.Fprintf(t, "%s\t%d\t%s\t\n", name, p.Count, p.Amount)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	r.say("%s", strings.TrimRight(b.String(), "\n"))
	return nil
}

// Diagnose asks a terminal how it does. A *NotDoneError says that it takes no payments.
func (r *Register) Diagnose(ctx context.Context) error {
	d, err := r.client.Diagnose(ctx, r.o.ServiceID)
	if err != nil {
		return r.asked("", register.Response{}, err)
	}
	if err := r.asked("the terminal does not tell", d.Response, nil); err != nil {
		return err
	}
	return r.tellHealth(d)
}

// Login begins a session; needed only after a logout. Version is the register's own software's.
func (r *Register) Login(ctx context.Context, version string) error {
	l, err := r.client.Login(ctx, r.o.ServiceID, version, r.cfg.Terminal.Language, time.Now())
	if err != nil {
		return r.asked("", register.Response{}, err)
	}
	if err := r.asked("not logged in", l.Response, nil); err != nil {
		return err
	}
	r.say("%s is logged in", r.o.SaleID)
	return nil
}

// Logout ends the session: no payments of this SaleID until the next login.
func (r *Register) Logout(ctx context.Context) error {
	l, err := r.client.Logout(ctx, r.o.ServiceID)
	if err != nil {
		return r.asked("", register.Response{}, err)
	}
	if err := r.asked("not logged out", l.Response, nil); err != nil {
		return err
	}
	r.say("%s is logged out: its payments are refused until it logs in", r.o.SaleID)
	return nil
}

// Totals adds up what came since the last reconciliation.
func (r *Register) Totals(ctx context.Context) error {
	return r.tellTotals("since the last reconciliation, period %s",
		func() (*register.TotalsResponse, error) { return r.client.Totals(ctx, r.o.ServiceID) })
}

// Reconcile closes the period and adds it up.
func (r *Register) Reconcile(ctx context.Context) error {
	return r.reconcile(ctx, "SaleReconciliation", "")
}

// Reconciled tells a closed period again, by its number; 0 is the last one closed.
func (r *Register) Reconciled(ctx context.Context, period int) error {
	return r.reconcile(ctx, "PreviousReconciliation", strconv.Itoa(period))
}

func (r *Register) reconcile(ctx context.Context, kind, number string) error {
	return r.tellTotals("period %s, closed", func() (*register.TotalsResponse, error) {
		return r.client.Reconcile(ctx, r.o.ServiceID, kind, number)
	})
}

// Display shows lines on the customer's page while nothing is to be paid; a time of 0 is the terminal's
// choice.
func (r *Register) Display(ctx context.Context, lines []string, long time.Duration) error {
	d, err := r.client.Display(ctx, r.o.ServiceID, lines, long)
	if err != nil || len(d.Results) == 0 {
		return r.asked("", register.Response{}, err)
	}
	if err := r.asked("not shown", d.Results[0].Response, nil); err != nil {
		return err
	}
	r.say("shown on the customer's page")
	return nil
}
