//go:build cgo && linux && !notflite

package headers

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWithoutHeaders builds the project's own runtime as somebody does who has just cloned it.
func TestWithoutHeaders(t *testing.T) {
	build := exec.Command("go", "build", "smiletill/vision/tflite")
	build.Env = append(os.Environ(), "CGO_CFLAGS=", "CGO_LDFLAGS=")
	out, err := build.CombinedOutput()
	if err == nil {
		t.Skip("this machine has the headers of TensorFlow Lite where every compiler finds them")
	}
	if !strings.Contains(string(out), `eval "$(make env)"`) {
		t.Errorf("the error does not say what to do:\n%s", out)
	}
}
