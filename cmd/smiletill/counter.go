package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

// counter is the terminal behind the counter's page.
type counter struct{ t *terminal }

func (c counter) Ready(ctx context.Context) error {
	p, err := c.t.opened()
	if err != nil {
		return told(err)
	}
	return clerkError(p.pins.Clerk().Ready(ctx))
}

func (c counter) Unlock(ctx context.Context, digits string) error {
	p, err := c.t.opened()
	if err != nil {
		return told(err)
	}
	err = clerkError(p.pins.Clerk().Try(ctx, digits))
	if err == nil {
		p.log.Info("the counter's page was opened with the clerk's PIN")
	} else if !errors.Is(err, screen.ErrCounterOff) {
		p.log.Warn("the counter's page was not opened", "err", err)
	}
	return err
}

// clerkError is what the page knows of a PIN's error.
func clerkError(err error) error {
	var locked *pin.LockedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &locked):
		return &screen.CounterLocked{Left: locked.Left}
	case errors.Is(err, payment.ErrPINWrong):
		return screen.ErrWrongPIN
	case errors.Is(err, payment.ErrPINNotSet):
		return screen.ErrCounterOff
	}
	return told(err)
}

// told is an error as the clerk reads it. It leaves open whether the request was done, unless the error
// wraps one of those that refuse it.
func told(err error, refusals ...error) error {
	e := &screen.CounterError{Why: refusal(err), What: err.Error(), Do: hintOf(err), Open: true}
	for _, r := range refusals {
		if errors.Is(err, r) && !errors.Is(err, payment.ErrJournal) {
			e.Open = false
		}
	}
	return e
}

// refusal is what the page has words for in an error; "" if nothing.
func refusal(err error) screen.Refusal {
	for _, r := range []struct {
		why screen.Refusal
		of  []error
	}{
		{screen.RefusedJournal, []error{payment.ErrJournal}}, // may wrap what follows
		{screen.RefusedUnsure, []error{payment.ErrUnsure}},
		{screen.RefusedBusy, []error{payment.ErrBusy}},
		{screen.RefusedLocked, []error{payment.ErrLocked}},
		{screen.RefusedBacklog, []error{payment.ErrBacklog}},
		{screen.RefusedOutOfOrder, []error{payment.ErrOutOfOrder}},
		{screen.RefusedTooMuch, []error{payment.ErrTooMuch}},
		{screen.RefusedLimit, []error{errAboveLimit}},
		{screen.RefusedAmount, []error{payment.ErrAmountFormat, payment.ErrAmountZero, payment.ErrAmountNegative,
			payment.ErrAmountDecimals, payment.ErrAmountTooLarge}},
	} {
		if slices.ContainsFunc(r.of, func(e error) bool { return errors.Is(err, e) }) {
			return r.why
		}
	}
	return ""
}

func (c counter) Till(ctx context.Context) (screen.CounterState, error) {
	p, err := c.t.opened()
	if err != nil {
		return screen.CounterState{}, told(err)
	}
	s, err := p.engine.Status(ctx)
	if err != nil {
		return screen.CounterState{}, told(err)
	}
	_, fraction, _ := strings.Cut(p.limit.Decimal(), ".")
	state := screen.CounterState{Currency: p.limit.Currency, Decimals: len(fraction)}
	if runs(s) {
		one := atCounter(s.Payment)
		state.Running = &one
	}
	return state, nil
}

// runs tells whether a payment runs. One that a failing journal has left behind only looks so.
func runs(s payment.Status) bool {
	return s.Payment.ID != "" && !s.Payment.State.Terminal() && len(s.OutOfOrder) == 0
}

func (c counter) Begin(ctx context.Context, id, amount string) (screen.CounterPayment, error) {
	p, err := c.t.opened()
	if err != nil {
		return screen.CounterPayment{}, told(err, payment.ErrOutOfOrder)
	}
	sum, err := p.payable(amount, p.limit.Currency)
	if err != nil {
		return screen.CounterPayment{}, told(err, err)
	}
	began, err := p.engine.Begin(ctx, payment.Request{ID: id, Amount: sum})
	if err != nil {
		return screen.CounterPayment{}, told(err, payment.ErrRequest, payment.ErrConflict, payment.ErrBusy,
			payment.ErrOutOfOrder, payment.ErrBacklog, payment.ErrLocked, payment.ErrUnsure)
	}
	return atCounter(began), nil
}

func (c counter) Payment(ctx context.Context, id string) (screen.CounterPayment, error) {
	p, err := c.t.opened()
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	s, err := p.engine.Status(ctx)
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	if s.Payment.ID == id && runs(s) {
		return atCounter(s.Payment), nil
	}
	// It has ended, or ends in this moment, or never began.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	ended, err := p.engine.Wait(ctx, id)
	switch {
	case err == nil:
		return atCounter(ended), nil
	case errors.Is(err, payment.ErrNotFound):
		return screen.CounterPayment{}, screen.ErrCounterUnknown
	}
	return screen.CounterPayment{}, told(err)
}

func (c counter) Cancel(ctx context.Context, id string) (screen.CounterPayment, error) {
	p, err := c.t.opened()
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	ended, err := p.engine.Cancel(ctx, id, payment.ByOperator)
	if err != nil && !errors.Is(err, payment.ErrClosed) {
		return screen.CounterPayment{}, told(err, payment.ErrNotFound)
	}
	return atCounter(ended), nil
}

func (c counter) Recent(ctx context.Context, n int) ([]screen.CounterPayment, error) {
	p, err := c.t.opened()
	if err != nil {
		return nil, told(err)
	}
	entries, err := p.journal.List(ctx, journal.Filter{Limit: n})
	if err != nil {
		return nil, told(err)
	}
	all := make([]screen.CounterPayment, 0, len(entries))
	for _, e := range entries {
		one := atCounter(e.Payment)
		switch e.Delivery {
		case journal.DeliveryPending:
			if p.reporter != nil { // without a broker there is no cloud to wait for
				one.Report = screen.ReportWaiting
			}
		case journal.DeliveryDone:
			one.Report = screen.ReportDone
		case journal.DeliveryParked:
			one.Report = screen.ReportParked
		case journal.DeliveryNone:
		}
		all = append(all, one)
	}
	return all, nil
}

// Reverse leaves its outcome open unless the journal itself refuses: an earlier request under this id, whose
// answer was lost, may have been done.
func (c counter) Reverse(ctx context.Context, id, paymentID, amount string) error {
	if amount == "" { // which would be all that is left, whatever the clerk has seen of it
		return &screen.CounterError{What: "no amount to give back", Do: "say how much"}
	}
	_, err := c.t.reverse(ctx, reversalRequest{ID: id, PaymentID: paymentID, Amount: amount})
	if err != nil {
		return told(err, payment.ErrRequest, payment.ErrConflict, payment.ErrNotFound, payment.ErrNotApproved,
			payment.ErrTooMuch, payment.ErrUnsure)
	}
	return nil
}

// atCounter is a payment as the clerk sees it.
func atCounter(p payment.Payment) screen.CounterPayment {
	c := screen.CounterPayment{ID: p.ID, Reference: p.Reference, At: p.OpenedAt, AtUnsure: !p.TimeTrusted,
		Amount: p.Amount.Decimal(), Currency: p.Amount.Currency, Reason: screenReason(p.Reason)}
	part := func(minor int64) string {
		return payment.Amount{Minor: minor, Currency: p.Amount.Currency}.Decimal()
	}
	switch p.State {
	case payment.StateWaiting:
		c.State, c.Deadline = screen.LookHere, p.Deadline
	case payment.StateRecognised:
		c.State, c.Deadline = screen.Smile, p.Deadline
	case payment.StatePIN:
		c.State, c.Deadline = screen.EnterPIN, p.Deadline
	case payment.StateDeclined:
		c.State = screen.Declined
	case payment.StateCancelled:
		c.State = screen.Cancelled
	case payment.StateExpired:
		c.State = screen.Expired
	case payment.StateApproved:
		c.State = screen.Approved
		if p.Reversed > 0 {
			c.Returned = part(p.Reversed)
		}
		if left := p.Amount.Minor - p.Reversed; left > 0 {
			c.Left = part(left)
		}
	}
	return c
}

// setClerkPIN gives the clerk a PIN, or takes it away ("").
func setClerkPIN(ctx context.Context, s *pin.Store, digits string) error {
	if digits == "" {
		return s.Clerk().Remove(ctx)
	}
	return s.Clerk().Set(ctx, digits)
}

// setClerkPIN ends whatever was opened with the PIN before.
func (c *control) setClerkPIN(r *http.Request) (struct{}, error) {
	var q pinRequest
	if err := readJSON(r, &q); err != nil {
		return struct{}{}, err
	}
	p, err := c.t.opened()
	if err != nil {
		return struct{}{}, err
	}
	if err := setClerkPIN(r.Context(), p.pins, q.PIN); err != nil {
		return struct{}{}, err
	}
	c.t.page.LockCounter()
	p.log.Info("the clerk's PIN was changed", "removed", q.PIN == "")
	return struct{}{}, nil
}

func counterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "counter", GroupID: "desk", Short: "Take payments without a register: set the clerk's PIN",
		Long: "Without a register, payments are taken and given back on the terminal's page /counter, in a\n" +
			"browser on the terminal itself, or over TLS on a tablet (counter.listen). A PIN of the clerk opens\n" +
			"it; without one it is off.",
		Args: cobra.NoArgs,
	}
	set := &cobra.Command{
		Use: "pin", Short: "Set the clerk's PIN, which switches the counter's page on",
		Long: "Set the PIN that opens the counter's page. It is typed here, unseen, twice; from a pipe one\n" +
			"line is read. It is kept as an Argon2id hash; three wrong ones lock it, and a new one ends the\n" +
			"lock. Whoever has the page open is asked for the new PIN. --remove switches the page off.",
		Example: "  smiletill counter pin\n  smiletill counter pin --remove",
		Args:    cobra.NoArgs,
	}
	a.changesPIN(set, func([]string) string { return "the clerk" },
		func(ctx context.Context, cfg Config, _ []string, digits string) error {
			if c := newClient(cfg.Paths.ControlSocket); c.running(ctx) {
				_, err := call[struct{}](ctx, c, http.MethodPut, "/v1/counter/pin", pinRequest{digits})
				return err
			}
			if err := preparePrivateDir(cfg.Paths.DataDir); err != nil {
				return err
			}
			return withPINFile(ctx, cfg, func(s *pin.Store) error { return setClerkPIN(ctx, s, digits) })
		})
	bindHidden(set)
	cmd.AddCommand(set)
	return cmd
}

// changesPIN has a command ask for a new PIN, or take it away with --remove.
func (a *app) changesPIN(cmd *cobra.Command, of func(args []string) string,
	change func(ctx context.Context, cfg Config, args []string, digits string) error,
) {
	remove := cmd.Flags().Bool("remove", false, "take the PIN away")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		digits, said := "", "removed"
		if !*remove {
			said = "set"
			if digits, err = askNewPIN(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
				return err
			}
		}
		if err := change(cmd.Context(), cfg, args, digits); err != nil {
			return fmt.Errorf("PIN of %s: %w", of(args), err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s the PIN of %s\n", said, of(args))
		return nil
	}
}
