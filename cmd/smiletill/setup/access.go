package setup

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// login is who logs in to a card, by a key alone.
const login = "technician"

const (
	// sshConfig is there where the system has a login of ours: on a card.
	sshConfig = "/usr/share/smiletill/sshd_config"
	// What the server reads, kept below /etc/smiletill-ssh and put below /run at each start.
	sshKept = "/etc/smiletill-ssh"
	sshRun  = "/run/smiletill-ssh"
	sshKeys = "authorized_keys"
	sshHost = "host_ed25519_key"
	keysMax = 16
)

// sshKey reads one key as it stands in a .pub file, or says what is wrong with it.
func sshKey(text string) (key ssh.PublicKey, comment, what, instead string) {
	const pub = "write the line of a file whose name ends with .pub, like id_ed25519.pub"
	if strings.Contains(text, "PRIVATE KEY") {
		return nil, "", "this is the secret half of a key", pub +
			"; the secret half stays with you, and was shown here: make a new one (`ssh-keygen -t ed25519`)"
	}
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	switch {
	case err != nil || len(rest) > 0 || strings.ContainsFunc(text, isControl):
		return nil, "", "it is no key of ssh", pub
	case len(options) > 0:
		return nil, "", "options stand before the key (" + strings.Join(options, ",") + ")",
			"write the key alone: what " + login + " may do is the same for every key"
	}
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
	case ssh.KeyAlgoRSA:
		const bits = 2048 // what Debian's server takes at least, and SOG-IS until 2025
		c, ok := key.(ssh.CryptoPublicKey)
		if ok {
			var r *rsa.PublicKey
			r, ok = c.CryptoPublicKey().(*rsa.PublicKey)
			ok = ok && r.N.BitLen() >= bits
		}
		if !ok {
			return nil, "", "this RSA key is too short", "make a new one: `ssh-keygen -t ed25519`"
		}
	default:
		return nil, "", "keys of the kind " + key.Type() + " are not taken", "make one: `ssh-keygen -t ed25519`"
	}
	return key, comment, "", ""
}

func (c checker) access(keys []string) {
	if len(keys) > keysMax {
		c.add("access.ssh_keys", fmt.Sprintf("these are more than %d keys", keysMax), "leave some out")
	}
	seen := map[string]bool{}
	for i, text := range keys {
		key, _, what, instead := sshKey(text)
		if what == "" {
			if print := ssh.FingerprintSHA256(key); seen[print] {
				what, instead = "it stands there twice", "leave one of them out"
			} else {
				seen[print] = true
			}
		}
		if what != "" {
			c.add("access.ssh_keys", fmt.Sprintf("key %d: %s", i+1, what), instead)
		}
	}
}

// keysOf are the keys in files that `ssh-keygen` made (NAME.pub), or lists of such.
func keysOf(files []string) (keys []string, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the key for ssh: %w", err)
		}
		if strings.Contains(string(text), "PRIVATE KEY") { // one mistake, not one a line
			keys = append(keys, "PRIVATE KEY")
			continue
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				keys = append(keys, line)
			}
		}
	}
	return keys, nil
}

// keyLines says of each key what a person knows it by.
func keyLines(keys []string) (lines []string) {
	if keys != nil && len(keys) == 0 {
		return []string{"nobody logs in by ssh any more"}
	}
	for _, text := range keys {
		if key, comment, what, _ := sshKey(text); what == "" {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s logs in by ssh with %s %s", login,
				ssh.FingerprintSHA256(key), comment)))
		}
	}
	return lines
}

// authorized is the file that the server reads keys from.
func authorized(keys []string) []byte {
	var b strings.Builder
	for _, text := range keys {
		key, comment, what, _ := sshKey(text)
		if what != "" {
			continue // it was refused before
		}
		line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key)), "\n")
		b.WriteString(strings.TrimSpace(line+" "+comment) + "\n")
	}
	return []byte(b.String())
}

// access are the files of who logs in. The terminal's own key is made once, and stays.
func (t Target) access(keys []string) ([]change, []problem, error) {
	if keys == nil {
		return nil, nil, nil
	}
	has, err := t.has(sshConfig)
	if err != nil {
		return nil, nil, err
	}
	if !has {
		return nil, []problem{{"access.ssh_keys", "only a card of this project has a login of its own",
			"leave [access] out, and give a user of this system the key"}}, nil
	}
	all := []change{{t.etc(sshKept + "/" + sshKeys), authorized(keys), 0o644}}
	own, err := t.ownKey()
	if err != nil || own != nil || len(keys) == 0 {
		return all, nil, err
	}
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the terminal's key for ssh: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		return nil, nil, fmt.Errorf("make the terminal's key for ssh: %w", err)
	}
	// first: who may log in is there only when it is
	return append([]change{{t.etc(sshKept + "/" + sshHost), pem.EncodeToMemory(block), 0o600}}, all...), nil, nil
}

// ownKey is the terminal's own key, or nil where none was made, or none that can be read.
func (t Target) ownKey() (ssh.PublicKey, error) {
	text, err := os.ReadFile(t.etc(sshKept + "/" + sshHost))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the terminal's key for ssh: %w", err)
	}
	secret, err := ssh.ParsePrivateKey(text)
	if err != nil { // damaged: a new one is made
		return nil, nil
	}
	return secret.PublicKey(), nil
}

// way says how to log in, for the report; "" where nobody does.
func (t Target) way(host string) string {
	keys, err := os.ReadFile(t.etc(sshKept + "/" + sshKeys))
	own, errOwn := t.ownKey()
	if err != nil || errOwn != nil || own == nil || len(keys) == 0 {
		return ""
	}
	if host != "" {
		host += ".local"
	} else {
		host = "ADDRESS"
	}
	return fmt.Sprintf("Log in:\n\n  ssh %s@%s\n\nThe first time it shows the terminal's own key (ED25519), "+
		"which has to be\n\n  %s\n", login, host, ssh.FingerprintSHA256(own))
}
