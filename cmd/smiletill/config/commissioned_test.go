package config

import (
	"strings"
	"testing"

	"smiletill/payment"
)

// TestCommissioned holds what a package installs against what a shop has written down.
func TestCommissioned(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		args       []string
		missing    string // "": it may take payments
	}{
		{name: "nothing", missing: "terminal.tenant, terminal.site and terminal.id"},
		{name: "the example as it is", file: Example, missing: "terminal.tenant"},
		{name: "the tenant alone", file: "[terminal]\ntenant = \"acme\"\n",
			missing: "terminal.site and terminal.id"},
		{name: "without an id", file: "[terminal]\ntenant = \"acme\"\nsite = \"shop\"\n", missing: "terminal.id"},
		{name: "whole", file: "[terminal]\ntenant = \"acme\"\nsite = \"shop\"\nid = \"till-1\"\n"},
		{name: "by flags", args: []string{"--terminal-tenant=acme", "--terminal-site=a", "--terminal-id=b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := ""
			if tc.file != "" {
				path = writeConfig(t, tc.file)
			}
			c, err := loadConfig(path, boundFlags(t, tc.args...), nil, bareMachine(t))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Commissioned()
			said := strings.Contains(payment.HintOf(err), "write "+tc.missing+" into "+path)
			switch {
			case tc.missing == "" && err != nil:
				t.Errorf("it may take none: %v", err)
			case tc.missing != "" && (err == nil || !said):
				t.Errorf("%v; %s", err, payment.HintOf(err))
			}
		})
	}
	if c := Default(); c.Board.Kind == "simulated" {
		t.Error("a terminal is a simulation where nobody has said so")
	}
}
