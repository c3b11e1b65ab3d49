package report

import (
	"errors"
	"io/fs"
	"os"
	"sync"

	"smiletill/payment/report/signature"
)

// KeyFile is the AckVerifier that knows the cloud's public keys by a file, and reads it again when it has
// changed: the cloud's key is brought, or changed, while a terminal runs. Its methods may be called from any
// goroutine.
type KeyFile struct {
	path  string
	must  bool // there must be a file
	mu    sync.Mutex
	known fs.FileInfo // of the file that was read; nil: none
	keys  CloudKeys
	err   error
}

// OpenKeyFile reads the file. Unless it must be there, no file is no key, and nobody is believed.
func OpenKeyFile(path string, must bool) *KeyFile {
	k := &KeyFile{path: path, must: must}
	k.Renew()
	return k
}

// Renew reads the file if it has changed. One that can't be read leaves the keys that were known.
func (k *KeyFile) Renew() {
	info, err := os.Stat(k.path)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case errors.Is(err, fs.ErrNotExist) && !k.must:
		k.known, k.keys, k.err = nil, nil, nil
		return
	case err == nil && k.err == nil && k.known != nil && os.SameFile(info, k.known) &&
		info.ModTime().Equal(k.known.ModTime()) && info.Size() == k.known.Size():
		return
	}
	keys, err := signature.ReadPublic(k.path)
	if k.err = err; err == nil {
		k.known, k.keys = info, keys
	}
}

// Known is how many keys are believed, and why a file can't be read.
func (k *KeyFile) Known() (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys), k.err
}

// VerifyAck checks the signature.
func (k *KeyFile) VerifyAck(source string, a Ack) error {
	k.mu.Lock()
	keys := k.keys
	k.mu.Unlock()
	return keys.VerifyAck(source, a)
}
