package doctor

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// The levels of a Finding, the worst first; they are those of control.Part.
const (
	fault   = "fault"
	warning = "warning"
	unknown = "unknown"
	fine    = "ok"
)

// Finding is what was found of one part.
type Finding struct {
	Part  string     `json:"part"`
	Level string     `json:"level"` // fault, warning, unknown or ok
	What  string     `json:"what"`
	Since *time.Time `json:"since,omitempty"` // nil: nobody knows
	Do    string     `json:"do,omitempty"`    // what to do next
}

// bad is a finding of an error, with its hint. What this user may not look at may be well.
func bad(part string, err error) Finding {
	if errors.Is(err, fs.ErrPermission) {
		return unseen(part, err)
	}
	return Finding{Part: part, Level: fault, What: err.Error(), Do: payment.HintOf(err)}
}

// unseen is a finding of what could not be looked at.
func unseen(part string, err error) Finding {
	return Finding{Part: part, Level: unknown, What: err.Error(),
		Do: cmp.Or(payment.HintOf(err), config.PermissionHint(err), "put sudo before the command")}
}

// Page is all that was found.
type Page struct {
	Version  string    `json:"version"`
	Terminal string    `json:"terminal,omitempty"` // TENANT/SITE/ID
	At       time.Time `json:"at"`
	Running  bool      `json:"running"` // a terminal was asked; else its files were read
	How      string    `json:"how"`     // in words
	Findings []Finding `json:"findings"`
}

// sorted puts the worst first and leaves the rest in its order.
func (p *Page) sorted() {
	order := []string{fault, warning, unknown, fine}
	slices.SortStableFunc(p.Findings, func(a, b Finding) int {
		return slices.Index(order, a.Level) - slices.Index(order, b.Level)
	})
}

// count counts the findings of a level.
func (p *Page) count(level string) (n int) {
	for _, f := range p.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// Wrong is the worst that was found, with what to do; nil if nothing is wrong.
func (p *Page) Wrong() error {
	faults, warnings := p.count(fault), p.count(warning)
	if faults+warnings == 0 {
		return nil
	}
	worst := p.Findings[0]
	return payment.WithHint(fmt.Errorf("%s, %s; %s: %s", counted(faults, "fault"), counted(warnings, "warning"),
		worst.Part, worst.What), worst.Do)
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Print writes the page, for people or as JSON, and gives Wrong: it makes the command's exit code.
func (p *Page) Print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(p); err != nil {
			return fmt.Errorf("print what was found: %w", err)
		}
		return p.Wrong()
	}
	if err := p.write(w); err != nil {
		return fmt.Errorf("print what was found: %w", err)
	}
	return p.Wrong()
}

func (p *Page) write(w io.Writer) error {
	fmt.Fprintf(w, "smiletill %s%s, %s\n%s\n\n", p.Version, of(p.Terminal),
		p.At.Local().Format("2006-01-02 15:04 MST"), p.How)
	t := columns.New(w)
	for _, f := range p.Findings {
		level := f.Level
		if level == fault || level == warning {
			level = strings.ToUpper(level)
		}
		since := ""
		if f.Since != nil {
			since = ", since " + f.Since.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(t, "%s\t%s\t%s%s\n", level, f.Part, oneLine(f.What), since)
		if f.Do != "" && f.Level != fine {
			fmt.Fprintf(t, "\t\t-> %s\n", oneLine(f.Do))
		}
	}
	return t.Flush()
}

func of(name string) string {
	if name == "" {
		return ""
	}
	return " at " + name
}

// oneLine keeps a page's columns whole.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
