package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"smiletill/payment/register"
)

// asked ends a command that asks one question.
func (r *asRegister) asked(what string, a register.Response, err error) error {
	r.printRaw()
	if err != nil {
		return unanswered(err)
	}
	if a.Result == register.Failure {
		return r.refused(what, a)
	}
	return nil
}

func diagnoseCommand(a *app) *cobra.Command {
	r := &asRegister{}
	cmd := &cobra.Command{
		Use: "diagnose", Short: "Ask a terminal how it does", Args: cobra.NoArgs,
		Long: "Ask a terminal how it does. Exit code 0: it can take payments, or is taking one; 3: it can't;\n" +
			"1: no answer; 2: wrong command line.",
	}
	return r.command(a, cmd, func(cmd *cobra.Command, _ []string) error {
		d, err := r.client.Diagnose(cmd.Context(), r.service)
		if err != nil {
			return r.asked("", register.Response{}, err)
		}
		if err := r.asked("the terminal does not tell", d.Response, nil); err != nil {
			return err
		}
		return r.tellHealth(d)
	})
}

func (r *asRegister) tellHealth(d *register.DiagnosisResponse) error {
	more, _ := url.ParseQuery(d.Response.AdditionalResponse) // another terminal may say nothing there
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("terminal", r.poi+" at "+r.url)
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
		row("cloud", map[bool]string{true: "reached", false: "not reached"}[s.Communication])
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
		return &exitError{exitNotPayed, withHint(fmt.Errorf("the terminal takes no payments"),
			"its screen and its technician's page say what to do")}
	}
	return nil
}

func loginCommand(a *app) *cobra.Command {
	r := &asRegister{}
	cmd := &cobra.Command{
		Use: "login", Short: "Begin a session; needed only after a logout", Args: cobra.NoArgs,
	}
	return r.command(a, cmd, func(cmd *cobra.Command, _ []string) error {
		l, err := r.client.Login(cmd.Context(), r.service, version, r.cfg.Terminal.Language, time.Now())
		if err != nil {
			return r.asked("", register.Response{}, err)
		}
		if err := r.asked("not logged in", l.Response, nil); err != nil {
			return err
		}
		r.say("%s is logged in", r.sale)
		return nil
	})
}

func logoutCommand(a *app) *cobra.Command {
	r := &asRegister{}
	cmd := &cobra.Command{
		Use: "logout", Short: "End the session: no payments of this --sale until the next login",
		Args: cobra.NoArgs,
	}
	return r.command(a, cmd, func(cmd *cobra.Command, _ []string) error {
		l, err := r.client.Logout(cmd.Context(), r.service)
		if err != nil {
			return r.asked("", register.Response{}, err)
		}
		if err := r.asked("not logged out", l.Response, nil); err != nil {
			return err
		}
		r.say("%s is logged out: its payments are refused until it logs in", r.sale)
		return nil
	})
}

func registerTotalsCommand(a *app) *cobra.Command {
	r := &asRegister{}
	cmd := &cobra.Command{
		Use: "totals", Short: "Add up what came since the last reconciliation", Args: cobra.NoArgs,
	}
	return r.command(a, cmd, func(cmd *cobra.Command, _ []string) error {
		return r.tellTotals(cmd.Context(), "since the last reconciliation, period %s",
			func(ctx context.Context) (*register.TotalsResponse, error) { return r.client.Totals(ctx, r.service) })
	})
}

func reconcileCommand(a *app) *cobra.Command {
	r := &asRegister{}
	previous := -1
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Close the period and add it up, or tell an earlier one", Args: cobra.NoArgs,
		Example: "  smiletill register reconcile\n  smiletill register reconcile --previous 12",
	}
	cmd.Flags().IntVar(&previous, "previous", -1,
		"tell the period of this number again; 0 is the last one closed")
	return r.command(a, cmd, func(cmd *cobra.Command, _ []string) error {
		kind, number := "SaleReconciliation", ""
		if cmd.Flags().Changed("previous") {
			if previous < 0 {
				return usage(fmt.Errorf("--previous %d is no period", previous), "0 is the last one that was closed")
			}
			kind, number = "PreviousReconciliation", strconv.Itoa(previous)
		}
		return r.tellTotals(cmd.Context(), "period %s, closed",
			func(ctx context.Context) (*register.TotalsResponse, error) {
				return r.client.Reconcile(ctx, r.service, kind, number)
			})
	})
}

func (r *asRegister) tellTotals(
	ctx context.Context, title string, ask func(context.Context) (*register.TotalsResponse, error),
) error {
	a, err := ask(ctx)
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
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
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

func displayCommand(a *app) *cobra.Command {
	r := &asRegister{}
	long := time.Duration(0)
	cmd := &cobra.Command{
		Use: "display TEXT...", Short: "Show lines on the customer's page while nothing is to be paid",
		Example: "  smiletill register display \"2 coffees  5.80\" \"Total  5.80 EUR\" --for 30s",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.Flags().DurationVar(&long, "for", 0, "how long, as in 30s (default the terminal's choice)")
	return r.command(a, cmd, func(cmd *cobra.Command, args []string) error {
		d, err := r.client.Display(cmd.Context(), r.service, args, long)
		if err != nil || len(d.Results) == 0 {
			return r.asked("", register.Response{}, err)
		}
		if err := r.asked("not shown", d.Results[0].Response, nil); err != nil {
			return err
		}
		r.say("shown on the customer's page")
		return nil
	})
}
