package vault

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/device/tpm"
	"smiletill/vision/gallery"
)

// Protection is how a terminal's keys are protected.
type Protection struct {
	Words string
	Level string // as a doctor's finding has it: ok, warning, fault
	Do    string // what to do, "" where nothing is
}

// Protection says how the keys are protected, as they lie on the disk: it asks no TPM. An error is why that
// can't be seen.
func (v *Vault) Protection() (Protection, error) {
	sealed, plain := 0, 0
	for _, f := range v.files() {
		is, err := begins(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Protection{}, err
		case is:
			sealed++
		default:
			plain++
		}
	}
	_, err := os.Stat(v.tpm.Path())
	there := err == nil
	const fault, warning, fine = "fault", "warning", "ok"
	switch {
	case sealed > 0 && v.off():
		return Protection{"keys are sealed to the TPM, and security.tpm is off", fault,
			"set security.tpm to \"auto\", or stop the terminal and run `sudo smiletill key unseal`"}, nil
	case sealed > 0 && !there:
		return Protection{"keys are sealed to a TPM, and " + v.tpm.Path() + " is not there", fault,
			"switch the TPM on in the machine's firmware; if this is another machine, put the disk back into the " +
				"first, or restore a backup (`smiletill restore`)"}, nil
	case sealed > 0 && plain == 0 && len(v.aside()) > 0:
		dirs := strings.Join(v.aside(), " ")
		return Protection{v.words() + "; but for what a restore has put aside, which is as it was then: " + dirs,
			warning, "look whether anything there is still needed, then `sudo rm -r " + dirs + "`"}, nil
	case sealed > 0 && plain == 0:
		return Protection{v.words(), fine, ""}, nil
	case v.named() && !there:
		return Protection{"security.tpm names " + v.tpm.Path() + ", which is not there", fault,
			"switch the TPM on in the machine's firmware, or set security.tpm to \"auto\""}, nil
	case there && !v.off() && sealed == 0 && v.unsealed():
		return Protection{"the keys were unsealed, for another machine: " + gallery.Protection, warning,
			"move the disk; to have them sealed here again: `sudo rm " + v.plainPath() + "`, then `sudo systemctl " +
				"restart smiletill`"}, nil
	case there && !v.off() && sealed+plain > 0:
		return Protection{"not all keys are sealed, though there is a TPM (" + v.tpm.Path() + "): " +
			gallery.Protection, warning, "`sudo usermod -aG tss smiletill`, then `sudo systemctl restart " +
			"smiletill`: a start seals them, or `sudo smiletill logs` says why not"}, nil
	}
	return Protection{gallery.Protection, fine, ""}, nil
}

// unsealed tells whether they were, on whatever machine.
func (v *Vault) unsealed() bool {
	_, err := os.Stat(v.plainPath())
	return err == nil
}

// aside are the folders of what restores have put aside in which a key is not sealed, or PINs are not.
func (v *Vault) aside() (dirs []string) {
	all, _ := filepath.Glob(filepath.Join(v.cfg.Paths.DataDir, "before-restore-*")) // the pattern is good
	for _, dir := range all {
		plain := false
		for _, f := range v.files() {
			for _, name := range []string{filepath.Base(f.path), filepath.Join("gallery", filepath.Base(f.path))} {
				sealed, err := begins(filepath.Join(dir, name))
				plain = plain || err == nil && !sealed
			}
		}
		if text, err := os.ReadFile(filepath.Join(dir, filepath.Base(v.cfg.PINsPath()))); err == nil {
			plain = plain || !bytes.Contains(text, []byte("CREATE TABLE pepper"))
		}
		if plain {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// begins tells whether a file begins as one that is sealed.
func begins(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64))
	return tpm.Sealed(text), err
}
