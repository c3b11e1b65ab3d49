package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// phase is how far an update has come, as the last one who knew wrote it down.
type phase string

const (
	installing phase = "installing" // RAUC was told to write the slot
	installed  phase = "installed"  // it is written, and waits for the restart
	restarting phase = "restarting" // the restart into it was ordered
	trying     phase = "trying"     // its own program runs, and is looked at
	good       phase = "good"
	back       phase = "back" // it was tried, and the slot before runs again
)

// program is a version in a slot.
type program struct {
	Version string `json:"version"`
	Slot    string `json:"slot"` // A or B
}

// State is what is known of the last update of a card. The zero State: there was none.
type State struct {
	Phase  phase     `json:"phase"`
	From   program   `json:"from"`
	To     program   `json:"to"`
	Source string    `json:"source"`          // name of the bundle, for people
	Floor  string    `json:"floor,omitempty"` // that the bundle sets when it is good
	At     time.Time `json:"at"`              // of the phase, by the terminal's clock
	Boot   string    `json:"boot"`            // the start of the machine in which the phase was written
	// Faults stood before; a tried slot may have them too.
	Faults []control.Fault `json:"faults,omitempty"`
	Why    string          `json:"why,omitempty"` // the tried slot's last words
}

// Here is where a program runs: in which slot, since which start of the machine.
type Here struct {
	Slot string // A or B; "" where there are no slots
	Boot string // the kernel's name for this start
}

// findHere asks the kernel. Two variables, which the card's own scripts know too, name other files or words
// for tests: SMILETILL_CMDLINE is the kernel's command line, SMILETILL_BOOT this start's name.
func findHere() Here {
	cmdline := os.Getenv("SMILETILL_CMDLINE")
	if cmdline == "" {
		cmdline = "/proc/cmdline"
	}
	h := Here{Boot: os.Getenv("SMILETILL_BOOT")}
	words, _ := os.ReadFile(cmdline) // what can't be read has no slots
	for _, w := range strings.Fields(string(words)) {
		if slot, ok := strings.CutPrefix(w, "rauc.slot="); ok && (slot == "A" || slot == "B") {
			h.Slot = slot
		}
	}
	if h.Boot == "" {
		id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // as above
		h.Boot = strings.TrimSpace(string(id))
	}
	return h
}

const (
	folderName = "update" // below the data folder; root's
	stateName  = "state.json"
	floorName  = "floor"
	bundleName = "bundle.raucb" // what was fetched, until it is installed
	mostState  = 64 << 10       // bytes of a state; more is damage
)

// files are those of an update below a data folder. Root writes them, the terminal reads them.
type files struct{ data string }

func (f files) folder() string          { return filepath.Join(f.data, folderName) }
func (f files) path(name string) string { return filepath.Join(f.folder(), name) }

// errDamaged is said of a state that can't be read: the card goes on as if there had been no update.
var errDamaged = errors.New("what is kept of the last update is damaged")

// read gives the state; the zero one where there was no update.
func (f files) read() (State, error) {
	data, err := f.small(stateName)
	if err != nil || data == nil {
		return State{}, err
	}
	return parseState(data)
}

func parseState(data []byte) (s State, err error) {
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("%w: %s", errDamaged, strings.TrimPrefix(err.Error(), "json: "))
	}
	switch s.Phase {
	case installing, installed, restarting, trying, good, back:
	default:
		return State{}, fmt.Errorf("%w: no phase is called %q", errDamaged, s.Phase)
	}
	for _, slot := range []string{s.From.Slot, s.To.Slot} {
		if slot != "A" && slot != "B" {
			return State{}, fmt.Errorf("%w: no slot is called %q", errDamaged, slot)
		}
	}
	if s.From.Slot == s.To.Slot {
		return State{}, fmt.Errorf("%w: it speaks of one slot only", errDamaged)
	}
	return s, nil
}

// floor is the oldest version that may be installed; "" where none is known.
func (f files) floor() (string, error) {
	data, err := f.small(floorName)
	return strings.TrimSpace(string(data)), err
}

// small reads a file of the folder, nil where there is none.
func (f files) small(name string) ([]byte, error) {
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is kept of updates: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, mostState+1))
	if err == nil && len(data) > mostState {
		err = errDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("read what is kept of updates: %w", err)
	}
	return data, nil
}

// write keeps a state.
func (f files) write(s State) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write down the update: %w", err)
	}
	return f.replace(stateName, append(data, '\n'))
}

// raise raises the floor; a lower one changes nothing.
func (f files) raise(floor string) error {
	now, err := f.floor()
	if err != nil || floor == "" {
		return err
	}
	if order, ok := compare(floor, now); now != "" && (!ok || order <= 0) {
		return nil
	}
	return f.replace(floorName, []byte(floor+"\n"))
}

// replace makes a file what it is to be: beside it, synced, renamed. Others may read it: the data folder is
// the terminal's alone.
func (f files) replace(name string, data []byte) (err error) {
	if err := f.make(); err != nil {
		return err
	}
	beside := f.path("." + name + ".new")
	defer func() {
		if err != nil {
			err = fmt.Errorf("write down the update: %w", err)
		}
	}()
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Chmod(0o644), w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(beside, f.path(name)); err != nil {
		return err
	}
	return syncFolder(f.folder())
}

// make makes the folder. One that is not a folder, or another user's, is refused: the terminal's own user
// could have put it there.
func (f files) make() error {
	made := os.Mkdir(f.folder(), 0o755)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return payment.WithHint(fmt.Errorf("make a folder for updates: %w", made),
			"see that the data partition has room and can be written")
	}
	info, err := os.Lstat(f.folder())
	if err != nil {
		return fmt.Errorf("make a folder for updates: %w", err)
	}
	if !info.IsDir() || !ownedByUs(info) {
		return fmt.Errorf("make a folder for updates: %s is another user's, or no folder", f.folder())
	}
	if made == nil {
		return syncFolder(f.data)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
