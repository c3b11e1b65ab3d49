package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smiletill/cmd/smiletill/setup"
	"smiletill/payment"
)

// What may lie beside a bundle, since a stick has no flags; and the answer.
const (
	againName  = "again.txt"
	noBackName = "no-way-back.txt"
	reportName = "update-report.txt"
)

// errAsBefore is said of a bundle that was here before: there is nothing to do.
var errAsBefore = errors.New("nothing to do")

// fromStick installs the newest bundle of a stick, and leaves the report there. Without a stick, or without
// bundles on it, nothing happens.
func (c Card) fromStick(ctx context.Context, o Order, here Here, s slots, out io.Writer) error {
	const wait = 2 * time.Second // at the start of the machine it may be a little late
	restart := false
	err := setup.Stick(o.Stick, wait, func(folder string) (err error) {
		restart, err = c.fromFolder(ctx, folder, o, here, s, out)
		return err
	})
	if errors.Is(err, errAsBefore) {
		return nil // it stays in, and is looked at in each start
	}
	if err != nil || !restart {
		return err
	}
	return c.restart(ctx, o, out)
}

// fromFolder installs the newest bundle of a folder, and leaves the report there. restart: it is to be tried.
func (c Card) fromFolder(
	ctx context.Context, folder string, o Order, here Here, s slots, out io.Writer,
) (restart bool, err error) {
	found, err := bundles(folder)
	if err != nil || len(found) == 0 {
		if err == nil {
			fmt.Fprintf(out, "no bundle (*.raucb) in %s: nothing to do\n", folder)
		}
		return false, err
	}
	var said strings.Builder
	err = c.ofSeveral(ctx, folder, found, o, here, s, out, &said)
	state, unread := files{c.Data}.read()
	told := state.Tell(here)
	text := report(c.Version, said.String(), told, err)
	if written := writeReport(folder, text); written != nil {
		fmt.Fprintf(out, "the report could not be written: %v\n", written)
	}
	return err == nil && unread == nil, errors.Join(err, unread)
}

func (c Card) ofSeveral(
	ctx context.Context, folder string, found []string, o Order, here Here, s slots, out, said io.Writer,
) error {
	both := io.MultiWriter(out, said)
	best, err := newest(ctx, found, s.board, both)
	if err != nil {
		return err
	}
	beside := func(name string) bool { _, err := os.Stat(filepath.Join(folder, name)); return err == nil }
	o.NoWayBack = o.NoWayBack || beside(noBackName)
	if beside(againName) {
		// Once: with it there a version that fails would be tried in each start. A stick that can't be written
		// is not heard.
		if err := os.Remove(filepath.Join(folder, againName)); err != nil {
			fmt.Fprintf(both, "%s is not heard: it can't be removed: %v\n", againName, err)
		} else {
			o.Again = true
		}
	}
	path, err := c.copied(ctx, best)
	if err != nil {
		return err
	}
	err = c.one(ctx, path, filepath.Base(best), o, here, s, out)
	return errors.Join(err, os.Remove(path))
}

// report is what is left on the stick.
func report(version, said string, told Told, err error) string {
	var b strings.Builder
	switch {
	case errors.Is(err, errAsBefore):
	case err != nil:
		fmt.Fprintf(&b, "NOTHING was installed:\n\n  %v\n", err)
		if h := payment.HintOf(err); h != "" {
			fmt.Fprintf(&b, "      %s\n", h)
		}
	default:
		b.WriteString("Installed, and tried next: leave the stick in, and the result will be here.\n")
	}
	if told.Words != "" {
		fmt.Fprintf(&b, "\n%s.\n", told.Words)
		if told.Do != "" {
			fmt.Fprintf(&b, "    %s\n", told.Do)
		}
	}
	if said != "" {
		fmt.Fprintf(&b, "\n%s", said)
	}
	fmt.Fprintf(&b, "\nThis was written by %s. All times are by the terminal's clock.\n", version)
	return strings.TrimLeft(b.String(), "\n")
}

// writeReport leaves a text on a stick, with the ends of lines that every editor shows; one that stands there
// already is left alone.
func writeReport(folder, text string) error {
	at, data := filepath.Join(folder, reportName), []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	if now, err := os.ReadFile(at); err == nil && string(now) == string(data) {
		return nil
	}
	beside := at + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	if err := os.Rename(beside, at); err != nil {
		return err
	}
	return syncFolder(folder)
}
