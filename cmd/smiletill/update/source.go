package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"smiletill/cmd/smiletill/config"
)

// source gives the file of a bundle. fetched: it is below the data folder, and to be removed.
func (c Card) source(
	ctx context.Context, o Order, here Here, s slots, out io.Writer,
) (path string, fetched bool, err error) {
	if o.Bundle == "" {
		return "", false, config.Usage(errors.New("no bundle is named"))
	}
	path, err = filepath.Abs(o.Bundle)
	if err != nil {
		return "", false, fmt.Errorf("find the bundle: %w", err)
	}
	return path, false, nil
}

func (c Card) fromStick(ctx context.Context, o Order, here Here, s slots, out io.Writer) error {
	return errors.New("not yet")
}
