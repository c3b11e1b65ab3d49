package claiming_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// A terminal that nobody has named, and whose settings name a cloud, takes no payments before it is claimed.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "till")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	cfg := config.Default()
	cfg.Paths.DataDir, cfg.Claim.Cloud = folder, "https://cloud.example:8444"
	c, err := claiming.New(cfg, "1", slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Wanted())
	do, _, _ := strings.Cut(payment.HintOf(c.Wanted()), " (")
	fmt.Println(do)
	// Output:
	// this terminal is not claimed yet
	// type the code on its screen into the page of the cloud
}
