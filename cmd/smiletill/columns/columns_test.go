package columns_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"smiletill/cmd/smiletill/columns"
)

// TestWidths: columns stand below each other on a screen, whatever script their cells are in.
func TestWidths(t *testing.T) {
	var b strings.Builder
	w := columns.New(&b)
	for _, name := range []string{"Ada", "日本語", "Zoe\u0308", "می\u200cخواهم", "👩\u200d🍳 cook", "ก็"} {
		fmt.Fprintf(w, "%s\tend\n", name)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(b.String()) {
		before, _, _ := strings.Cut(l, "end")
		if got := columns.Width(before); got != 9 {
			t.Errorf("%q ends at column %d", l, got)
		}
	}
}

// TestAsTabwriter: with letters that are one column wide it does what text/tabwriter does.
func TestAsTabwriter(t *testing.T) {
	for _, text := range []string{
		"ID\tNAME\tSTATE\n1\tAda\tok\n22\tGrace Hopper\tunusable: no\n",
		"a\tb\tc\t\nlong cell\t\tx\t\nno tabs at all\nd\te\n", "\n\n", "last without end\tx", "", "a\t\n\tb\n",
	} {
		for _, right := range []bool{false, true} {
			for _, least := range []int{0, 10} {
				var want, got strings.Builder
				flags := uint(0)
				if right {
					flags = tabwriter.AlignRight
				}
				theirs := tabwriter.NewWriter(&want, least, 8, 2, ' ', flags)
				ours := &columns.Writer{Out: &got, Right: right, Min: least}
				fmt.Fprint(theirs, text)
				fmt.Fprint(ours, text)
				if err := theirs.Flush(); err != nil {
					t.Fatal(err)
				}
				if err := ours.Flush(); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("%q right=%v min=%d:\n%s\nwant\n%s", text, right, least, got.String(), want.String())
				}
			}
		}
	}
}

func Example() {
	w := columns.New(os.Stdout)
	fmt.Fprint(w, "NAME\tPIN\n陳\tyes\nZoë\tno\n")
	_ = w.Flush() // to a terminal
	// Output:
	// NAME  PIN
	// 陳    yes
	// Zoë   no
}
