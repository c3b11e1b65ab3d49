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

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// source brings a bundle to the data partition, where nobody pulls it out and nobody else writes: a file, or
// what an address gives.
func (c Card) source(ctx context.Context, bundle string, out io.Writer) (path string, err error) {
	switch {
	case bundle == "":
		return "", config.Usage(payment.WithHint(errors.New("no bundle is named"),
			"name a file, a folder or an https address, or write --stick CONFIG"))
	case strings.Contains(bundle, "://"):
		return c.fetch(ctx, bundle, out)
	}
	return c.copied(ctx, bundle)
}

// copied copies a bundle to the data partition.
func (c Card) copied(ctx context.Context, bundle string) (path string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the bundle: %w", err)
		}
	}()
	from, err := os.Open(bundle)
	if err != nil {
		return "", err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", bundle)
	}
	if err := c.enough(info.Size()); err != nil {
		return "", err
	}
	path = files{c.Data}.path(bundleName)
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	n, err := io.Copy(to, &stoppable{ctx, from})
	if err == nil && n != info.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		err = payment.WithHint(err, "was the stick pulled out? Put it in and try again")
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// enough says no if a number of bytes does not fit on the data partition.
func (c Card) enough(bytes int64) error {
	left, err := free(c.Data)
	if err == nil && left < bytes+room {
		err = payment.WithHint(fmt.Errorf("no space for it on the data partition: %s are free, %s are needed",
			size(left), size(bytes+room)), "free some of "+c.Data)
	}
	return err
}

// stoppable ends reading when its context does.
type stoppable struct {
	ctx  context.Context
	from io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

// clean removes what an update that was cut short has left.
func (c Card) clean() error {
	err := os.Remove(files{c.Data}.path(bundleName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// mostBundles is how many bundles of a folder are looked at.
const mostBundles = 32

// bundles are those of a folder.
func bundles(folder string) (found []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("look for bundles: %w", err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.EqualFold(filepath.Ext(e.Name()), ".raucb") &&
			!strings.HasPrefix(e.Name(), ".") && len(found) < mostBundles {
			found = append(found, filepath.Join(folder, e.Name()))
		}
	}
	return found, nil
}

// newest picks the newest bundle for this board of several; what is not taken is told.
func newest(ctx context.Context, found []string, board string, out io.Writer) (string, error) {
	best, of := "", facts{}
	var wrong error
	for _, path := range found {
		f, err := look(ctx, path)
		if err == nil && f.Board != board {
			err = fmt.Errorf("%s: it is for %s, this card is for %s", filepath.Base(path), f.Board, board)
		}
		if err != nil {
			fmt.Fprintf(out, "left out: %v\n", err)
			wrong = errors.Join(wrong, err)
			continue
		}
		if best == "" || newer(path, f, best, of) {
			best, of = path, f
		}
	}
	if best == "" {
		return "", payment.WithHintf(fmt.Errorf("no bundle there is for this card: %w", wrong),
			"take one for %s, from whom this card takes updates", board)
	}
	return best, nil
}

// newer tells which of two bundles is: by version, or by time where these have no order.
func newer(path string, f facts, best string, of facts) bool {
	if order, ok := compare(f.Version, of.Version); ok && order != 0 {
		return order > 0
	}
	a, errA := os.Stat(path)
	b, errB := os.Stat(best)
	return errA == nil && errB == nil && a.ModTime().After(b.ModTime())
}
