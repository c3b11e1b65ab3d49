package register

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeCertificate is OpenCertificate of files that it makes where there is no certificate: an ECDSA key
// (P-256) and a certificate that it signs itself, for the name, for hosts and for this machine's addresses. A
// renewal that was cut off is finished, or undone if it had not got as far as the key.
func MakeCertificate(certFile, keyFile, name string, hosts []string) (*Certificate, error) {
	p := pair{certFile, keyFile, replaceFile, renameFile}
	if c, err := OpenCertificate(certFile, keyFile); err == nil && !exists(p.next()) {
		return c, nil
	}
	// The terminal that starts and a technician's command may both find none, or a renewal be under way.
	unlock, err := lockFolder(filepath.Dir(certFile))
	if err != nil {
		return nil, fmt.Errorf("make the terminal's certificate: %w", err)
	}
	defer unlock()
	if err = p.settle(); err == nil && !exists(certFile) {
		err = p.write(name, hosts)
	}
	if err != nil {
		return nil, fmt.Errorf("make the terminal's certificate: %w", err)
	}
	return OpenCertificate(certFile, keyFile)
}

// RenewCertificate puts a new key and certificate in the place of the files. A terminal that runs shows it
// from the next connection on, and registers that have pinned the old one refuse it until they are given the
// new one. Cut off, it leaves files of which MakeCertificate makes the old pair or the new one.
func RenewCertificate(certFile, keyFile, name string, hosts []string) (*Certificate, error) {
	if err := (pair{certFile, keyFile, replaceFile, renameFile}).renew(name, hosts); err != nil {
		return nil, fmt.Errorf("renew the terminal's certificate: %w", err)
	}
	return OpenCertificate(certFile, keyFile)
}

// pair is a certificate and its key in two files, which can't be replaced in one step. A new certificate lies
// beside the old one, as next, from before its key is in place until it is in place itself: whoever finds a
// next knows by the key which of the two is right.
type pair struct {
	cert, key string
	replace   func(path string, data []byte) error // whole or not at all, synced
	rename    func(from, to string) error          // synced
}

func (p pair) next() string { return p.cert + ".next" }

func (p pair) renew(name string, hosts []string) error {
	unlock, err := lockFolder(filepath.Dir(p.cert))
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.settle(); err != nil { // what was left may be all that fits the key
		return err
	}
	return p.write(name, hosts)
}

// write makes a pair and puts it in place, in the only order that settle can end.
func (p pair) write(name string, hosts []string) error {
	cert, key, err := drawCertificate(name, hosts)
	if err != nil {
		return err
	}
	if err := p.replace(p.next(), cert); err != nil {
		return err
	}
	if err := p.replace(p.key, key); err != nil {
		return err
	}
	return p.rename(p.next(), p.cert)
}

// settle ends a write that was cut off. Files of somebody's own that fit stay as they are.
func (p pair) settle() error {
	switch {
	case !exists(p.next()):
		return nil
	case fit(p.cert, p.key):
		_ = os.Remove(p.next()) // on a disk that is read-only it stays, and does no harm
		return nil
	case fit(p.next(), p.key):
		return p.rename(p.next(), p.cert)
	}
	return nil // the key is none of theirs: whoever reads the pair says that it doesn't fit
}

func fit(certFile, keyFile string) bool {
	_, err := tls.LoadX509KeyPair(certFile, keyFile)
	return err == nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func renameFile(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
