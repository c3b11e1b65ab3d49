package reporting_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/reporting"
)

// A terminal's name in its reports comes from three settings.
func ExampleAddress() {
	cfg := config.Default()
	cfg.Terminal.Tenant, cfg.Terminal.Site, cfg.Terminal.ID = "cafe", "berlin-1", "till-3"
	fmt.Println(reporting.Address(cfg).Source())
	// Output:
	// smiletill:/cafe/berlin-1/till-3
}
