package setup

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smiletill/payment"
)

const reportName = "setup-report.txt"

func reportPath(settings string) string { return filepath.Join(filepath.Dir(settings), reportName) }

const clock = "2006-01-02 15:04 MST"

// success is the report of a file that was taken over; way is how to log in.
func success(path string, m memory, wifi trouble, way string, addresses []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s was taken over, %s by this terminal's clock:\n\n", filepath.Base(path),
		m.At.UTC().Format(clock))
	for _, l := range m.Lines {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	if wifi.what != "" {
		fmt.Fprintf(&b, "\nNOT CONNECTED: %s.\n      %s; then start the terminal with it once more.\n", wifi.what,
			wifi.instead)
	}
	if m.Host != "" {
		fmt.Fprintf(&b, "\nThe terminal is %s.local in the shop's network.\n", m.Host)
	}
	if way != "" {
		b.WriteString("\n" + way)
	}
	if len(addresses) > 0 {
		fmt.Fprintf(&b, "\nIts addresses when this was written:\n\n  %s\n", strings.Join(addresses, "\n  "))
	}
	again := "To change something, write it there"
	if len(m.Digests) > 1 && m.Digests[0] != m.Digests[1] {
		again = "The Wi-Fi password was erased from the file. To change something, write it there\n" +
			"(and the password again)"
	}
	fmt.Fprintf(&b, "\n%s and start the terminal with it once more. %s\n", again, m.mark())
	return b.String()
}

// refusal is the report of a file with mistakes.
func refusal(path string, problems []problem, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b,
		"NOTHING of %s was taken over, %s by this terminal's clock. What is wrong (line:column):\n\n",
		filepath.Base(path), now.UTC().Format(clock))
	for _, p := range problems {
		fmt.Fprintf(&b, "  %s: %s\n      %s\n", p.Where, p.What, p.Instead)
	}
	b.WriteString("\nMend that, save the file and start the terminal with it again.\n")
	return b.String()
}

// stopped leaves a report of what stood in the way on the terminal's own side, and gives the error back.
func stopped(path string, err error, now time.Time) error {
	text := fmt.Sprintf("%s could NOT be taken over whole, %s by this terminal's clock:\n\n  %v\n      %s\n\n"+
		"Its next start begins it again.\n", filepath.Base(path), now.UTC().Format(clock), err, hintOf(err))
	return errors.Join(err, report(path, text))
}

// report leaves a text beside the settings, with the ends of lines that every editor shows.
func report(settings, text string) error {
	at := reportPath(settings)
	err := replace(change{at, []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o644})
	return payment.WithHint(err,
		"is the stick write-protected, or full? What was said is in the terminal's log too")
}

// mark is what a report names the settings by that it speaks of: clocks without a battery tell the same time
// at each start. It is of the text without the password.
func (m memory) mark() string {
	const enough = 12
	if last := len(m.Digests) - 1; last >= 0 && len(m.Digests[last]) >= enough {
		return "(settings " + m.Digests[last][:enough] + ")"
	}
	return "(settings)"
}

// isReported tells whether a report stands there that speaks of these settings.
func (m memory) isReported(at string) bool {
	text, err := os.ReadFile(at)
	return err == nil && strings.Contains(string(text), m.mark()) && strings.Contains(string(text),
		"was taken over")
}

// addresses are those of the machine's cards, as a router's list has them too.
func addresses() []string {
	cards, err := net.Interfaces()
	if err != nil {
		return []string{errors.Join(errors.New("can't be seen"), err).Error()}
	}
	var all []string
	for _, c := range cards {
		if c.Flags&net.FlagLoopback != 0 || len(c.HardwareAddr) == 0 {
			continue
		}
		line := c.Name + " " + c.HardwareAddr.String()
		list, _ := c.Addrs() // without any, the card's own number has to do
		for _, a := range list {
			line += " " + a.String()
		}
		all = append(all, line)
	}
	return all
}
