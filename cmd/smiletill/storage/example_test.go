package storage_test

import (
	"fmt"
	"log/slog"
	"syscall"

	"smiletill/cmd/smiletill/storage"
	"smiletill/payment"
)

// A write fails: that is what the terminal says until one works.
func ExampleHealth() {
	h := storage.New(slog.New(slog.DiscardHandler), func() {})
	fmt.Println(h.Worst())
	h.Told("the journal")(fmt.Errorf("append: %w", syscall.ENOSPC))
	fmt.Println(h.Worst())
	fmt.Println(payment.HintOf(h.Worst()))
	// Output:
	// <nil>
	// the journal can't be written: append: no space left on device
	// free some space on the disk; the terminal goes on by itself then
}
