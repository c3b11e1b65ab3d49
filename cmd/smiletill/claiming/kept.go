package claiming

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/report/claim"
)

// kept is what a claimed terminal keeps.
type kept struct {
	terms   claim.Terms
	cloud   string // its address
	cert    *x509.Certificate
	text    string // in PEM
	private *ecdsa.PrivateKey
}

// The files of the folder. Settings names the others to the configuration.
const (
	settingsFile = "claim.toml"
	cloudFile    = "cloud.pub"
	vouchFile    = "broker.pem"
	signersFile  = "authority.pem"
	certFile     = "terminal.crt"
	keyFile      = "broker.key"
)

// settings are what the configuration takes from the folder, which will be found at path.
func (k *kept) settings(path string) string {
	var b strings.Builder
	b.WriteString("# Written by the terminal when it was claimed.\n")
	section := func(name string, lines ...[2]string) {
		fmt.Fprintf(&b, "\n[%s]\n", name)
		for _, l := range lines {
			fmt.Fprintf(&b, "%s = %s\n", l[0], config.Quote(l[1]))
		}
	}
	n := k.terms.Name
	section("terminal", [2]string{"tenant", n.Tenant}, [2]string{"site", n.Site}, [2]string{"id", n.Terminal})
	vouch := filepath.Join(path, vouchFile)
	if k.terms.Vouch == "" {
		vouch = ""
	}
	section("mqtt", [2]string{"broker", k.terms.Broker}, [2]string{"ca_file", vouch},
		[2]string{"cert_file", filepath.Join(path, certFile)}, [2]string{"key_file", filepath.Join(path, keyFile)},
		[2]string{"cloud_key_file", filepath.Join(path, cloudFile)})
	return b.String()
}

// write puts all of it into force at path, which becomes a link to a folder beside it: the link is changed
// last, in one step. before is called before each step that changes the disk.
func (k *kept) write(path string, before func(step string) error) error {
	if err := k.change(path, before); err != nil {
		return fmt.Errorf("keep what the cloud gave: %w", err)
	}
	return nil
}

func (k *kept) change(path string, step func(string) error) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return err
	}
	terms, err := json.Marshal(said{k.terms, k.cloud})
	if err != nil {
		return err
	}
	data := filepath.Dir(path)
	if err := step("make a folder"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(data, filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
		{certFile, []byte(k.text)}, {cloudFile, []byte(k.terms.Keys)}, {vouchFile, []byte(k.terms.Vouch)},
		{signersFile, []byte(k.terms.Signers)}, {settingsFile, []byte(k.settings(path))}, {termsFile, terms},
	} {
		if err := step("write " + f.name); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, f.name), f.text); err != nil {
			return err
		}
	}
	temporary := filepath.Join(data, ".claimed-new")
	for _, one := range []struct {
		name string
		do   func() error
	}{
		{"sync the folder", func() error { return syncDir(dir) }},
		{"note whose it is", func() error { return noteBefore(path+".json", terms) }},
		{"clear the link", func() error {
			if err := os.Remove(temporary); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}},
		{"make the link", func() error { return os.Symlink(filepath.Base(dir), temporary) }},
		{"change the link", func() error { return os.Rename(temporary, path) }},
		{"sync the data folder", func() error { return syncDir(data) }},
		{"remove what was before", func() error { return clear(path) }},
	} {
		if err := step(one.name); err != nil {
			return err
		}
		if err := one.do(); err != nil {
			return err
		}
	}
	return nil
}

// termsFile is what the cloud said, for the program itself: a said.
const termsFile = "terms.json"

type said struct {
	Terms claim.Terms `json:"terms"`
	Cloud string      `json:"cloud"`
}

// before is what the file says that stays; nil: the terminal was never claimed.
func before(path string) (*said, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var was said
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	if err != nil {
		return nil, fmt.Errorf("read by whom it was claimed: %w", err)
	}
	return &was, nil
}

// noteBefore replaces the file that stays when the rest is removed.
func noteBefore(path string, text []byte) error {
	if was, err := os.ReadFile(path); err == nil && string(was) == string(text) {
		return nil
	}
	temporary := filepath.Join(filepath.Dir(path), ".claimed-before")
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(temporary, text); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

func writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// clear removes the folders to which the link does not lead: of before, or of a power cut.
func clear(path string) error {
	now, err := os.Readlink(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all, err := filepath.Glob(path + "-[0-9]*")
	if err != nil {
		return err
	}
	var failed error
	for _, dir := range all {
		if filepath.Base(dir) != now {
			failed = errors.Join(failed, os.RemoveAll(dir))
		}
	}
	return failed
}

// load reads what is kept; nil: nothing.
func load(path string) (*kept, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	k, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("read what the cloud gave: %w", err)
	}
	return k, nil
}

func open(path string) (*kept, error) {
	var was said
	text, err := os.ReadFile(filepath.Join(path, termsFile))
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	if err != nil {
		return nil, err
	}
	k := &kept{terms: was.Terms, cloud: was.Cloud}
	pair, err := tls.LoadX509KeyPair(filepath.Join(path, certFile), filepath.Join(path, keyFile))
	if err != nil {
		return nil, err
	}
	private, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key for the broker is of another kind")
	}
	k.cert, k.private = pair.Leaf, private
	k.text = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}))
	return k, nil
}
