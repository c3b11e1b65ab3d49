package cli_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/cli"
)

// TestDemoAddress has the demo's page at addresses that won't do: the hint names what the demo understands.
func TestDemoAddress(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := l.Addr().String()
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"--screen", taken}, []string{"already in use", "choose another with --screen\n"}},
		{[]string{"--screen-listen", taken}, []string{"already in use", "choose another with --screen-listen"}},
		{[]string{"--screen", "127.0.0.1:99999"}, []string{`"127.0.0.1:99999" won't do`, "an address and a port"}},
		{[]string{"--screen", taken, "--screen-listen", taken}, []string{"screen screen-listen"}},
	} {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), "test", append([]string{"demo", "--once"}, c.args...),
			cli.Streams{Out: &out, Err: &errs})
		for _, s := range c.says {
			if code == 0 || !strings.Contains(errs.String(), s) {
				t.Errorf("%v: %d, want %q in %s", c.args, code, s, errs.String())
			}
		}
	}
}
