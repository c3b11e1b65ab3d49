package update_test

import (
	"fmt"
	"log/slog"

	"smiletill/cmd/smiletill/update"
)

func ExampleKeeper() {
	k := update.NewKeeper("/nowhere", slog.New(slog.DiscardHandler), func() {})
	fmt.Println(k.Wrong(), k.Trying(), k.Words() == "")
	// Output:
	// <nil> false true
}
