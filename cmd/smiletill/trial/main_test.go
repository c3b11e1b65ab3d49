//go:build !notflite

package trial_test

import (
	"bytes"
	"testing"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestMain lets this test program be the child that tries models and delegate libraries, as smiletill itself
// is.
func TestMain(m *testing.M) { terminaltest.Main(m) }

func newShop(t *testing.T) *terminaltest.Shop {
	t.Helper()
	return terminaltest.New(t)
}

func smiletill(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), "test", args, cli.Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}
