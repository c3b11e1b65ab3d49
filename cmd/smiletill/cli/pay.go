package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/till"
	"smiletill/payment"
)

func payCommand(a *app) *cobra.Command {
	q := control.PaymentRequest{}
	cmd := &cobra.Command{
		Use: "pay AMOUNT [CURRENCY]", GroupID: "till", Short: "Take a payment on the running terminal",
		Long: "Take a payment on the terminal that runs on this machine, and wait for its end.\n" +
			"If it needs the customer's PIN, that may be typed here too, unseen. Ctrl-C cancels it. " +
			"Exit code 0: approved; 3: not approved; 1: something is broken; 2: wrong command line.",
		Example: "  smiletill pay 1.50 EUR\n  smiletill pay 12.00 --id order-1017 --reference \"table 4\"",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q.Amount, q.Currency = args[0], cfg.Terminal.Currency
			if len(args) == 2 {
				q.Currency = args[1]
			}
			if _, err := payment.ParseDecimal(q.Amount, q.Currency); err != nil {
				return config.Usage(err)
			}
			if q.Digits == "-" {
				digits, err := digitsOf(cmd, q.Digits, false)
				if err != nil {
					return config.Usage(fmt.Errorf("pay: --digits: %w", err))
				}
				q.Digits = *digits
			}
			if q.ID == "" {
				q.ID = uuid.NewString()
			}
			return pay(
				cmd.Context(),
				control.NewClient(cfg.Paths.ControlSocket),
				q,
				cmd.InOrStdin(),
				cmd.OutOrStdout(),
			)
		},
	}
	cmd.Flags().StringVar(
		&q.ID,
		"id",
		"",
		"id of the payment; the same id never charges twice (default: a new one)",
	)
	cmd.Flags().StringVar(&q.Reference, "reference", "", "your own words for it, such as an order number")
	cmd.Flags().StringVar(&q.Digits, "digits", "", "the customer's digits (enrol --digits), if they are known: "+
		"the face is looked for among who has them; "+typedDigits)
	bindHidden(cmd)
	return cmd
}

// pay begins a payment and follows it to its end.
func pay(
	ctx context.Context,
	c *control.Client,
	q control.PaymentRequest,
	in io.Reader,
	out io.Writer,
) error {
	p, err := c.Begin(ctx, q)
	if err != nil {
		return err
	}
	var typed till.Typist
	defer typed.Stop()
	for state, who := "", "ID"; ; {
		if p.Customer != "" {
			who = p.Customer // a payment that was declined tells it no more
		}
		if p.State != state {
			state = p.State
			typed.NewLine()
			fmt.Fprintf(out, "%s %s %s: %s\n", p.Amount, p.Currency, p.ID, p.Text())
			if r := payment.Reason(p.Reason); r == payment.ReasonPINNotSet || r == payment.ReasonNotSure {
				fmt.Fprintf(out, "`smiletill customers pin %s` gives the customer one; `smiletill customers list` "+
					"lists the ids\n", who)
			}
		}
		if payment.State(p.State).Terminal() {
			break
		}
		wait := time.Second
		if p.State == string(payment.StatePIN) && typed.Start(in, out) {
			wait = 100 * time.Millisecond
			if digits, ok := typed.Next(); ok {
				typed.Enter(ctx, c, q.ID, digits)
			}
		}
		if p, err = c.Wait(ctx, q.ID, wait); err != nil {
			if ctx.Err() == nil {
				return err
			}
			if p, err = cancelNow(c, q.ID); err != nil {
				return err
			}
		}
	}
	if p.State != string(payment.StateApproved) {
		return &exitError{exitNotPayed, fmt.Errorf("payment %s was not approved", p.ID)}
	}
	return nil
}

// cancelNow cancels after Ctrl-C. A payment that ended in the same moment is told as it ended.
func cancelNow(c *control.Client, id string) (control.Payment, error) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	p, cancelErr := c.Cancel(ctx, id, payment.ByOperator)
	if cancelErr == nil {
		return p, nil
	}
	if control.Lost(cancelErr) {
		return p, cancelErr
	}
	waiting, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	return c.Wait(waiting, id, time.Second)
}
