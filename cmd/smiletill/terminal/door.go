package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"smiletill/payment"
)

// doorRetry is the time between attempts to listen.
const doorRetry = 2 * time.Second

// keepServing calls serve again and again until ctx ends. What is wrong is told to failed each time, and
// logged with what that means when it is new.
func keepServing(
	ctx context.Context, log *slog.Logger, means string, serve func(context.Context) error, failed func(error),
) {
	told := ""
	for ctx.Err() == nil {
		if err := serve(ctx); err != nil && ctx.Err() == nil {
			failed(err)
			if told != err.Error() {
				told = err.Error()
				log.Error(means, "err", err, "hint", payment.HintOf(err))
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(doorRetry):
		}
	}
}

// listenFor listens at the address that an option says.
func listenFor(whom, address, option string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		err = fmt.Errorf("listen for %s: %w", whom, err)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = payment.WithHintf(err, "another program uses this port: stop it, or choose another with %s", option)
		}
		return nil, err
	}
	return l, nil
}
