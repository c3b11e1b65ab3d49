//go:build !notflite

package trial_test

import (
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestMain lets this test program be the child that tries models and delegate libraries, as smiletill itself
// is.
func TestMain(m *testing.M) { terminaltest.Main(m) }

func newShop(t *testing.T) *terminaltest.Shop {
	t.Helper()
	return terminaltest.New(t)
}
