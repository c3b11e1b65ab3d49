package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"smiletill/payment"
)

// Do is save, and says what was done.
func Do(ctx context.Context, out io.Writer, path string, s Source) error {
	m, err := save(ctx, path, s, time.Now())
	if err != nil {
		return err
	}
	faces := "without faces"
	if m.Faces {
		faces = "with faces"
	}
	_, err = fmt.Fprintf(out, "%s holds %s up to fact %d, %s\n", path, m.Terminal, m.Head.Seq, faces)
	for _, words := range m.Told {
		if err == nil {
			_, err = fmt.Fprintln(out, words)
		}
	}
	return err
}

// ShowKey is newKey, and shows the words, numbered.
func ShowKey(out, errs io.Writer, dataDir string, again bool) error {
	words, err := newKey(dataDir, again)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, w := range strings.Fields(words) {
		fmt.Fprintf(&b, "%2d. %-10s", i+1, w)
		if i%6 == 5 {
			b.WriteString("\n")
		}
	}
	// The words alone: whoever keeps them in a file restores with that file.
	if _, err = fmt.Fprint(out, &b); err == nil {
		_, err = fmt.Fprintln(errs, "\nwrite them down: they are shown this once, and kept nowhere")
	}
	return err
}

// PutBack is restoreInto of a file, and says what was done and what comes next. words is a file that has
// the 24 words, "-" for in, or empty: who sits at in is asked, unseen.
func PutBack(ctx context.Context, in io.Reader, out, errs io.Writer, path, words string, to Target) error {
	f, err := os.Open(path)
	if err != nil {
		return payment.WithHint(fmt.Errorf("restore: %w", err), "give the file that `smiletill backup` wrote")
	}
	defer f.Close()
	text, err := readWords(words, in, errs)
	if err != nil {
		return err
	}
	id, err := parseWords(text)
	if err != nil {
		return err
	}
	to.Now = time.Now()
	m, aside, err := restoreInto(ctx, f, id, to)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s as of %s, up to fact %d\nwhat was here is kept in %s\n\nnext: look at "+
		"%s/settings, then start the terminal; it asks the cloud whether payments are missing\n", m.Terminal,
		m.Made.Local().Format(time.DateTime), m.Head.Seq, aside, to.Data)
	return err
}

// wordsMax is more than 24 words and their numbers, in bytes.
const wordsMax = 4096

func readWords(from string, in io.Reader, errs io.Writer) (string, error) {
	if from != "" && from != "-" {
		text, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			return "", payment.WithHint(fmt.Errorf("read the words: %w", err), "name the file that has them, or -")
		}
		return string(text), err
	}
	if f, ok := in.(*os.File); ok && from == "" && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(errs, "The 24 words, in their order: ")
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(errs)
		return string(text), err
	}
	text, err := io.ReadAll(io.LimitReader(in, wordsMax))
	return string(text), err
}
