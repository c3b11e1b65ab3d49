//go:build !notflite

package till_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
)

// TestReadmeExamples runs the two programs that the registers' handbook shows, each with a
// connection that holds and with one that is cut while the customer is looked for.
func TestReadmeExamples(t *testing.T) {
	nodeModules(t)
	top := terminaltest.Root(t)
	readme := string(terminaltest.Read(t, filepath.Join(top, "payment", "register", "README.md")))
	for _, c := range []struct{ file, language, as, path string }{
		{"pay.mjs", "js", "pay.mjs", "/nexo?x="}, {"pay.go.txt", "go", "pay.go", "/nexo"},
	} {
		t.Run(c.as, func(t *testing.T) {
			t.Parallel()
			dir := nodeModules(t)
			s := newCounter(t, "--register-common-name", libraryName)
			addr, _ := s.ready()
			key := s.libraryKey("Counter 1")
			w := newWire(t, addr)
			text := terminaltest.Read(t, filepath.Join(top, "payment", "register", "testdata", "examples", c.file))
			if !strings.Contains(readme, "\n```"+c.language+"\n"+string(text)+"```\n") {
				t.Errorf("payment/register/README.md does not show %s as it is", c.file)
			}
			if err := os.WriteFile(filepath.Join(dir, c.as), text, 0o600); err != nil {
				t.Fatal(err)
			}
			program := []string{"node", c.as}
			if c.language == "go" {
				build := exec.Command("go", "build", "-o", "pay", c.as)
				build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GO111MODULE=off")
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				program = []string{filepath.Join(dir, "pay")}
			}
			run := func(ctx context.Context, reference string) (string, error) {
				cmd := exec.CommandContext(ctx, program[0], append(program[1:], "4.20", reference)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "TILL=https://"+w.Addr().String()+c.path,
					"TILL_POIID=smiletill-till-1", "TILL_PEM="+filepath.Join(s.Dir, "data", "register.crt"),
					"TILL_KEY="+key["KeyIdentifier"].(string), "TILL_PASSPHRASE="+key["Passphrase"].(string))
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				err := cmd.Run()
				return out.String(), err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			name := "smile " + c.as
			out, err := run(ctx, name)
			if err != nil || !strings.Contains(out, "paid 4.2") || !strings.Contains(out, "transaction nexo-") {
				t.Errorf("%v: %s", err, out)
			}
			s.mustBooks(t, name, "approved 4.20 EUR")

			cut := "nobody at first " + c.as
			done := make(chan struct{})
			go func() {
				defer close(done)
				out, err = run(ctx, cut)
			}()
			s.began(t, cut)
			w.lead("")
			s.stepUp("customer_smile")
			w.lead(addr)
			<-done
			if err != nil || !strings.Contains(out, "paid 4.2") {
				t.Errorf("the connection was cut: %v: %s", err, out)
			}
			s.mustBooks(t, cut, "approved 4.20 EUR")

			out, err = run(ctx, "stranger "+c.as)
			var failed *exec.ExitError
			if !errors.As(err, &failed) || failed.ExitCode() != 3 || !strings.Contains(out, "Refusal") {
				t.Errorf("a stranger: %v: %s", err, out)
			}
			if s.books()[payment.StateApproved] != 2 {
				t.Errorf("the journal: %v", s.books())
			}
		})
	}
}
