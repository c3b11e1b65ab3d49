package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// ConfirmRemoval shows whom it is about and has the id typed once more: a face that is gone can't be put
// back.
func ConfirmRemoval(ctx context.Context, in io.Reader, out io.Writer, of Desk, id string) error {
	all, err := of.Customers(ctx)
	// A removal waits for nothing, not for the names either.
	whom := fmt.Sprintf("%s (no more can be told of the customer now: %v)", id, err)
	i := slices.IndexFunc(all, func(c control.Customer) bool { return c.ID == id })
	switch {
	case i >= 0:
		whom = all[i].Name + ", enrolled " + all[i].EnrolledAt.Local().Format(time.DateTime)
	case err == nil:
		return payment.WithHint(control.ErrUnknownCustomer, "`smiletill customers list` lists them")
	}
	fmt.Fprintf(out, "This deletes the face and the PIN of %s; only enrolling anew "+
		"brings them back.\nType the id once more to remove it: ", whom)
	line, err := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(line) != id {
		return payment.WithHint(errors.New("that is not the id; nothing was removed"), "run the command again")
	}
	return nil
}
