package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
)

// Help is what `smiletill doctor --help` says.
const Help = `Say on one page what is wrong with this terminal, the worst first, since when if that is
known, and what to do. It asks the terminal that runs; where none does it reads settings, disk, journal,
gallery, keys and clock. No setting, payment or customer is changed. Exit code 0: all is well; 1: something
is not.`

// Terminal is the one that is examined.
type Terminal struct {
	Version string
	Cfg     config.Config
	CfgErr  error // why the settings can't be read; Cfg is empty then
	Probe   Probe
}

// Where a terminal is whose settings can't be read.
const (
	usualSocket = "/run/smiletill/control.sock"
	usualData   = "/var/lib/smiletill"
)

// Placed is the terminal with the usual paths where its settings can't be read: with none at all files would
// be looked for in the working folder.
func (t Terminal) Placed() Terminal {
	if t.CfgErr != nil {
		t.Cfg.Paths = config.PathsConfig{DataDir: t.Probe.at(usualData), ControlSocket: t.Probe.at(usualSocket)}
	}
	return t
}

// Examine looks at the machine and the terminal.
func (t Terminal) Examine(ctx context.Context) *Page {
	p := &Page{Version: t.Version, At: t.Probe.Now()}
	t = t.Placed()
	cfg := t.Cfg
	if t.CfgErr != nil {
		p.Findings = append(p.Findings, bad("settings", t.CfgErr))
	} else {
		p.Terminal = strings.Join([]string{cfg.Terminal.Tenant, cfg.Terminal.Site, cfg.Terminal.ID}, "/")
	}
	s, err := ask(ctx, t, control.NewClient(cfg.Paths.ControlSocket).Status)
	own := t.Probe.Look(cfg).Findings()
	if t.CfgErr == nil {
		own = append(own, t.files(ctx)...)
	}
	switch {
	case err == nil:
		p.Running = true
		p.How = "The terminal runs, since " + since(s.Up) + ": it was asked, and the machine was looked at."
		p.add(told(s), own)
	case errors.Is(err, control.ErrNotRunning):
		p.How = "No terminal runs here: its files were read, and the machine was looked at."
		p.Findings = append(p.Findings, stopped())
		if t.CfgErr == nil {
			own = append(own, t.Probe.read(ctx, cfg)...)
		}
		p.add(nil, own)
	case silent(err) && ctx.Err() == nil:
		p.How = "The terminal runs but does not answer: its files were read, and the machine was looked at."
		if t.CfgErr == nil {
			own = append(own, t.Probe.read(ctx, cfg)...)
		}
		p.add([]Finding{hung()}, own)
	default:
		p.How = "The terminal could not be asked: the machine was looked at."
		f := bad("terminal", err)
		if f.Level == unknown { // all is not well where nobody may ask
			f.Level = warning
		}
		p.add([]Finding{f}, own)
	}
	p.sorted()
	return p
}

// files are what is read of the terminal's files whether it runs or not.
func (t Terminal) files(ctx context.Context) []Finding {
	all := []Finding{keys(t.Cfg), protection(t.Cfg)}
	if f, none := certificates(endings(t.Cfg), t.Probe.Now()); !none {
		all = append(all, f)
	}
	all = append(all, unusable(t.Cfg)...)
	if f, is := unset(t.Cfg); is {
		all = append(all, f)
	}
	all = append(all, caseOf(t.Cfg))
	found, _ := books(ctx, t.Cfg)
	all = append(all, found...)
	host, _, _ := net.SplitHostPort(brokerAt(t.Cfg)) // without a broker it is ""
	if why := named(ctx, host); why != "" && t.Cfg.MQTT.Broker != "" {
		all = append(all, Finding{Part: "names", Level: warning, What: why,
			Do: "look at the name in mqtt.broker, and at the line network for who is asked for names"})
	}
	return all
}

// add takes what the terminal said and what was seen here; where both speak of a part, the worse is told.
func (p *Page) add(said, seen []Finding) {
	for _, f := range said {
		i := slices.IndexFunc(seen, func(o Finding) bool { return o.Part == f.Part })
		if i < 0 {
			p.Findings = append(p.Findings, f)
			continue
		}
		if worse(f, seen[i]) {
			f.Since = seen[i].Since
			seen[i] = f
		}
	}
	p.Findings = append(p.Findings, seen...)
}

func worse(a, b Finding) bool {
	p := Page{Findings: []Finding{b, a}}
	p.sorted()
	return p.Findings[0] == a && a != b
}

func stopped() Finding {
	return Finding{Part: "terminal", Level: fault, What: "it does not run",
		Do: "`sudo systemctl start smiletill`; if it ends again, `sudo smiletill logs` says why"}
}

func hung() Finding {
	return Finding{Part: "terminal", Level: fault, What: "it runs, but does not answer",
		Do: "`sudo smiletill support FILE.tar.gz` keeps what was logged; then `sudo systemctl restart smiletill`"}
}

// patience is how long an answer of the running terminal is waited for: our choice. It takes milliseconds.
const patience = 5 * time.Second

// ask puts a question to the running terminal, which may hang.
func ask[T any](ctx context.Context, t Terminal, question func(context.Context) (T, error)) (T, error) {
	within, cancel := context.WithTimeout(ctx, cmp.Or(t.Probe.Patience, patience))
	defer cancel()
	return question(within)
}

// silent tells whether nobody answered in time, or took the question at all.
func silent(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.EAGAIN)
}

// told are what the running terminal says of itself.
func told(s control.Status) (all []Finding) {
	f := Finding{Part: "terminal", Level: fine, What: s.Line, Do: s.Do}
	if !s.Ready {
		f.Level = fault
	}
	all = append(all, f)
	for _, p := range s.Parts {
		if p.Name == "terminal" && !s.Ready && p.Value == "" {
			continue
		}
		all = append(all, Finding{Part: p.Name, Level: p.Level, What: p.Value, Do: p.Do})
	}
	return all
}

// since is a time that has passed, as people say it.
func since(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
