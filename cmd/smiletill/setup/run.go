package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Order is what `smiletill setup` is asked to do: to ask, where no source is named.
type Order struct {
	Folder  string // with the settings in it
	Stick   string // label of a stick that is looked for
	Outside bool   // Folder is a stick too
	Report  bool   // only write the report of what was taken over anew
	// Firewall is to open what the configuration opens, and nothing else.
	Firewall bool
}

// Do does it, and says on out what came of it.
func (t Target) Do(ctx context.Context, o Order, in io.Reader, out io.Writer) error {
	if o.Firewall {
		return t.firewall(ctx)
	}
	if o.Folder == "" && o.Stick == "" {
		path, err := t.ask(in, out)
		if err == nil {
			_, err = fmt.Fprintf(out,
				"written: %s\nnow start the terminal with it: sudo systemctl restart smiletill; "+
					"sudo smiletill status\n", path)
		}
		return err
	}
	var wifi trouble
	var err error
	if o.Report { // before anything is mounted to be written: it takes a while
		if wifi, err = t.wifiTrouble(ctx); wifi.what != "" {
			fmt.Fprintf(out, "%s: %s\n", wifi.what, wifi.instead)
		}
	}
	take := func(folder string, outside bool) error {
		if o.Report {
			return t.refresh(folder, wifi)
		}
		return t.takeAndSay(ctx, source{folder, outside}, out, o.Stick == "" && t.Kept == "" && t.Root == "")
	}
	if o.Folder != "" {
		err = errors.Join(err, t.writable(o.Folder, func() error { return take(o.Folder, o.Outside) }))
	}
	if o.Stick != "" {
		err = errors.Join(err, t.fromStick(o, take))
	}
	if t.Kept != "" && !o.Report { // also when a stick has a mistake: what was taken before is in force
		err = errors.Join(err, t.spread())
	}
	return err
}

func (t Target) fromStick(o Order, take func(folder string, outside bool) error) error {
	wait := 5 * time.Second // a stick on USB is there a few seconds after the start
	if t.named() {
		wait = 2 * time.Second
	}
	return Stick(o.Stick, wait, func(folder string) error {
		return take(folder, true)
	})
}

// takeAndSay also tells whoever sits there what is to be done next; a start does it by itself.
func (t Target) takeAndSay(ctx context.Context, from source, out io.Writer, here bool) error {
	got, err := t.take(from, time.Now(), func(string) error { return ctx.Err() })
	if err != nil {
		return err
	}
	switch {
	case got.path == "":
		fmt.Fprintf(out, "no %s in %s: nothing to do\n", FileName, from.folder)
		return nil
	case got.again:
		fmt.Fprintf(out, "%s was taken over before: nothing was changed\n", got.path)
		return nil
	}
	fmt.Fprintf(out, "taken over from %s:\n  %s\n", got.path, strings.Join(got.lines, "\n  "))
	if here {
		fmt.Fprintln(out, "in force from the next start: sudo reboot (without network and name in it: "+
			"sudo systemctl restart smiletill)")
	}
	if got.host != "" && t.Root == "" {
		if err := rename(got.host); err != nil {
			return fmt.Errorf("name this machine %s: %w", got.host, err)
		}
	}
	return nil
}
