//go:build !notflite

package rates_test

import (
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestMain lets this test program be the child that tries models, as smiletill itself is.
func TestMain(m *testing.M) { terminaltest.Main(m) }
