package config

import "testing"

// Keys are sealed where somebody has asked for it, and nowhere else.
func TestNoTPMAsShipped(t *testing.T) {
	if got := Default().Security.TPM; got != TPMOff {
		t.Errorf("a terminal that nobody asked seals to %q", got)
	}
}
