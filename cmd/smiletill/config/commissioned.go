package config

import (
	"errors"
	"fmt"
	"strings"

	"smiletill/payment"
)

// demoTenant is whose terminal it is where nobody has said so.
const demoTenant = "demo"

// Commissioned says why a terminal with these settings may take no payments yet, or nil. Whose terminal it
// is stands in each payment's fact and is its address at the cloud: payments of terminals that were only
// installed would be nobody's, and those of two of them each other's.
func (c *Config) Commissioned() error {
	var missing []string
	if c.Terminal.Tenant == demoTenant {
		missing = append(missing, "terminal.tenant")
	}
	for _, name := range []string{"terminal.site", "terminal.id"} {
		if c.Origin(name) == "default" {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	file := c.file
	if file == "" {
		file = SystemFile
	}
	then := "then start the terminal again"
	if file == SystemFile {
		then = "then `sudo systemctl restart smiletill`"
	}
	return payment.WithHintf(
		errors.New("this terminal is not set up: nobody has said whose it is and where it stands"),
		"write %s into %s (whose terminal, which shop, its name there; tenant \"test\" to try it out), look at "+
			"[camera], [board] and [mqtt], %s. "+
			"With a cloud's address in claim.cloud its screen shows a code instead, by which the cloud gives all "+
			"that. To try it out without that: `smiletill demo`", list(missing), file, then)
}

// list is names as a sentence has them.
func list(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s and %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}
