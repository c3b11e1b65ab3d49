package doctor

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// LogsHelp is what `smiletill logs --help` says.
const LogsHelp = `Print what the terminal has written down of what it did, as lines to read, the newest last.
It is taken from the journal of systemd, or from FILE (- is the standard input) where there is none.
Passwords, keys and PINs are left out. --since takes 2h, 2026-11-30 or "2026-11-30 14:00".`

// Logs are the lines of a service's log that somebody wants to see.
type Logs struct {
	File   string // "" is the journal of systemd, "-" the standard input
	Since  string // how long ago, or a local time; "" is a day
	Follow bool   // go on with what comes
	Redact Redactor
}

// units are those whose lines are shown.
const units = "smiletill*"

// lineMost bounds a line of a log in bytes; what is longer is cut off.
const lineMost = 32 << 10

// line is one of a log.
type line struct {
	at    time.Time // zero: it does not say
	level string    // error, warn, info, debug or ""
	text  string
	more  []string // key=value
	hint  string
	plain bool // it was any text: its words are of no list
}

// Print writes the lines until there are no more, or with Follow until ctx ends.
func (l Logs) Print(ctx context.Context, in io.Reader, out io.Writer) error {
	from, err := l.from(time.Now())
	if err != nil {
		return err
	}
	return l.each(ctx, in, from, func(one line) error {
		if !one.at.IsZero() && one.at.Before(from) {
			return nil
		}
		_, err := io.WriteString(out, one.String(l.Redact))
		return err
	})
}

// from is the moment that the lines begin at.
func (l Logs) from(now time.Time) (time.Time, error) {
	if l.Since == "" {
		return now.Add(-24 * time.Hour), nil
	}
	if ago, err := time.ParseDuration(l.Since); err == nil {
		return now.Add(-ago.Abs()), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime} {
		if at, err := time.ParseInLocation(layout, l.Since, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, config.Usage(payment.WithHint(fmt.Errorf("--since %q is no time", l.Since),
		`write 2h, 2026-11-30 or "2026-11-30 14:00"`))
}

func (l Logs) each(ctx context.Context, in io.Reader, from time.Time, tell func(line) error) error {
	switch l.File {
	case "":
		return journalctl(ctx, []string{"-u", units}, from, l.Follow, tell)
	case "-":
		return eachLine(in, func(text []byte) error { return tell(parseLine(text)) })
	}
	f, err := os.Open(l.File)
	if err != nil {
		return payment.WithHint(fmt.Errorf("read the log: %w", err), config.PermissionHint(err))
	}
	defer f.Close()
	for {
		err := eachLine(f, func(text []byte) error { return tell(parseLine(text)) })
		if err != nil || !l.Follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// journalctl reads the journal of systemd by its own program.
func journalctl(
	ctx context.Context, what []string, from time.Time, follow bool, tell func(line) error,
) error {
	args := append([]string{"-o", "json", "--no-pager", "-q",
		"--since", "@" + strconv.FormatInt(from.Unix(), 10)}, what...)
	if follow {
		args = append(args, "-f")
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return payment.WithHint(errors.New("there is no journal of systemd on this machine"),
			"name the file that the terminal's output goes to: `smiletill logs FILE`; - is the standard input")
	} else if err != nil {
		return fmt.Errorf("read the journal of systemd: %w", err)
	}
	told := eachLine(out, func(text []byte) error {
		if one, ok := parseEntry(text); ok {
			return tell(one)
		}
		return nil
	})
	if told != nil {
		_ = cmd.Process.Kill() // nobody reads on
	}
	err = cmd.Wait()
	switch {
	case told != nil:
		return told
	case ctx.Err() != nil:
		return nil // whoever followed has had enough
	case err != nil:
		return payment.WithHint(fmt.Errorf("read the journal of systemd: %w: %s", err,
			strings.TrimSpace(said.String())), "put sudo before the command")
	}
	return nil
}

// eachLine reads lines, of each at most lineMost bytes.
func eachLine(r io.Reader, tell func([]byte) error) error {
	lines := bufio.NewReaderSize(r, lineMost)
	for rest := false; ; {
		text, more, err := lines.ReadLine()
		if len(text) > 0 && !rest {
			if err := tell(text); err != nil {
				return err
			}
		}
		rest = more
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

// parseEntry reads an entry of systemd's journal; a MESSAGE that is no text is an array of bytes there.
func parseEntry(text []byte) (one line, ok bool) {
	var e struct {
		Message  json.RawMessage `json:"MESSAGE"`
		At       string          `json:"__REALTIME_TIMESTAMP"`
		Priority string          `json:"PRIORITY"`
		Unit     string          `json:"_SYSTEMD_UNIT"`
		About    string          `json:"UNIT"`
	}
	if json.Unmarshal(text, &e) != nil {
		return line{}, false
	}
	var message string
	if json.Unmarshal(e.Message, &message) != nil {
		var raw []uint16 // of bytes, as numbers
		if json.Unmarshal(e.Message, &raw) != nil {
			return line{}, false
		}
		for _, b := range raw {
			message += string([]byte{byte(b)})
		}
	}
	one = parseLine([]byte(message))
	if micro, err := strconv.ParseInt(e.At, 10, 64); err == nil {
		one.at = time.UnixMicro(micro)
	}
	if one.level == "" {
		one.level = priority(e.Priority)
	}
	one.plain = one.plain && e.Unit != "init.scope" // systemd's own lines tell of units alone
	unit := strings.TrimSuffix(cmp.Or(e.About, e.Unit), ".service")
	if unit != "" && unit != "smiletill" && unit != "init.scope" {
		one.text = unit + ": " + one.text
	}
	return one, true
}

// priority is the word for one of syslog's.
func priority(n string) string {
	switch n {
	case "0", "1", "2", "3":
		return "error"
	case "4":
		return "warn"
	case "7":
		return "debug"
	}
	return "info"
}

// parseLine reads a line of the terminal's own, JSON as a service writes it, or any other text.
func parseLine(text []byte) line {
	text = bytes.ToValidUTF8(text, []byte("?"))
	fields := map[string]any{}
	if json.Unmarshal(text, &fields) != nil || fields["msg"] == nil {
		return line{text: strings.TrimSpace(string(text)), plain: true}
	}
	take := func(key string) string {
		v, there := fields[key]
		delete(fields, key)
		if !there {
			return ""
		}
		return fmt.Sprint(v)
	}
	one := line{level: strings.ToLower(take("level")), text: take("msg"), hint: take("hint")}
	one.at, _ = time.Parse(time.RFC3339Nano, take("time")) // a line that does not say is shown
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := fmt.Sprint(fields[key])
		if deep, ok := fields[key].(map[string]any); ok {
			raw, _ := json.Marshal(deep) // it was JSON
			value = string(raw)
		}
		if strings.ContainsAny(value, " \"=") {
			value = strconv.Quote(value)
		}
		one.more = append(one.more, key+"="+value)
	}
	return one
}

// String is the line as people read it: local time, level, words, and what they are of.
func (l line) String(r Redactor) string {
	var b strings.Builder
	when := strings.Repeat(" ", len(time.DateTime))
	if !l.at.IsZero() {
		when = l.at.Local().Format(time.DateTime)
	}
	level := map[string]string{"error": "ERROR", "warn": "WARNING"}[l.level]
	fmt.Fprintf(&b, "%s  %-7s  %s", when, cmp.Or(level, l.level), r.Text(printable(l.text)))
	if len(l.more) > 0 {
		fmt.Fprintf(&b, "  (%s)", r.Text(printable(strings.Join(l.more, " "))))
	}
	b.WriteString("\n")
	if l.hint != "" {
		fmt.Fprintf(&b, "%*s-> %s\n", len(time.DateTime)+11, "", r.Text(printable(l.hint)))
	}
	return b.String()
}

// printable keeps what a log holds from moving a terminal's cursor.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '\t' || c == '\n' {
			return ' '
		}
		if c < 0x20 || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return -1
		}
		return c
	}, text)
}
