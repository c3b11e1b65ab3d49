package flash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Ask shows what is erased and asks for a word that nobody types by the way.
// Who presses Ctrl-C has said no.
func Ask(ctx context.Context, in io.Reader, out io.Writer, d Disk) (bool, error) {
	fmt.Fprintf(out, "ALL of this is erased:\n  %s\nType erase to go on: ", d)
	type answer struct {
		line string
		err  error
	}
	typed := make(chan answer, 1)
	go func() { // it ends with the process, if nobody types
		line, err := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
		typed <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(out)
		return false, nil
	case a := <-typed:
		if errors.Is(a.err, io.EOF) {
			fmt.Fprintln(out)
			a.err = nil
		}
		if a.err != nil {
			return false, fmt.Errorf("read the answer: %w", a.err)
		}
		return strings.EqualFold(strings.TrimSpace(a.line), "erase"), nil
	}
}

// Steps shows how far it is: on a terminal in one line, else a line for each part.
func Steps(out io.Writer) func(part string, done, all int64) {
	f, ok := out.(*os.File)
	here := ok && term.IsTerminal(int(f.Fd()))
	last, shown, start := "", time.Time{}, time.Now()
	return func(part string, done, all int64) {
		if part != last {
			start, shown = time.Now(), time.Time{}
			if !here {
				fmt.Fprintln(out, part)
			}
			last = part
		}
		if !here || time.Since(shown) < 200*time.Millisecond && done < all {
			return
		}
		shown = time.Now()
		speed := float64(done) / 1e6 / max(time.Since(start).Seconds(), 0.001)
		fmt.Fprintf(out, "\r%-10s %3d %%  %s of %s, %.0f MB/s   ", part, 100*done/max(all, 1), sized(done),
			sized(all), speed)
		if done == all {
			fmt.Fprintln(out)
		}
	}
}
