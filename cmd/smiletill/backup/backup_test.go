package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// terminal makes a data folder with a journal of some facts, PINs, a key and a face.
func terminal(t *testing.T, facts int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "gallery"), 0o700); err != nil {
		t.Fatal(err)
	}
	grow(t, dir, facts)
	p, err := pin.Open(t.Context(), filepath.Join(dir, "pins.db"),
		func(context.Context) (time.Duration, error) { return 0, nil }, nil)
	if err == nil {
		err = errors.Join(p.Set(t.Context(), "c_a", "902751"), p.Close())
	}
	for name, text := range map[string]string{"terminal.key": "a key", "gallery/gallery.key": "faces' key",
		"gallery/c_a.face": "a face", "witness.json": "{}", "registers.json": "[]"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func vaultOf(dir, tpm string) *vault.Vault {
	cfg := config.Default()
	cfg.Paths.DataDir, cfg.Security.TPM = dir, tpm
	cfg.Paths.ControlSocket = filepath.Join(dir, "none")
	return vault.Of(cfg)
}

func grow(t *testing.T, dir string, facts int) {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(dir, "journal.db"), journal.Options{})
	for range facts {
		if err == nil {
			err = j.Note(t.Context(), journal.Audit{What: journal.ScreenCalibrated, At: at})
		}
	}
	if err = errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
}

// saved makes a backup of a terminal, and gives it with its words.
func saved(t *testing.T, dir string, faces bool) (data []byte, id age.Identity) {
	t.Helper()
	return savedOf(t, dir, config.TPMOff, faces)
}

// savedOf is saved of a terminal with a TPM.
func savedOf(t *testing.T, dir, tpm string, faces bool) (data []byte, id age.Identity) {
	t.Helper()
	words, err := newKey(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if id, err = parseWords(words); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "till.backup")
	_, err = save(t.Context(), path, Source{Data: dir, Gallery: filepath.Join(dir, "gallery"), Terminal: "a/b/c",
		Program: "smiletill test", Faces: faces, Vault: vaultOf(dir, tpm)}, at)
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"a key", "faces' key", "a face", "a/b/c"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%q can be read in it", secret)
		}
	}
	return data, id
}

// look is what is in a data folder, but what was put aside.
func look(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, dir+"/")
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(name, "before-restore-") {
			return fs.SkipDir
		}
		if ext := filepath.Ext(name); !d.IsDir() && ext != ".lock" && !strings.HasPrefix(ext, ".db-") {
			all = append(all, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func target(dir string) Target { return Target{Data: dir, Terminal: "a/b/c", Now: at} }

// A backup makes a terminal of an empty folder: journal, PINs and keys, and faces if they were asked for.
func TestBackUpAndRestore(t *testing.T) {
	for _, faces := range []bool{false, true} {
		t.Run(fmt.Sprintf("faces %v", faces), func(t *testing.T) {
			data, id := saved(t, terminal(t, 7), faces)
			empty := t.TempDir()
			m, _, err := restoreInto(t.Context(), bytes.NewReader(data), id, target(empty))
			if err != nil || m.Head.Seq != 7 || m.Faces != faces {
				t.Fatalf("%+v %v", m, err)
			}
			want := "journal.db pins.db recovery.pub registers.json restored.json terminal.key"
			if faces {
				want = "gallery/c_a.face gallery/gallery.key " + want
			}
			if got := look(t, empty); got != want {
				t.Errorf("restored:\n%s, want\n%s", got, want)
			}
			r, is, err := ReadRestored(empty)
			if err != nil || !is || r.Head.Seq != 7 {
				t.Errorf("restored: %+v %v %v", r, is, err)
			}
			if err := Settled(empty); err != nil {
				t.Error(err)
			}
			if _, is, _ := ReadRestored(empty); is {
				t.Error("it is not settled")
			}
		})
	}
}

// What may not be restored changes nothing, and says what to do.
func TestRefusedRestores(t *testing.T) {
	dir := terminal(t, 7)
	data, id := saved(t, dir, false)
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(data)
	flipped[len(flipped)/2] ^= 1
	grow(t, dir, 1)
	for _, c := range []struct {
		name  string
		data  []byte
		id    age.Identity
		to    Target
		is    error
		hints string
	}{
		{"cut off", data[:len(data)-20], id, target(dir), errDamaged, "another copy"},
		{"cut off at its end", data[:len(data)-1], id, target(dir), errDamaged, "another copy"},
		{"a bit flipped", flipped, id, target(dir), errDamaged, "another copy"},
		{"something else", []byte("this is no backup"), id, target(dir), errDamaged, "another copy"},
		{"nothing", nil, id, target(dir), errDamaged, "another copy"},
		{"words of another key", data, other, target(dir), nil, "another recovery key"},
		{"of another terminal", data, id, Target{Data: dir, Terminal: "a/b/d", Now: at}, errOther, "--replace"},
		{"older", data, id, target(dir), errOlder, "--older"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := look(t, dir)
			_, _, err := restoreInto(t.Context(), bytes.NewReader(c.data), c.id, c.to)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(payment.HintOf(err), c.hints) {
				t.Errorf("%v; hint %q", err, payment.HintOf(err))
			}
			if after := look(t, dir); after != before {
				t.Errorf("there is %s, and there was %s", after, before)
			}
		})
	}
	j, err := journal.Open(t.Context(), filepath.Join(dir, "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = restoreInto(t.Context(), bytes.NewReader(data), id, target(dir))
	if !errors.Is(err, journal.ErrInUse) {
		t.Errorf("while the terminal runs: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// Cut off between any two of its steps, a restore is ended by the next start, and gives the same terminal.
func TestRestoreCutOff(t *testing.T) {
	data, id := saved(t, terminal(t, 7), true)
	was := terminal(t, 3)
	for steps := 0; ; steps++ {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(dir, os.DirFS(was)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "journal.db"), 0o600); err != nil {
			t.Fatal(err)
		}
		left := steps
		_, _, err := restoreSteps(t.Context(), bytes.NewReader(data), id, target(dir), func() error {
			if left--; left < 0 {
				return errCut
			}
			return nil
		})
		if err == nil {
			if steps < 10 {
				t.Errorf("it has only %d steps", steps)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if err := Resume(dir); err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		got := look(t, dir)
		before := "gallery/c_a.face gallery/gallery.key journal.db pins.db registers.json terminal.key witness.json"
		after := "gallery/c_a.face gallery/gallery.key journal.db pins.db recovery.pub registers.json " +
			"restored.json terminal.key"
		if got != before && got != after {
			t.Errorf("after %d steps there is %s", steps, got)
		}
		j, err := journal.OpenReader(t.Context(), filepath.Join(dir, "journal.db"))
		if err != nil {
			t.Fatal(err)
		}
		h, err := j.Head(t.Context())
		if err = errors.Join(err, j.Close()); err != nil || (h.Seq == 7) != (got == after) {
			t.Errorf("after %d steps the journal ends with %d: %v", steps, h.Seq, err)
		}
	}
}

var errCut = errors.New("the power went")

// Words are understood as people type them, and a wrong one is named.
func TestWords(t *testing.T) {
	words, err := newKey(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(words)
	numbered := ""
	for i, w := range all {
		numbered += fmt.Sprintf("%d. %s\n", i+1, strings.ToUpper(w))
	}
	swapped := append([]string{}, all...)
	for i := range swapped[1:] {
		if swapped[i] != swapped[i+1] {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			break
		}
	}
	for _, c := range []struct{ text, says string }{
		{words, ""}, {numbered, ""}, {"  " + strings.Join(all, ",  ") + "\n", ""},
		{strings.Join(all[1:], " "), "23 words"},
		{strings.Join(append([]string{"smiletill"}, all[1:]...), " "), `word 1, "smiletill"`},
		{"", "0 words"},
	} {
		_, err := parseWords(c.text)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
	if a, err := parseWords(strings.Join(swapped, " ")); err == nil { // one in 256 has a checksum that fits
		b, _ := parseWords(words)
		if fmt.Sprint(a) == fmt.Sprint(b) {
			t.Error("the order does not matter")
		}
	}
}
