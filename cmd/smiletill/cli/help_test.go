package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp holds what every command says of itself, with its flags and their defaults, against
// testdata/help.txt: scripts and handbooks stand on it. GOLDEN=1 writes the file anew.
func TestHelp(t *testing.T) {
	t.Setenv("SMILETILL_CONFIG", "")
	var all bytes.Buffer
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		var out bytes.Buffer
		code := Run(t.Context(), "golden", append(path, "--help"), Streams{Out: &out, Err: &out})
		if code != exitOK {
			t.Errorf("%v --help: exit code %d", path, code)
		}
		fmt.Fprintf(&all, "=== %s\n%s\n", c.CommandPath(), out.String())
		for _, sub := range c.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" { // cobra's own
				walk(sub)
			}
		}
	}
	walk(rootCommand("golden"))
	// As many workers as the machine has processors.
	got := regexp.MustCompile(`(?m)(each with its own networks \(default )\d+\)`).
		ReplaceAllString(all.String(), "${1}N)")
	file := filepath.Join("testdata", "help.txt")
	if os.Getenv("GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	is, was := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(is), len(was)) {
		if is[i] != was[i] {
			t.Fatalf("line %d of the help is\n%s\nand was\n%s\n(GOLDEN=1 takes it)", i+1, is[i], was[i])
		}
	}
	if len(is) != len(was) {
		t.Errorf("the help has %d lines, and had %d (GOLDEN=1 takes it)", len(is), len(was))
	}
}
