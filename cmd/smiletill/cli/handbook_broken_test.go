package cli

import (
	"strings"
	"testing"
)

// TestHandbookCommandsCanFail shows lines that are wrong to what holds the handbooks against the program, and
// right ones of each kind.
func TestHandbookCommandsCanFail(t *testing.T) {
	makefile := text(t, "Makefile")
	for _, c := range []struct{ text, why string }{
		{"    smiletill frobnicate", "unknown command"},
		{"    sudo smiletill journal shred", "no such command"},
		{"    smiletill board paint", "no such command"},
		{"    smiletill board", "no such command"},
		{"    .build/bin/smiletill pay 1.50 EUR --tip 0.20", "unknown flag: --tip"},
		{"    smiletill pay", "accepts between 1 and 2 arg"},
		{"    smiletill customers remove", "accepts 1 arg"},
		{"    smiletill models card smile", "not smile"},
		{"    smiletill totals --json yes", "unknown command"},
		{"    smiletill journal list -n many", "invalid argument"},
		{"    smiletill journal list | less && smiletill gone", "unknown command"},
		{"    smiletill totals   # by day; --weekly", "--weekly"},
		{"1. A step:\n\n       smiletill enrol --twice NAME", "unknown flag"},
		{"```sh\nsmiletill gone\n```", "unknown command"},
		{"See `smiletill models burn`.", "no such command"},
		{"As root `sudo smiletill gone ...`.", "unknown command"},
		{"See `smiletill pay --quietly`, which", "unknown flag"},
		{"Over the end of a line: `smiletill\nregister pear NAME`.", "no such command"},
		{"    make coffee", "no target coffee"},
		{"`make demo TWICE=1`", "no TWICE"},
		{`    eval "$(make tea)"`, "no target tea"},

		{"    smiletill config --example > /etc/smiletill/smiletill.toml", ""},
		{"    smiletill enrol --again ID   # or with photos", ""},
		{"    A=1 sudo smiletill board show pi4 > board.toml", ""},
		{"`smiletill register ...`, `smiletill camera`, `smiletill pay`, `smiletill register pay --tip`", ""},
		{"`make sim SIM_SEED=7` and `make accuracy FACES=<folder> ARGS=\"--singles\"`", ""},
		{"```go\nsmiletill gone\n```\n\nthe make of it, `smiletill`", ""},
	} {
		var got []string
		for _, s := range commands(paper{"broken.md", c.text}) {
			if why := mistaken(s, makefile); why != "" {
				got = append(got, why)
			}
		}
		if c.why == "" && len(got) > 0 || c.why != "" && !strings.Contains(strings.Join(got, "\n"), c.why) {
			t.Errorf("%q: %q, want %q", c.text, got, c.why)
		}
	}
}
