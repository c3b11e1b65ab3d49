package register

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"smiletill/payment"
)

// Pairing is a register that may send sealed messages.
type Pairing struct {
	Name string // as the technician calls it
	At   time.Time
	Key  *Key
}

// Pairings are the registers that are let in.
type Pairings []Pairing

// Key gives the key of an identifier and version, or nil.
func (p Pairings) Key(id string, version int) *Key {
	for _, one := range p {
		if one.Key.ID == id && one.Key.Version == version {
			return one.Key
		}
	}
	return nil
}

// paired tells whether an identifier has a key of any version.
func (p Pairings) paired(id string) bool {
	return slices.ContainsFunc(p, func(one Pairing) bool { return one.Key.ID == id })
}

// pairingsMax bounds the file, in bytes.
const pairingsMax = 1 << 20

type pairingFile struct {
	Name     string    `json:"name"`
	KeyID    string    `json:"key_identifier"`
	Version  int       `json:"key_version"`
	At       time.Time `json:"paired_at"`
	Material string    `json:"derived_key"` // base64: as secret as the passphrase
}

// LoadPairings reads the file; no file is no pairing. A file that others may read is an error.
func LoadPairings(path string) (Pairings, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the paired registers: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = payment.WithHint(errors.New("others may read the keys"),
			"chmod 0600 "+path+", and pair the registers anew if somebody did")
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, pairingsMax))
	}
	var stored []pairingFile
	if err == nil {
		if err = json.Unmarshal(data, &stored); err != nil {
			err = payment.WithHint(err, "put "+path+" away and pair the registers anew")
		}
	}
	var all Pairings
	for _, one := range stored {
		material, decodeErr := base64.StdEncoding.DecodeString(one.Material)
		if decodeErr != nil || len(material) != keyBytes {
			err = payment.WithHint(fmt.Errorf("the key of %q can't be read", one.Name),
				"put "+path+" away and pair the registers anew")
			break
		}
		k := &Key{ID: one.KeyID, Version: one.Version}
		copy(k.material[:], material)
		all = append(all, Pairing{Name: one.Name, At: one.At, Key: k})
	}
	if err != nil {
		return nil, fmt.Errorf("read the paired registers %s: %w", path, err)
	}
	return all, nil
}

// Save writes the file as a whole or not at all, mode 0600.
func (p Pairings) Save(path string) error {
	stored := make([]pairingFile, 0, len(p))
	for _, one := range p {
		stored = append(stored, pairingFile{Name: one.Name, KeyID: one.Key.ID, Version: one.Key.Version, At: one.At,
			Material: base64.StdEncoding.EncodeToString(one.Key.material[:])})
	}
	data, err := json.MarshalIndent(stored, "", "  ")
	if err == nil {
		err = replaceFile(path, data)
	}
	if err != nil {
		return fmt.Errorf("keep the paired registers: %w", err)
	}
	return nil
}

// Pair adds a register with a new key. id is its KeyIdentifier, passphrase what it has to be given; the
// version is one above those that the identifier has, so that the register can be changed over while the old
// one still counts.
func (p Pairings) Pair(name, id, passphrase string, at time.Time) (Pairings, *Key, error) {
	version := 1
	for _, one := range p {
		if one.Key.ID == id {
			version = max(version, one.Key.Version+1)
		}
	}
	k, err := DeriveKey(id, version, passphrase)
	if err != nil {
		return nil, nil, err
	}
	return append(slices.Clone(p), Pairing{Name: name, At: at, Key: k}), k, nil
}

// Unpair removes a register's keys: those of one version, or with 0 all. removed is how many.
func (p Pairings) Unpair(id string, version int) (rest Pairings, removed int) {
	rest = slices.DeleteFunc(slices.Clone(p), func(one Pairing) bool {
		return one.Key.ID == id && (version == 0 || one.Key.Version == version)
	})
	return rest, len(p) - len(rest)
}

// GiveAway makes a file of root's the folder's owner's: what a technician writes with sudo, the terminal's
// own user has to read.
func GiveAway(f *os.File) error {
	folder, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	owner, ok := folder.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Uid == 0 {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// replaceFile writes a file of mode 0600 under another name, syncs it and renames it.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = GiveAway(f)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
