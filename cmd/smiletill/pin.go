package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

func pinsPath(cfg Config) string { return filepath.Join(cfg.Paths.DataDir, "pins.db") }

// pinPolicy is the configuration's [pin] in minor units.
func pinPolicy(cfg Config) (payment.Policy, error) {
	p := payment.Policy{Always: cfg.PIN.Always, CountMax: cfg.PIN.CountMax, Percent: cfg.PIN.Percent}
	for _, l := range []struct {
		name, text string
		minor      *int64
	}{
		{"pin.amount_max", cfg.PIN.AmountMax, &p.AmountMax},
		{"pin.sum_max", cfg.PIN.SumMax, &p.SumMax},
		{"pin.day_max", cfg.PIN.DayMax, &p.DayMax},
	} {
		if strings.Trim(l.text, "0.") == "" {
			continue // no limit
		}
		a, err := payment.ParseDecimal(l.text, cfg.Terminal.Currency)
		if err != nil {
			return payment.Policy{}, fmt.Errorf("%s: %w", l.name, err)
		}
		*l.minor = a.Minor
	}
	return p, p.Check()
}

// pinRequest is a PIN on its way over the control socket.
type pinRequest struct {
	PIN string `json:"pin"`
}

// enterPIN takes the PIN of a running payment. A wrong one that may be tried again is an answer, not an
// error.
func (c *control) enterPIN(r *http.Request) (paymentReply, error) {
	var q pinRequest
	if err := readJSON(r, &q); err != nil {
		return paymentReply{}, err
	}
	return c.t.enterPIN(r.Context(), r.PathValue("id"), q.PIN)
}

func (t *terminal) enterPIN(ctx context.Context, id, digits string) (paymentReply, error) {
	p, err := t.opened()
	if err != nil {
		return paymentReply{}, err
	}
	entered, err := p.engine.EnterPIN(ctx, id, digits)
	answer := reply(entered)
	switch {
	case err == nil:
	case entered.State.Terminal() && errors.Is(err, payment.ErrPINLocked):
		err = nil // the payment's own end says so
	case errors.Is(err, payment.ErrPINWrong) && entered.ID != "":
		answer.PINWrong, err = !entered.State.Terminal(), nil
	}
	return answer, err
}

// keypad is the customer's page, as far as it is typed on.
type keypad struct{ t *terminal }

func (k keypad) EnterPIN(ctx context.Context, asked, digits string) error {
	p, err := k.t.enterPIN(ctx, asked, digits)
	if err == nil && p.PINWrong {
		return screen.ErrWrongPIN
	}
	return err
}

func (k keypad) Cancel(ctx context.Context, asked string) error {
	p, err := k.t.opened()
	if err != nil {
		return err
	}
	_, err = p.engine.Cancel(ctx, asked, payment.ByCustomer)
	return err
}

// setPIN gives an enrolled customer a PIN, or takes it away ("").
func setPIN(ctx context.Context, g *gallery.Gallery, s *pin.Store, id, digits string) error {
	if digits == "" {
		return s.Remove(ctx, id)
	}
	known := slices.ContainsFunc(g.List(), func(c gallery.Customer) bool { return c.ID == id }) ||
		slices.ContainsFunc(g.Stale(), func(c gallery.Stale) bool { return c.ID == id })
	if !known {
		return withHint(
			fmt.Errorf("%w: %s", gallery.ErrUnknownCustomer, id),
			"`smiletill customers list` lists them",
		)
	}
	return s.Set(ctx, id, digits)
}

func (c *control) setPIN(r *http.Request) (struct{}, error) {
	var q pinRequest
	if err := readJSON(r, &q); err != nil {
		return struct{}{}, err
	}
	p, err := c.t.opened()
	if err != nil {
		return struct{}{}, err
	}
	if err := setPIN(r.Context(), p.gallery, p.pins, r.PathValue("id"), q.PIN); err != nil {
		return struct{}{}, err
	}
	p.log.Info("a customer's PIN was changed", "customer", r.PathValue("id"), "removed", q.PIN == "")
	return struct{}{}, nil
}

// withPINs opens gallery and PINs while no terminal runs.
func withPINs(ctx context.Context, cfg Config, use func(*gallery.Gallery, *pin.Store) error) error {
	return withGallery(cfg, func(g *gallery.Gallery) error {
		return withPINFile(ctx, cfg, func(s *pin.Store) error { return use(g, s) })
	})
}

// withPINFile opens the PINs alone. Tries are not counted here: no clock is needed.
func withPINFile(ctx context.Context, cfg Config, use func(*pin.Store) error) error {
	s, err := pin.Open(ctx, pinsPath(cfg), nil, nil)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

func customersPINCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "pin ID", Short: "Give a customer a PIN, or take it away",
		Long: "Give a customer a PIN, which the terminal asks for where a face alone is not enough\n" +
			"(section [pin] of the configuration). The customer types it here, unseen, twice;\n" +
			"from a pipe one line is read. It is kept as an Argon2id hash. A new PIN ends a lock.",
		Example: "  smiletill customers pin c4f1\n  smiletill customers pin c4f1 --remove",
		Args:    cobra.ExactArgs(1),
	}
	a.changesPIN(cmd, func(args []string) string { return "customer " + args[0] },
		func(ctx context.Context, cfg Config, args []string, digits string) error {
			if c := newClient(cfg.Paths.ControlSocket); c.running(ctx) {
				return c.setPIN(ctx, args[0], digits)
			}
			return withPINs(ctx, cfg, func(g *gallery.Gallery, s *pin.Store) error {
				return setPIN(ctx, g, s, args[0], digits)
			})
		})
	return cmd
}

// askNewPIN reads a PIN twice from a terminal, without showing it, or one line of a pipe.
func askNewPIN(in io.Reader, out io.Writer) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the PIN: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		return line, pin.Check(line)
	}
	first, err := askPIN(f, out, "New PIN: ")
	if err == nil {
		err = pin.Check(first)
	}
	if err != nil {
		return "", err
	}
	second, err := askPIN(f, out, "The same again: ")
	if err == nil && second != first {
		err = withHint(errors.New("the two PINs differ"), "run the command again; nothing was changed")
	}
	return first, err
}

func askPIN(f *os.File, out io.Writer, prompt string) (string, error) {
	fmt.Fprint(out, prompt)
	digits, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return "", fmt.Errorf("read the PIN: %w", err)
	}
	return string(digits), nil
}

func (c *client) setPIN(ctx context.Context, id, digits string) error {
	_, err := call[struct{}](
		ctx,
		c,
		http.MethodPut,
		"/v1/customers/"+url.PathEscape(id)+"/pin",
		pinRequest{digits},
	)
	return err
}

func (c *client) enterPIN(ctx context.Context, id, digits string) (paymentReply, error) {
	return call[paymentReply](
		ctx,
		c,
		http.MethodPost,
		"/v1/payments/"+url.PathEscape(id)+"/pin",
		pinRequest{digits},
	)
}
