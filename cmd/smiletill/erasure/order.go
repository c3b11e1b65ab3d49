package erasure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report/claim"
)

// Order is what `smiletill factory-reset` and `smiletill decommission` are asked to do.
type Order struct {
	Leaves   bool   // service: decommission
	Settings string // the file, or "" for the system's
	As       string // whose PIN shows that somebody is there; "": a button
	Lose     bool   // reports that wait, if that is typed
	Network  bool   // Wi-Fi and the technicians' way in stay
	Silent   bool   // the cloud is not told
	Save     string // file for the receipt; "": it is printed alone

	cut func(step string) error // a test's; nil: none
}

// Bind gives the flags.
func (o *Order) Bind(f *pflag.FlagSet) {
	f.StringVar(&o.As, "as", "", "owner or technician whose PIN is typed; else a button of the board is pressed")
	f.BoolVar(&o.Lose, "lose", false, "erase reports that no cloud has acknowledged, after that was typed")
	f.BoolVar(&o.Network, "keep-network", false, "Wi-Fi, addresses and the technicians' keys for ssh stay")
	f.StringVar(&o.Save, "receipt", "", "`file` for the signed receipt, on a stick for instance")
	if o.Leaves {
		f.BoolVar(&o.Silent, "without-cloud", false, "though the cloud can't be told: revoke the terminal there")
	}
}

func (o Order) what() string {
	if o.Leaves {
		return claim.Decommissioned
	}
	return "factory-reset"
}

// letGo is how long a running terminal may take to let its files go.
const letGo = time.Minute

// Do erases the terminal of a configuration, or goes on where an erasure was cut off.
func Do(ctx context.Context, cfg config.Config, o Order, in io.Reader, out, errs io.Writer) error {
	if o.cut == nil {
		o.cut = func(string) error { return nil }
	}
	if err := handOut(cfg.Paths.DataDir, out); err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Paths.DataDir); errors.Is(err, fs.ErrNotExist) {
		_, err = fmt.Fprintln(out, "there is nothing to erase: "+cfg.Paths.DataDir+" is not there")
		return err
	}
	if err := cfg.PrepareDataDir(); err != nil {
		return err
	}
	lock, err := hold(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // the process's end does it too
	m, is, _ := readMark(cfg.Paths.DataDir)
	e := &eraser{m, cfg.Paths.DataDir, o.cut}
	if is && m.Phase != wanted && m.Phase != "" {
		e.Silent = e.Silent || o.Silent
		e.own(cfg, o)
		fmt.Fprintln(errs, "going on with what was begun")
		if err := e.finish(ctx, cfg); err != nil {
			return err
		}
		return e.tellDone(out)
	}
	if err := o.begin(ctx, cfg, e, newAsker(in, errs)); err != nil {
		return errors.Join(err, e.takeBack())
	}
	return e.tellDone(out)
}

// takeBack removes the mark of an erasure that has not begun.
func (e *eraser) takeBack() error {
	if m, is, _ := readMark(e.data); is && m.Phase != wanted && m.Phase != "" {
		return nil
	}
	e.cut = func(string) error { return nil }
	for _, name := range []string{markName, attendedName, lockName} {
		if err := e.remove(filepath.Join(e.data, name), false); err != nil {
			return err
		}
	}
	return nil
}

// begin asks, has the terminal let go, and erases.
func (o Order) begin(ctx context.Context, cfg config.Config, e *eraser, a *asker) error {
	runs := control.NewClient(cfg.Paths.ControlSocket).Running(ctx)
	before, err := look(ctx, cfg)
	if err != nil {
		return err
	}
	if before.Lost != nil && !o.Lose {
		return payment.WithHint(fmt.Errorf("%s is refused: %s", o.what(), before.Lost.words()),
			"let the terminal run until `smiletill status` says that all is acknowledged; a cloud that will never "+
				"do it: --lose erases them, after it was typed")
	}
	if err := o.savable(cfg.Paths.DataDir); err != nil {
		return err
	}
	if before.Presence, err = presence(ctx, cfg, o.As, a, runs); err != nil {
		return err
	}
	before.What, before.By, before.Network = o.what(), people.Here(), o.Network
	if err := confirm(cfg, before, a); err != nil {
		return err
	}
	e.mark = mark{Phase: wanted, What: o.what(), Settings: settingsOf(cfg, o.Settings), Outside: outside(cfg),
		Network: o.Network, Save: o.Save, Silent: o.Silent, Source: reporting.Address(cfg).Source()}
	if err := errors.Join(os.RemoveAll(filepath.Join(e.data, attendedName)), e.keep(e.data)); err != nil {
		return err
	}
	if err := o.cut("let go"); err != nil {
		return err
	}
	free, err := wait(ctx, cfg, runs)
	if err != nil {
		return err
	}
	defer func() { _ = free.Close() }()
	after, err := look(ctx, cfg) // nobody writes now
	if err == nil && (!after.Lost.same(before.Lost) || after.LastSeq != before.LastSeq && after.Lost != nil) {
		err = payment.WithHint(errors.New("something was paid or done meanwhile, and nothing was erased"),
			"run it again")
	}
	if err != nil {
		return err
	}
	after.What, after.By, after.Network, after.Presence = before.What, before.By, before.Network, before.Presence
	if err := e.sign(cfg, after, time.Now()); err != nil {
		if o.Leaves && !o.Silent { // which is said with a signature
			return payment.WithHintf(fmt.Errorf("the cloud can't be told: %w", err), "see what is wrong with the "+
				"terminal's key (`smiletill doctor`); --without-cloud goes on, without a receipt")
		}
		fmt.Fprintf(a.out, "there will be no receipt: %v\n", err)
		e.Receipt = nil
	}
	return o.commit(ctx, cfg, e)
}

// commit is where nothing can be taken back any more.
func (o Order) commit(ctx context.Context, cfg config.Config, e *eraser) error {
	if o.Leaves {
		e.Phase = telling
		if err := e.keep(e.data); err != nil {
			return err
		}
		err := e.tell(ctx, cfg)
		if errors.Is(err, claiming.ErrNotHeard) { // who asks decides whether it goes on without
			e.Phase = wanted
			return errors.Join(err, e.keep(e.data))
		}
		if err != nil { // it may have heard it, and revoked the terminal: that takes no payments any more
			return err
		}
	}
	e.Phase = erasing
	if err := e.keep(e.data); err != nil {
		return err
	}
	return e.do(ctx, cfg)
}

// savable tries whether the receipt can be written where it is to go.
func (o Order) savable(data string) error {
	if o.Save == "" {
		return nil
	}
	path, err := filepath.Abs(o.Save)
	if err == nil && strings.HasPrefix(path, filepath.Clean(data)+"/") {
		err = fmt.Errorf("%s is erased with the terminal", o.Save)
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	}
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(path))
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("keep the receipt: %w", err),
			"name a new file elsewhere: --receipt /media/stick/receipt.json")
	}
	return nil
}

// settingsOf is the file of settings that is put back to the defaults: not one of another terminal's, where
// the data folder was named beside it.
func settingsOf(cfg config.Config, named string) string {
	from, _, _ := strings.Cut(cfg.Origin("paths.data_dir"), " ")
	if from == "flag" || from == "environment" {
		return ""
	}
	path := cmp.Or(named, config.SystemFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// confirm has somebody type that they mean it.
func confirm(cfg config.Config, gone erased, a *asker) error {
	want, what := cfg.Terminal.ID, "the terminal's name, "+cfg.Terminal.ID
	fmt.Fprintf(a.out, "%s of %s erases its keys, %d faces, %d PINs, %d registers and %d payments for good.\n",
		gone.What, nameOf(reporting.Address(cfg).Source()), gone.Faces, gone.PINs, gone.Registers, gone.Payments)
	if l := gone.Lost; l != nil {
		want = l.typed()
		what = `"` + want + `"`
		fmt.Fprintf(a.out, "LOST: %s.\n", l.words())
		for _, id := range l.IDs {
			fmt.Fprintf(a.out, "  payment %s\n", id)
		}
	}
	said, err := a.ask("Type "+what+", to go on: ", false)
	if err != nil {
		return err
	}
	if said != want {
		return payment.WithHint(errors.New("that is not what was asked for, and nothing was erased"),
			"run the command again")
	}
	return nil
}

// wait has a running terminal let its files go, and keeps others from opening them.
func wait(ctx context.Context, cfg config.Config, runs bool) (io.Closer, error) {
	ctx, stop := context.WithTimeout(ctx, letGo)
	defer stop()
	for {
		_, err := os.Stat(filepath.Join(cfg.Paths.DataDir, attendedName))
		if !runs {
			err = nil
		}
		if err == nil {
			var free io.Closer
			if free, err = journal.Hold(cfg.JournalPath()); err == nil {
				return free, nil
			}
			if !errors.Is(err, journal.ErrInUse) {
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, payment.WithHint(fmt.Errorf("the running terminal keeps its files: %w", err),
				"stop it (`systemctl stop smiletill`), and run this again; nothing was erased")
		case <-time.After(lookEvery):
		}
	}
}

// tellDone says what was done, and what is left to do.
func (e *eraser) tellDone(out io.Writer) error {
	if e.Receipt != nil {
		gone, err := decode(e.Receipt.Data)
		if err != nil {
			return err
		}
		gone.print(out, e.Source, e.Receipt.ID, e.Receipt.Time)
	}
	switch {
	case e.What != claim.Decommissioned:
	case e.Cloud != "":
		fmt.Fprintf(out, "%s was told, and takes nothing of it any more\n", e.Cloud)
	default:
		fmt.Fprintf(out, "no cloud was told: if one knows it, run there: smiletill cloud revoke %s\n",
			nameOf(e.Source))
	}
	fmt.Fprintln(out, "Backups elsewhere, the system's log and the cloud's books are not erased. A card may\n"+
		"keep what was removed or overwritten in blocks that are free; who must rule that out destroys the card.")
	return handOut(e.data, out)
}

// handOut prints a receipt that nobody took, and removes it.
func handOut(data string, out io.Writer) error {
	path := filepath.Join(data, doneName)
	text, err := readOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !json.Valid(text) {
		err = errors.New("it is none")
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "the receipt, to be kept:\n%s", text)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("hand the receipt out: %w", err)
	}
	return nil
}
