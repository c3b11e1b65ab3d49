package control_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// closed is a terminal that is out of order.
type closed struct{}

func (closed) Reload(context.Context) error {
	return payment.WithHint(payment.ErrOutOfOrder, "plug the camera in")
}

func (closed) Calibrate(context.Context, func(string)) (control.Delay, error) {
	return control.Delay{}, errors.New("closed")
}

func (closed) Hold(context.Context, time.Duration, func(string)) error { return nil }

func (closed) Registers(context.Context) error { return nil }

func (closed) ResetTamper(context.Context) error { return nil }

func (closed) Status(context.Context) (control.Status, error) { return control.Status{}, nil }

// Both ends of the socket: an error arrives with its hint.
func Example() {
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	s, err := control.Listen(socket)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, control.Doors{Service: closed{}}) }()
	c := control.NewClient(socket)
	err = c.Reload(ctx)
	fmt.Println(err)
	fmt.Println(payment.HintOf(err))
	fmt.Println(c.ResetTamper(ctx))
	stop()
	fmt.Println(<-ended)
	// Output:
	// terminal is out of order
	// plug the camera in
	// <nil>
	// <nil>
}
