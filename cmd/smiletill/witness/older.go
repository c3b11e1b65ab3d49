package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"smiletill/payment"
)

// Finding is a store, or one of its records, that is older than the terminal has seen it.
type Finding struct {
	Store string `json:"store"` // a constant of this package
	What  string `json:"what"`  // in words
}

// The stores that the journal's facts tell of.
const (
	Faces     = "faces"
	Registers = "registers"
)

// machine is the store of all that is on the disk, of which the machine's counter tells.
const machine = "machine"

// Behind tells whether a store that counts its changes is older than it was seen.
func (w *Witness) Behind(store, words string, count int64) []Finding {
	m, known := w.Mark(store)
	if !known || count >= m.Count {
		return nil
	}
	return []Finding{{Store: store, What: fmt.Sprintf("%s had been changed %d times, and now are as they were "+
		"after %d", words, m.Count, count)}}
}

// OlderError is that older data were put back.
type OlderError struct{ Found []Finding }

// maxWords bounds what is said at once.
const maxWords = 3

func (e *OlderError) Error() string {
	var words []string
	for _, f := range e.Found[:min(len(e.Found), maxWords)] {
		words = append(words, f.What)
	}
	if more := len(e.Found) - maxWords; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return "older data were put back: " + strings.Join(words, "; ")
}

// Hint says what to do next.
func (*OlderError) Hint() string {
	return "put back the newest copy of the data folder, with the terminal stopped. If there is none, or this " +
		"is what you want, run `smiletill journal reconcile --because WHY`"
}

// Sum tells findings from others: 16 hexadecimal digits.
func Sum(found []Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, fmt.Sprintf("%q=%q", f.Store, f.What))
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Stores names the stores of findings, each once.
func Stores(found []Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Store)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// Told is what a terminal that takes no payment for it has found, in a file for `smiletill journal
// reconcile`.
type Told struct {
	Found []Finding `json:"found"`
	At    time.Time `json:"at"`
}

const toldName = "older.json"

// Tell writes down what was found; nothing found removes it.
func Tell(dataDir string, found []Finding, at time.Time) error {
	path := filepath.Join(dataDir, toldName)
	if len(found) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget what was found of older data: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(Told{Found: found, At: at.UTC()})
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write down what was found of older data: %w", err)
	}
	return nil
}

// ReadTold gives what a terminal has found, nothing if it has not.
func ReadTold(dataDir string) (t Told, err error) {
	path := filepath.Join(dataDir, toldName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Told{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return Told{}, payment.WithHint(fmt.Errorf("read what was found of older data: %w", err),
			"remove "+path+": the terminal finds it again at its next start")
	}
	return t, nil
}
