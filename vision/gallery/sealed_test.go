package gallery

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// sealing is a fake machine that opens what it has sealed, while it has its TPM.
type sealing struct{ gone *bool }

var errGone = errors.New("no TPM")

const sealedMark = "sealed "

func (s sealing) Seal(plain []byte) ([]byte, error) {
	turned := bytes.Clone(plain)
	for i := range turned {
		turned[i] ^= 0x5a
	}
	return append([]byte(sealedMark), turned...), nil
}

func (s sealing) Unseal(data []byte) ([]byte, error) {
	text, sealed := bytes.CutPrefix(data, []byte(sealedMark))
	if !sealed {
		return data, nil
	}
	if *s.gone {
		return nil, errors.Join(errGone, fs.ErrNotExist) // what is missing is the TPM, not the key
	}
	plain, err := s.Seal(text)
	return plain[len(sealedMark):], err
}

func (sealing) Protection() string { return "sealed" }

// A key that is sealed is never on the disk as it is, opens the gallery again, and is not replaced by another
// one when it does not open: neither with customers nor without.
func TestSealedKey(t *testing.T) {
	dir, gone := t.TempDir()+"/g", false
	at := func() (*Gallery, error) { return OpenSealed(dir, modelA, sealing{&gone}, quiet()) }
	g, err := at()
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(KeyPath(dir))
	if err != nil || !bytes.HasPrefix(key, []byte(sealedMark)) || bytes.Contains(key, []byte(keyMagic)) {
		t.Errorf("it is not sealed: %.40q %v", key, err)
	}
	again := func(customers int) {
		t.Helper()
		gone = true
		if _, err := at(); !errors.Is(err, errGone) {
			t.Errorf("with %d customers, without the TPM: %v", customers, err)
		}
		if now, err := os.ReadFile(KeyPath(dir)); err != nil || !bytes.Equal(now, key) {
			t.Errorf("the key is another: %v", err)
		}
		gone = false
		if g, err = at(); err != nil || len(g.List()) != customers {
			t.Fatalf("with %d customers, with the TPM: %v", customers, err)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	again(0)
	mustEnrol(t, g, "Ada", 1, 3)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	again(1)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	// One that nobody has sealed yet opens as it is.
	plain, err := sealing{&gone}.Unseal(key)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, keyName), plain, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	again2, err := at()
	if err != nil || len(again2.List()) != 1 {
		t.Fatalf("a key as it is: %v", err)
	}
	if err := again2.Close(); err != nil {
		t.Error(err)
	}
}
