package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// PrintStatus writes how the running terminal says that it does, for people or as JSON. Its error is why it
// is not ready.
func PrintStatus(w io.Writer, s control.Status, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(s); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
	} else if err := printParts(w, s); err != nil {
		return err
	}
	if !s.Ready {
		return payment.WithHint(errors.New(s.Line), s.Do)
	}
	return nil
}

func printParts(w io.Writer, s control.Status) error {
	if s.Ready {
		fmt.Fprintln(w, s.Line)
	}
	t := columns.New(w)
	for _, p := range s.Parts {
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, p.Level, p.Value)
		if p.Do != "" && p.Level != "ok" {
			fmt.Fprintf(t, "\t\t-> %s\n", p.Do)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	return nil
}

// WaitReady returns when the terminal has taken payments for so long; what keeps it from that is told when it
// changes.
func WaitReady(ctx context.Context, c *control.Client, long time.Duration, out io.Writer) error {
	since, told := time.Time{}, ""
	for tick := min(time.Second, long/4); ; {
		s, err := c.Status(ctx)
		switch {
		case ctx.Err() != nil:
			return payment.WithHint(errors.New("the waiting was ended; the terminal was not ready for "+long.String()),
				"`smiletill status` says what is wrong")
		case err != nil:
			s = control.Status{Line: err.Error()}
		}
		if s.Line != told {
			told = s.Line
			fmt.Fprintln(out, told)
		}
		switch now := time.Now(); {
		case !s.Ready:
			since = time.Time{}
		case since.IsZero() || s.Up < now.Sub(since): // another process than before
			since = now
		case now.Sub(since) >= long:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
	}
}
