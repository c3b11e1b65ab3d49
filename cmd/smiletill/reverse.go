package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"smiletill/payment"
	"smiletill/payment/journal"
)

type reversalRequest struct {
	ID        string `json:"id"`
	PaymentID string `json:"payment_id"`
	Amount    string `json:"amount,omitempty"` // empty: all that is left
	Reference string `json:"reference,omitempty"`
}

type reversalReply struct {
	ID        string `json:"id"`
	PaymentID string `json:"payment_id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Customer  string `json:"customer"`
}

func (c *control) reverse(r *http.Request) (reversalReply, error) {
	var q reversalRequest
	if err := readJSON(r, &q); err != nil {
		return reversalReply{}, err
	}
	done, err := c.t.reverse(r.Context(), q)
	if err != nil {
		return reversalReply{}, err
	}
	return reversalReply{ID: done.ID, PaymentID: done.PaymentID, Amount: done.Amount.Decimal(),
		Currency: done.Amount.Currency, Customer: done.Customer}, nil
}

// reverse gives a payment back.
func (t *terminal) reverse(ctx context.Context, q reversalRequest) (payment.Reversal, error) {
	p, err := t.opened()
	if err != nil {
		return payment.Reversal{}, err
	}
	want := payment.ReversalRequest{ID: q.ID, PaymentID: q.PaymentID, Reference: q.Reference}
	if q.Amount != "" {
		paid, err := p.journal.Find(ctx, q.PaymentID)
		if err != nil {
			return payment.Reversal{}, err
		}
		amount, err := payment.ParseDecimal(q.Amount, paid.Amount.Currency)
		if err != nil {
			return payment.Reversal{}, err
		}
		want.Minor = amount.Minor
	}
	return p.engine.Reverse(ctx, want)
}

// unpark puts a report that was taken out of the queue back into it.
func (c *control) unpark(r *http.Request) (struct{}, error) {
	p, err := c.t.opened()
	if err != nil {
		return struct{}{}, err
	}
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		return struct{}{}, fmt.Errorf("unpark: %q is no number", r.PathValue("seq"))
	}
	return struct{}{}, p.journal.Outbox().Unpark(r.Context(), seq)
}

// tendEvery is a day: a start reads again what was written since, some 5 ms for a thousand entries.
const tendEvery = 24 * time.Hour

// tend looks after the journal now and then while the terminal runs: it checks what was written since and
// removes payments that were kept long enough. It returns when the journal is damaged, or with ctx.
func (p *parts) tend(ctx context.Context, keep, every time.Duration) error {
	for {
		switch err := p.journal.CheckTail(ctx); {
		case errors.Is(err, journal.ErrDamaged):
			return err
		case err != nil && ctx.Err() == nil:
			p.log.Error("the journal could not be checked", "err", err, "hint", hintOf(err))
		}
		removed, err := p.journal.Prune(ctx, keep)
		switch {
		case err != nil && ctx.Err() == nil:
			p.log.Error("old payments could not be removed", "err", err, "hint", hintOf(err))
		case removed > 0:
			p.log.Info("old payments were removed from the journal", "facts", removed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

func reverseCommand(a *app) *cobra.Command {
	var q reversalRequest
	cmd := &cobra.Command{
		Use: "reverse PAYMENT [AMOUNT]", GroupID: "till", Short: "Give a payment back, in whole or in part",
		Long: "Give an approved payment back: all that is left of it, or AMOUNT in its currency. It is\n" +
			"journalled and reported as a payment is. With --id a command that is repeated gives back once.",
		Example: "  smiletill reverse order-17\n" +
			"  smiletill reverse order-17 2.50 --reference \"one of two returned\"",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q.PaymentID = args[0]
			if len(args) == 2 {
				q.Amount = args[1]
			}
			if q.ID == "" {
				q.ID = uuid.NewString()
			}
			done, err := call[reversalReply](cmd.Context(), newClient(cfg.Paths.ControlSocket), http.MethodPost,
				"/v1/reversals", q)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "reversed %s %s of payment %s, to customer %s (reversal %s)\n", done.Amount,
				done.Currency, done.PaymentID, done.Customer, done.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&q.ID, "id", "", "id of the reversal; the same id gives back once (default a new one)")
	cmd.Flags().StringVar(&q.Reference, "reference", "", "your own words, kept with it")
	bindHidden(cmd)
	return cmd
}
