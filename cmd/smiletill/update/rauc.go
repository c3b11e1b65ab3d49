package update

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"smiletill/payment"
)

// raucDoes is how long a question to RAUC may take; an installation may take as long as it needs.
const raucDoes = 2 * time.Minute

const byPackage = "only a card is updated so; another machine by its package: " +
	"`sudo apt install ./smiletill_*.deb`"

// slots is what RAUC says of the card.
type slots struct {
	board  string
	booted string            // A or B
	holds  map[string]string // by slot, the version that RAUC installed there last; "" where it installed none
}

// other is the slot that does not run.
func (s slots) other() string {
	if s.booted == "A" {
		return "B"
	}
	return "A"
}

// askSlots asks RAUC what there is. A machine without slots is told how it is updated.
func (c Card) askSlots(ctx context.Context) (slots, error) {
	if err := c.isCard(); err != nil {
		return slots{}, err
	}
	out, err := rauc(ctx, "status", "--detailed", "--output-format=json")
	if err != nil {
		return slots{}, payment.WithHint(fmt.Errorf("ask RAUC for the slots: %w", err), byPackage)
	}
	return parseSlots(out)
}

// isCard tells whether this is a card: where nothing chooses a slot, or RAUC is not there, it is none.
func (c Card) isCard() error {
	_, err := exec.LookPath("rauc")
	if _, none := os.Stat(c.Slots); none != nil {
		err = none
	}
	if err != nil {
		return payment.WithHint(errors.New("this machine is no card with two slots"), byPackage)
	}
	return nil
}

func parseSlots(text []byte) (slots, error) {
	var said struct {
		Compatible, Booted string
		Slots              []map[string]struct {
			BootName   string `json:"bootname"`
			SlotStatus struct {
				Bundle struct{ Version string }
			} `json:"slot_status"`
		}
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return slots{}, fmt.Errorf("read what RAUC says of the slots: %w", err)
	}
	s := slots{booted: said.Booted, holds: map[string]string{}}
	s.board, _ = strings.CutPrefix(said.Compatible, "smiletill-")
	for _, named := range said.Slots {
		for _, slot := range named {
			if slot.BootName == "A" || slot.BootName == "B" {
				s.holds[slot.BootName] = slot.SlotStatus.Bundle.Version
			}
		}
	}
	if len(s.holds) != 2 || s.booted != "A" && s.booted != "B" || s.board == said.Compatible {
		return slots{}, payment.WithHint(errors.New("RAUC knows no slots of a smiletill card"), byPackage)
	}
	return s, nil
}

// rauc runs it and gives what it printed; its own words are the error's.
func rauc(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, raucDoes)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "rauc", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if words := lastWords(errs.String()); words != "" {
			err = errors.New(words)
		}
		return nil, err
	}
	return out.Bytes(), nil
}

// lastWords is the last line that is no log.
func lastWords(text string) string {
	last := ""
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "rauc-Message:") {
			last = line
		}
	}
	return last
}

// look reads what a bundle says of itself, if it is whole and signed by whom this card knows.
func look(ctx context.Context, path string) (facts, error) {
	out, err := rauc(ctx, "info", "--output-format=json", path)
	if err != nil {
		return facts{}, inWords(fmt.Errorf("look at %s: %w", path, err))
	}
	return parseFacts(out)
}

// inWords adds to RAUC's words what they mean, where that is known.
func inWords(err error) error {
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(err.Error(), w) {
				return true
			}
		}
		return false
	}
	switch {
	case says("not yet valid", "has expired"):
		return payment.WithHint(err, "is this terminal's clock right? Else its maker's certificate has ended: "+
			"have the bundle signed with one that is valid")
	case says("Failed to load CA", "keyring", "No such file or directory: /etc/rauc"):
		return payment.WithHint(err, "this card was made without a certificate for updates (KEYRING=): it takes "+
			"none; flash it anew")
	case says("signature verification failed"):
		return payment.WithHint(err, "the bundle is not signed by whom this card takes updates from: get it "+
			"from them")
	case says("Invalid bundle format", "Failed to check bundle", "squashfs", "checksum", "magic"):
		return payment.WithHint(err, "the bundle is not signed, cut short or damaged: get it once more")
	case says("Already processing"):
		return payment.WithHint(err, "an installation runs already: wait for it to end")
	case says("No space left", "Slot size", "exceeds"):
		return payment.WithHint(err, "the slot of this card is too small for it: flash a newer image")
	}
	return payment.WithHint(err, "nothing of the running system was changed; try again, and look at "+
		"`journalctl -u rauc`")
}

// install has RAUC write the other slot, and tells its progress: a percentage and what it does.
func install(ctx context.Context, path string, progress func(line string)) error {
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "rauc", "install", "--progress", path)
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	why := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if words, ok := strings.CutPrefix(line, "LastError:"); ok {
			why = strings.TrimSpace(words)
		}
		if percent, _, ok := strings.Cut(line, "%"); ok && len(percent) <= 3 {
			progress(line)
		}
	}
	if err := cmd.Wait(); err != nil {
		if why == "" {
			why = lastWords(errs.String())
		}
		if why != "" {
			err = errors.New(why)
		}
		return inWords(fmt.Errorf("install: %w", err))
	}
	return nil
}
