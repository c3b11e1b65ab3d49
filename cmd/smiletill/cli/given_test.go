package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestGiven: what is given and empty, negative or too little is the command line's fault, and is told in the
// user's words; nothing is asked of a terminal.
func TestGiven(t *testing.T) {
	t.Setenv("SMILETILL_CONFIG", "")
	socket := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"reverse", "a1", ""}, "AMOUNT is given and empty"},
		{[]string{"reverse", ""}, "PAYMENT is given and empty"},
		{[]string{"reverse", "a1", "1", "--id", ""}, "--id is given and empty"},
		{[]string{"reverse", "a1", "1", "--id="}, "--id is given and empty"},
		{[]string{"pay", ""}, "AMOUNT is given and empty"},
		{[]string{"pay", "1", ""}, "CURRENCY is given and empty"},
		{[]string{"pay", "1", "--id", ""}, "--id is given and empty"},
		{[]string{"register", "reverse", "T", ""}, "AMOUNT is given and empty"},
		{[]string{"register", "pay", "1", "--service-id", ""}, "--service-id is given and empty"},
		{[]string{"register", "pay", "1", "--tip", ""}, "--tip is given and empty"},
		{[]string{"register", "pay", "1", "--fingerprint", ""}, "--fingerprint is given and empty"},
		{[]string{"register", "pair", "x", "--passphrase-file", ""}, "--passphrase-file is given and empty"},
		{[]string{"register", "status", ""}, "SERVICE_ID is given and empty"},
		{[]string{"reverse", "a1", "-1"}, "-1 is negative"},
		{[]string{"pay", "-1.50"}, "-1.50 is negative"},
		{[]string{"reverse"}, "smiletill reverse takes PAYMENT [AMOUNT], and nothing was given"},
		{[]string{"customers", "block", "c_x"}, "smiletill customers block wants --why"},
		{[]string{"vending", "test"}, "smiletill vending test wants --price"},
		{[]string{"pay", "1", "EUR", "x"}, "smiletill pay takes AMOUNT [CURRENCY], and 3 words were given"},
		{[]string{"pay", "1.50EUR"}, "\"1.50EUR\": not a plain decimal number\nhint:  write the number and"},
	} {
		var out bytes.Buffer
		args := append(c.args, "--paths-control-socket", socket)
		code := Run(t.Context(), "v", args, Streams{Out: &out, Err: &out})
		if told := out.String(); code != exitUsage || !strings.Contains(told, c.want) ||
			!strings.Contains(told, "hint:") {
			t.Errorf("%q: exit code %d, %q, want %d, %q", c.args, code, out.String(), exitUsage, c.want)
		}
	}
	// A reference may be empty: it means none.
	var out bytes.Buffer
	if code := Run(t.Context(), "v", []string{"pay", "1", "--reference", "", "--paths-control-socket", socket},
		Streams{Out: &out, Err: &out}); code != exitFailed || !strings.Contains(out.String(), "nothing listens") {
		t.Errorf("%d %s", code, &out)
	}
}
