package till

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"smiletill/cmd/smiletill/control"
)

// Typist reads PINs from a terminal, unseen, while somebody else may enter them on the screen: it never
// waits for a line that nobody types. The zero value is ready.
type Typist struct {
	f      *os.File
	before *term.State
	out    io.Writer
	asked  bool // a prompt stands on the screen without its end of line
}

// Start asks, if in is a terminal.
func (t *Typist) Start(in io.Reader, out io.Writer) bool {
	if t.f != nil {
		return true
	}
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return false
	}
	// What term.ReadPassword sets: no echo, but lines and Ctrl-C as ever.
	unseen, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return false
	}
	unseen.Lflag &^= unix.ECHO
	if unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, unseen) != nil {
		return false
	}
	t.f, t.before, t.out = f, before, out
	t.ask("PIN, if it is entered here: ")
	return true
}

func (t *Typist) ask(prompt string) {
	fmt.Fprint(t.out, prompt)
	t.asked = true
}

// NewLine ends a prompt that something else is told after: the PIN was entered on the screen, say.
func (t *Typist) NewLine() {
	if t.asked {
		fmt.Fprintln(t.out)
		t.asked = false
	}
}

// Next gives a line if one was typed.
func (t *Typist) Next() (string, bool) {
	ready := []unix.PollFd{{Fd: int32(t.f.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(ready, 0); err != nil || n == 0 {
		return "", false
	}
	buffer := make([]byte, 64) // the terminal gives whole lines
	n, err := t.f.Read(buffer)
	if err != nil || n == 0 || buffer[n-1] != '\n' {
		return "", false
	}
	fmt.Fprintln(t.out)
	t.asked = false
	return string(buffer[:n-1]), true
}

// Stop gives the terminal back as it was.
func (t *Typist) Stop() {
	if t.f == nil {
		return
	}
	_ = term.Restore(int(t.f.Fd()), t.before) // there is nothing else to try
	t.NewLine()
}

// Enter takes a typed PIN to the terminal and says if it was wrong; the payment's own course says the rest.
func (t *Typist) Enter(ctx context.Context, c *control.Client, id, digits string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	switch p, err := c.EnterPIN(ctx, id, digits); {
	case err != nil && !errors.Is(err, context.Canceled):
		fmt.Fprintf(t.out, "the PIN was not taken: %v\n", err)
		t.ask("PIN: ")
	case p.PINWrong:
		t.ask("wrong PIN, try again: ")
	}
}
