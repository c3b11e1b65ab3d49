package register

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

// keyIDMax bounds a KeyIdentifier in characters.
const keyIDMax = 60

// KeyIDOf makes a KeyIdentifier of a register's name: "Counter 1" is counter-1.
func KeyIDOf(name string) string {
	id := regexp.MustCompile(`[^a-z0-9._]+`).ReplaceAllString(strings.ToLower(name), "-")
	id = strings.Trim(id, "-")
	if id == "" {
		id = "register"
	}
	return id[:min(len(id), keyIDMax)]
}

// NewPassphrase gives 140 random bits in groups that can be typed: small letters and the digits 2 to 7.
func NewPassphrase() string {
	const groups, size = 7, 4
	letters := strings.ToLower(rand.Text() + rand.Text()) // 26 letters each
	parts := make([]string, groups)
	for i := range parts {
		parts[i] = letters[i*size : (i+1)*size]
	}
	return strings.Join(parts, "-")
}

// passphraseMin and passphraseMax bound a passphrase of somebody's own, in bytes. 4,000 rounds of SHA-1 are
// all that the protocol puts between a message on the wire and a guess.
const (
	passphraseMin = 12
	passphraseMax = 256
)

// ReadPassphrase reads a passphrase from a file that nobody else may read; its last line end is not part of
// it.
func ReadPassphrase(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		err = payment.WithHintf(fmt.Errorf("others may read %s", path), "chmod 0600 %s", path)
	}
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	if strings.HasPrefix(string(data), "\xff\xfe") || strings.HasPrefix(string(data), "\xfe\xff") {
		return "", payment.WithHintf(fmt.Errorf("read the passphrase: %s is written in UTF-16", path),
			"save the file as UTF-8")
	}
	text := strings.TrimPrefix(string(data), "\xef\xbb\xbf") // some editors' mark of UTF-8
	text = strings.TrimRight(text, "\r\n")
	if len(text) < passphraseMin || len(text) > passphraseMax || strings.ContainsAny(text, "\r\n\x00") {
		return "", payment.WithHintf(fmt.Errorf("read the passphrase: %s does not hold one", path),
			"write one line of %d to %d characters into it", passphraseMin, passphraseMax)
	}
	return text, nil
}

// lockFolder waits until nobody else, in this process or another, changes the files of a folder that
// register keeps there.
func lockFolder(dir string) (unlock func(), err error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock folder %s: %w", dir, err), folder.Close())
	}
	return func() { _ = folder.Close() }, nil // ends the lock
}

// ChangePairings changes the file of paired registers while no other process does: the folder that holds it
// is locked meanwhile.
func ChangePairings(path string, change func(Pairings) (Pairings, error)) error {
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("change the paired registers: %w", err)
	}
	defer unlock()
	all, err := LoadPairings(path)
	if err != nil {
		return err
	}
	if all, err = change(all); err != nil {
		return err
	}
	return all.Save(path)
}

// Grouped writes a fingerprint in groups of four, as people compare it.
func Grouped(hex string) string {
	var b strings.Builder
	for i := 0; i < len(hex); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex[i:min(i+4, len(hex))])
	}
	return b.String()
}

// Link is what the code on the technician's page says: where a register sends messages (host and port), and
// what certificate is found there.
func Link(addr, poiID, fingerprint string) string {
	return "https://" + addr + "/nexo#poiid=" + url.QueryEscape(poiID) + "&sha256=" + fingerprint
}
