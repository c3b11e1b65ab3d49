package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// at is a terminal's settings: a data folder, and a TPM by its path, "auto" or "off".
func at(dir, tpm string) config.Config {
	cfg := config.Default()
	cfg.Paths.DataDir, cfg.Security.TPM = dir, tpm
	cfg.Paths.ControlSocket = filepath.Join(dir, "none") // this machine's is not the test's
	return cfg
}

var model = gallery.Model{SHA256: strings.Repeat("ab", 32), Agree: 0.4, Same: 0.5}

// terminal makes the secrets of a terminal, as one without a TPM has them, and gives its public key.
func terminal(t *testing.T, dir string) []byte {
	t.Helper()
	cfg := at(dir, config.TPMOff)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	k, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Of(cfg).OpenPINs(t.Context(), still)
	if err == nil {
		err = errors.Join(s.Set(t.Context(), "c_a", "902751"), s.Close())
	}
	g, err2 := gallery.OpenSealed(cfg.GalleryDir(), model, Of(cfg).For(Faces), quiet())
	if err = errors.Join(err, err2); err == nil {
		_, err = g.Enrol("Ada", pictures(), nil)
		err = errors.Join(err, g.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// pictures are three templates of one face.
func pictures() (all [][]float32) {
	for i := range 3 {
		one := make([]float32, 128)
		one[0], one[i+1] = 0.995, 0.0999
		all = append(all, one)
	}
	return all
}

func still(context.Context) (time.Duration, error) { return time.Hour, nil }

// keys opens the keys of a terminal, and gives its public one.
func keys(cfg config.Config) (public []byte, err error) {
	v := Of(cfg)
	k, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), bytes.NewReader(bytes.Repeat([]byte{7}, 32)),
		v.For(Reports))
	if err != nil {
		return nil, err
	}
	g, err := gallery.OpenSealed(cfg.GalleryDir(), model, v.For(Faces), quiet())
	if err != nil {
		return nil, err
	}
	return k.Public(), g.Close()
}

// open opens all secrets of a terminal, tries its customer's PIN, and gives its public key.
func open(ctx context.Context, cfg config.Config) (public []byte, err error) {
	if public, err = keys(cfg); err != nil {
		return nil, err
	}
	s, err := Of(cfg).OpenPINs(ctx, still)
	if err != nil {
		return nil, err
	}
	if err = s.Try(ctx, "c_a", "902751"); errors.Is(err, payment.ErrPINNotSet) {
		err = nil // of a terminal that is only made
	}
	return public, errors.Join(err, s.Close())
}

func seen(cfg config.Config) *witness.Witness {
	return witness.Open(cfg.Paths.DataDir, func(error) {}, quiet())
}

// start does what a terminal's start does to them.
func start(ctx context.Context, cfg config.Config) error {
	v := Of(cfg)
	if err := v.Settle(false, quiet()); err != nil {
		return err
	}
	s, err := v.OpenPINs(ctx, still)
	if err != nil {
		return err
	}
	return errors.Join(v.SettlePINs(ctx, s, seen(cfg)), s.Close())
}

// sealedAll tells whether the files of keys are sealed, with nothing beside them.
func sealedAll(t *testing.T, cfg config.Config) bool {
	t.Helper()
	all := true
	for _, f := range Of(cfg).files() {
		is, err := begins(f.path)
		if err != nil {
			t.Fatal(err)
		}
		all = all && is
		next, was := f.beside()
		for _, left := range []string{next, was} {
			if _, err := os.Lstat(left); err == nil {
				t.Errorf("%s is left", left)
			}
		}
	}
	return all
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, os.Chmod(path, 0o700))
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// A copied data folder opens on its machine, on no other with a TPM, on none without one, and not when the
// TPM was cleared. No other key is made in the place of one that does not open.
func TestCopiedFolderOpensNowhereElse(t *testing.T) {
	ctx := t.Context()
	here, other := tpmtest.New(t), tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	key := terminal(t, dir)
	if err := start(ctx, at(dir, here.Path)); err != nil {
		t.Fatal(err)
	}
	if !sealedAll(t, at(dir, here.Path)) {
		t.Fatal("a start does not seal")
	}
	if got, err := open(ctx, at(copyOf(t, dir), here.Path)); err != nil || !bytes.Equal(got, key) {
		t.Errorf("a copy on its machine: %v", err)
	}
	refused := func(name, tpmPath string, want error) {
		t.Helper()
		original := dir
		dir := copyOf(t, original)
		cfg := at(dir, tpmPath)
		v := Of(cfg)
		_, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), nil, v.For(Reports))
		_, err2 := gallery.OpenSealed(cfg.GalleryDir(), model, v.For(Faces), quiet())
		s, err3 := v.OpenPINs(ctx, still)
		if err3 != nil {
			t.Fatal(err3)
		}
		err3 = s.Try(ctx, "c_a", "902751")
		for what, err := range map[string]error{"reports": err, "faces": err2, "PINs": err3,
			"a start": start(ctx, cfg)} {
			if !errors.Is(err, want) || payment.HintOf(err) == "" {
				t.Errorf("%s, %s: %v; hint %q", name, what, err, payment.HintOf(err))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, f := range Of(cfg).files() {
			was, err := os.ReadFile(filepath.Join(original, strings.TrimPrefix(f.path, dir)))
			now, err2 := os.ReadFile(f.path)
			if err := errors.Join(err, err2); err != nil || !bytes.Equal(was, now) {
				t.Errorf("%s: %s is another: %v", name, f.path, err)
			}
		}
	}
	refused("another machine", other.Path, tpm.ErrOther)
	refused("one without a TPM", filepath.Join(dir, "none"), tpm.ErrNone)
	refused("security.tpm off", config.TPMOff, errOff)
	here.Clear(t)
	refused("a cleared one", here.Path, tpm.ErrCleared)
}

// A terminal that is new on a machine with a TPM never has a key on its disk that is not sealed.
func TestNewKeysAreSealed(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := at(dir, m.Path)
	first, err := open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !sealedAll(t, cfg) {
		t.Error("a new key is not sealed")
	}
	if again, err := open(t.Context(), cfg); err != nil || !bytes.Equal(first, again) {
		t.Errorf("opened again: %v", err)
	}
}

var errCut = errors.New("the power went")

// Cut off before any change on the disk, the keys are usable, and the next start ends what was begun; what
// was there in plain is not there any more.
func TestSealingCutOff(t *testing.T) {
	m := tpmtest.New(t)
	was := filepath.Join(t.TempDir(), "data")
	key := terminal(t, was)
	secret, err := os.ReadFile(filepath.Join(was, "terminal.key"))
	if err != nil {
		t.Fatal(err)
	}
	for steps := 0; ; steps++ {
		dir := copyOf(t, was)
		cfg := at(dir, m.Path)
		held := hold(t, cfg.TerminalKeyPath())
		left := steps
		err := Of(cfg).settle(quiet(), func() error {
			if left--; left < 0 {
				return errCut
			}
			return nil
		})
		done := err == nil
		if !done && !errors.Is(err, errCut) {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("cut off after %d steps: %v", steps, err)
		}
		// The next start is cut off as well, at each of its steps: nothing is worse for it.
		for again := 0; !done && again < 4; again++ {
			left = again
			err := Of(cfg).settle(quiet(), func() error {
				if left--; left < 0 {
					return errCut
				}
				return nil
			})
			if err != nil && !errors.Is(err, errCut) {
				t.Fatalf("after %d and %d steps: %v", steps, again, err)
			}
			if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
				t.Fatalf("cut off after %d, and then %d steps: %v", steps, again, err)
			}
		}
		if err := Of(cfg).Settle(false, quiet()); err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if !sealedAll(t, cfg) {
			t.Errorf("after %d steps not all is sealed", steps)
		}
		if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
			t.Errorf("after %d steps: %v", steps, err)
		}
		if text := held(); bytes.Contains(text, secret) || !bytes.Equal(text, make([]byte, len(text))) {
			t.Errorf("after %d steps the old file still holds the key", steps)
		}
		if done {
			if steps < 14 {
				t.Errorf("it has only %d steps", steps)
			}
			return
		}
	}
}

// hold keeps a file open that is about to be replaced, and gives what it holds at the end.
func hold(t *testing.T, path string) func() []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return func() []byte {
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
		return text
	}
}

// Where a version before may be back, or the alarm stands, keys stay as they are; where the TPM went, nothing
// is sealed to it that it would not open.
func TestSealingWaits(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	cfg := at(dir, m.Path)
	v := Of(cfg)
	s, err := v.OpenPINs(t.Context(), still)
	if err == nil {
		err = errors.Join(v.Settle(true, quiet()), v.SettlePINs(t.Context(), s, seen(cfg)))
	}
	if err != nil {
		t.Fatal(err)
	}
	if is, err := s.Sealed(t.Context()); is || err != nil || sealedAll(t, cfg) {
		t.Errorf("it has not waited: %v %v", is, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	m.Stop(t)
	if err := start(t.Context(), cfg); !errors.Is(err, tpm.ErrNone) || payment.HintOf(err) == "" {
		t.Errorf("the TPM is named, and not there: %v", err)
	}
	if _, err := open(t.Context(), at(dir, config.TPMOff)); err != nil {
		t.Errorf("without it: %v", err)
	}
}

// The way back: everything is as it was, and opens without a TPM; it asks no settings.
func TestUnseal(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	key := terminal(t, dir)
	if err := start(ctx, at(dir, m.Path)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Of(at(dir, m.Path)).Unseal(ctx, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "3 secrets") ||
		!strings.Contains(out.String(), "on this machine they stay so") {
		t.Errorf("it says %q", out.String())
	}
	got, err := open(ctx, at(dir, config.TPMOff))
	if err != nil || !bytes.Equal(got, key) {
		t.Errorf("without a TPM: %v", err)
	}
	if sealedAll(t, at(dir, m.Path)) {
		t.Error("it is still sealed")
	}
	// There, named or not, nothing seals them again; another machine does, and that one again then.
	for range 2 {
		if err := start(ctx, at(dir, m.Path)); err != nil || sealedAny(t, at(dir, m.Path)) {
			t.Errorf("the next start: %v", err)
		}
	}
	if p, err := Of(at(dir, m.Path)).Protection(); err != nil || p.Level != "warning" ||
		!strings.Contains(p.Do, plainName) {
		t.Errorf("what is said of it: %+v %v", p, err)
	}
	other := tpmtest.New(t)
	if err := start(ctx, at(dir, other.Path)); err != nil || !sealedAll(t, at(dir, other.Path)) {
		t.Errorf("another machine: %v", err)
	}
	if err := Of(at(dir, other.Path)).Unseal(ctx, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := start(ctx, at(dir, m.Path)); err != nil || !sealedAll(t, at(dir, m.Path)) {
		t.Errorf("back on the first: %v", err)
	}
}

// sealedAny tells whether any key is sealed, the PINs' too.
func sealedAny(t *testing.T, cfg config.Config) bool {
	t.Helper()
	s, err := Of(cfg).OpenPINs(t.Context(), still)
	if err != nil {
		t.Fatal(err)
	}
	any, err := s.Sealed(t.Context())
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, f := range Of(cfg).files() {
		is, err := begins(f.path)
		any = any || is || err != nil
	}
	return any
}

// A terminal that runs is not unsealed, out of order as well, when it has no lock; nor does a start seal
// while a command unseals.
func TestUnsealWhileItRuns(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	cfg := at(dir, m.Path)
	cfg.Paths.ControlSocket = filepath.Join(t.TempDir(), "s")
	if err := start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", cfg.Paths.ControlSocket)
	if err != nil {
		t.Fatal(err)
	}
	err = Of(cfg).Unseal(t.Context(), io.Discard)
	if !strings.Contains(payment.HintOf(err), "systemctl stop") || !sealedAll(t, cfg) {
		t.Errorf("out of order: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// The file that says that keys stay as they are is nothing where they are sealed.
	err = Of(cfg).stayPlain()
	if use, err2 := Of(cfg).seals(); errors.Join(err, err2) != nil || !use {
		t.Errorf("sealed keys, and such a file: %v %v", err, err2)
	}
	lock, err := Of(cfg).hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := Of(cfg).Settle(false, quiet()); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("a start meanwhile: %v", err)
	}
	if err := errors.Join(lock.Close(), Of(cfg).Unseal(t.Context(), io.Discard)); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// What the technician reads of it.
func TestProtection(t *testing.T) {
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	old := copyOf(t, dir)
	is := func(tpm, level, words string) {
		t.Helper()
		p, err := Of(at(dir, tpm)).Protection()
		if err != nil || p.Level != level || !strings.Contains(p.Words, words) || (level == "ok") != (p.Do == "") {
			t.Errorf("%s: %+v %v; want %s, %q", tpm, p, err, level, words)
		}
	}
	is(config.TPMOff, "ok", "software protection")
	is(filepath.Join(dir, "none"), "fault", "not there")
	is(m.Path, "warning", "not all keys are sealed")
	if err := start(t.Context(), at(dir, m.Path)); err != nil {
		t.Fatal(err)
	}
	is(m.Path, "ok", "sealed to this machine's TPM")
	// What a restore has put aside counts too, each of its parts.
	for _, name := range []string{"terminal.key", "gallery/gallery.key", "pins.db"} {
		aside := filepath.Join(dir, "before-restore-20260102T030405Z")
		for _, from := range []string{old, dir} { // as it was, and as it is now
			text, err := os.ReadFile(filepath.Join(from, name))
			if err == nil {
				err = os.MkdirAll(filepath.Dir(filepath.Join(aside, name)), 0o700)
			}
			if err = errors.Join(err, os.WriteFile(filepath.Join(aside, name), text, 0o600)); err != nil {
				t.Fatal(err)
			}
			level := map[string]string{old: "warning", dir: "ok"}[from]
			is(m.Path, level, map[string]string{old: aside, dir: "sealed to this machine's TPM"}[from])
		}
	}
	is(config.TPMOff, "fault", "security.tpm is off")
	m.Stop(t)
	is(m.Path, "fault", "sealed to a TPM")
}

// A TPM that goes before any step, or does not open what it has sealed, leaves keys that are usable when it
// is there again: no plain key goes before what takes its place was opened.
func TestTPMGoesWhileSealing(t *testing.T) {
	m := tpmtest.New(t)
	was := filepath.Join(t.TempDir(), "data")
	key := terminal(t, was)
	for steps := 0; ; steps++ {
		dir := copyOf(t, was)
		cfg := at(dir, m.Path)
		left := steps
		err := Of(cfg).settle(quiet(), func() error {
			if left == 0 {
				m.Stop(t)
			}
			left--
			return nil
		})
		reached := left < 0
		if reached {
			// While it is away the other key, if nothing has sealed that yet, goes on as it is.
			if is, err := begins(cfg.TerminalKeyPath()); err == nil && !is {
				_, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), nil, Of(cfg).For(Reports))
				if err != nil {
					t.Errorf("gone after %d steps, not sealed: %v", steps, err)
				}
			}
			m.Start(t)
		}
		if got, err := keys(cfg); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("gone after %d steps: %v", steps, err)
		}
		if again := Of(cfg).Settle(false, quiet()); again != nil || !sealedAll(t, cfg) {
			t.Errorf("gone after %d steps (%v), the next start: %v", steps, err, again)
		}
		if !reached {
			return
		}
	}
}

// auto is the vault of settings that say "auto", on a machine whose TPM is where this one's would be.
func auto(dir, path string) *Vault {
	v := Of(at(dir, config.TPMAuto))
	v.tpm = tpm.At(path)
	return v
}

// A TPM that is there and seals nothing, because its owner has a password say, stops no terminal that has not
// named it: all goes on as without one. One that is named has to work.
func TestTPMThatCannotBeUsed(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	m.Do(t, func(p transport.TPM) error {
		_, err := tpm2.HierarchyChangeAuth{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner,
			Auth: tpm2.PasswordAuth(nil)}, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("mine")}}.Execute(p)
		return err
	})
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	for _, c := range []struct {
		v    *Vault
		want error
	}{{auto(dir, m.Path), nil}, {Of(at(dir, m.Path)), tpm.ErrOwned}} {
		s, err := c.v.OpenPINs(ctx, still)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.v.For(Faces).Seal([]byte("a new key"))
		for what, err := range map[string]error{"keys": c.v.Settle(false, quiet()),
			"PINs": c.v.SettlePINs(ctx, s, seen(c.v.cfg)), "a new key": err} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s, named %v: %v", what, c.v.named(), err)
			}
		}
		err = s.Try(ctx, "c_a", "902751")
		if is, err2 := s.Sealed(ctx); is || errors.Join(err, err2, s.Close()) != nil {
			t.Errorf("afterwards: %v %v", is, errors.Join(err, err2))
		}
	}
	if _, err := open(ctx, at(dir, config.TPMOff)); err != nil {
		t.Errorf("the keys: %v", err)
	}
}
