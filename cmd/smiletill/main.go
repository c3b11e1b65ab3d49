// Command smiletill is a payment terminal that takes payment with a face.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"smiletill/cmd/smiletill/cli"
)

// version is set by the build (-ldflags -X main.version=...).
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, version, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
