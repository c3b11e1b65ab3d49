//go:build !cgo || !linux || notflite

package tflite

import (
	"errors"
	"testing"
)

func TestOpenSaysNotBuilt(t *testing.T) {
	model := append([]byte{28, 0, 0, 0, 'T', 'F', 'L', '3'}, make([]byte, 100)...)
	if _, err := Open(model, Options{}); !errors.Is(err, ErrNotBuilt) {
		t.Errorf("Open = %v, want ErrNotBuilt", err)
	}
}
