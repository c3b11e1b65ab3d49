package flash

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Ask shows what is erased and asks for a word that nobody types by the way.
func Ask(in io.Reader, out io.Writer, d Disk) (bool, error) {
	fmt.Fprintf(out, "ALL of this is erased:\n  %s\nType erase to go on: ", d)
	line, err := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	if errors.Is(err, io.EOF) {
		fmt.Fprintln(out)
	}
	return strings.EqualFold(strings.TrimSpace(line), "erase"), nil
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
