package erasure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/people"
	"smiletill/device"
	"smiletill/device/wiring"
	"smiletill/payment"
	"smiletill/payment/pin"
)

// pressWithin is how long a button is waited for.
const pressWithin = 30 * time.Second

// errNobody is that nobody was there.
var errNobody = errors.New("nobody has shown to be at the terminal, and nothing was erased")

// asker reads answers: from a terminal, or a line each of a pipe.
type asker struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
}

func newAsker(in io.Reader, out io.Writer) *asker {
	const line = 256
	return &asker{in, bufio.NewReader(io.LimitReader(in, 4*line)), out}
}

func (a *asker) ask(prompt string, unseen bool) (string, error) {
	fmt.Fprint(a.out, prompt)
	if f, ok := a.in.(*os.File); ok && unseen && term.IsTerminal(int(f.Fd())) {
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.out)
		return string(text), err
	}
	line, err := a.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// presence has somebody show that they are there: by the PIN of one who may erase, or a button.
func presence(ctx context.Context, cfg config.Config, as string, a *asker, runs bool) (string, error) {
	if as == "" {
		return pressed(ctx, cfg, a.out, runs)
	}
	how := ""
	err := withPINs(ctx, cfg, func(s *pin.Store) error {
		one, err := s.Find(ctx, as)
		if err != nil {
			return err
		}
		someone := people.Someone{Name: one.Name, Door: people.Page, Roles: []people.Role{people.Role(one.Role)}}
		if _, err := someone.As(people.Erase); err != nil {
			return err
		}
		if err := s.ClerkNamed(one.Name).Ready(ctx); err != nil {
			return err
		}
		digits, err := a.ask("PIN of "+one.Name+": ", true)
		if err != nil {
			return err
		}
		how = fmt.Sprintf("PIN of %s, %s", one.Name, one.Role)
		return s.ClerkNamed(one.Name).Try(ctx, digits)
	})
	if err != nil {
		if payment.HintOf(err) == "" {
			err = payment.WithHint(err, "`smiletill clerks list` lists who has a role and a PIN")
		}
		return "", fmt.Errorf("%w: %w", errNobody, err)
	}
	return how, nil
}

// pressed waits for a button of the board.
func pressed(ctx context.Context, cfg config.Config, out io.Writer, runs bool) (string, error) {
	const byPIN = "say --as NAME, of an owner or a technician who has a PIN (`smiletill clerks list`; " +
		"`smiletill clerks add NAME --role technician`, then `smiletill clerks pin NAME`)"
	w, err := wiring.Find(cfg.Board.Kind, os.DirFS("/"))
	if err != nil || w.Buttons.Confirm == "" && w.Buttons.Cancel == "" {
		return "", payment.WithHint(errNobody, byPIN+": this board has no button")
	}
	if runs {
		return "", payment.WithHint(errNobody, byPIN+"; or stop the terminal (`systemctl stop smiletill`): "+
			"then a button of the board does")
	}
	log := slog.New(slog.DiscardHandler)
	b, err := w.Open("/", log)
	if err != nil {
		return "", payment.WithHint(fmt.Errorf("%w: %w", errNobody, err), byPIN)
	}
	ctx, stop := context.WithTimeout(ctx, pressWithin)
	defer stop()
	fmt.Fprintf(out, "Press a button of the terminal within %.0f s.\n", pressWithin.Seconds())
	down := make(chan string, 1)
	for _, in := range []*device.Input{b.Confirm, b.Cancel} {
		if in == nil {
			continue
		}
		go in.Presses(ctx, log, func() {
			select {
			case down <- in.Name:
			default:
			}
		}, func(error) {})
	}
	select {
	case name := <-down:
		return "button " + name, nil
	case <-ctx.Done():
		return "", payment.WithHint(fmt.Errorf("%w: no button was pressed", errNobody), byPIN)
	}
}
