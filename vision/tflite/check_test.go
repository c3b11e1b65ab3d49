package tflite

import (
	"bytes"
	"errors"
	"testing"
)

// hinted is how an operator's advice is found on an error.
type hinted interface{ Hint() string }

func TestOpenRefuses(t *testing.T) {
	foreign := bytes.Repeat([]byte("PNG!"), 100)
	named := append([]byte{28, 0, 0, 0, 'T', 'F', 'L', '3'}, bytes.Repeat([]byte{0xff}, 400)...)
	for _, c := range []struct {
		name  string
		model []byte
		o     Options
		want  error
	}{
		{"nothing", nil, Options{}, ErrModel},
		{"a few bytes", []byte("TFL3TFL3"), Options{}, ErrModel},
		{"another format", foreign, Options{}, ErrModel},
		{"negative threads", named, Options{Threads: -1}, nil},
		{"too many threads", named, Options{Threads: 65}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Open(c.model, c.o)
			if err == nil || p != nil {
				t.Fatalf("Open = %v, %v; want an error", p, err)
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			var h hinted
			if c.want != nil && (!errors.As(err, &h) || h.Hint() == "") {
				t.Errorf("error %v has no hint", err)
			}
		})
	}
}

func TestErrNotBuiltHasHint(t *testing.T) {
	var h hinted
	if !errors.As(error(ErrNotBuilt), &h) || h.Hint() == "" {
		t.Error("no hint")
	}
}
