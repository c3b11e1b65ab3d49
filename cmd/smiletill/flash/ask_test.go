package flash

import (
	"context"
	"io"
	"strings"
	"testing"
)

// Ctrl-C at the question is a no, though nobody has typed a line.
func TestAskIsLeft(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	in, keyboard := io.Pipe()
	defer keyboard.Close()
	var out strings.Builder
	if ok, err := Ask(ctx, in, &out, Disk{Path: "/dev/sdb", Model: "Ultra", Bytes: 31_900_000_000,
		Serial: "4C53"}); ok ||
		err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if !strings.Contains(out.String(), "/dev/sdb: Ultra, 31.9 GB, serial 4C53") {
		t.Errorf("what is erased is shown as %q", out.String())
	}
}
