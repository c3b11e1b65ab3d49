package gallery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKeyMistakes(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(dir, key string) error
		want error
	}{
		{"missing", func(_, key string) error { return os.Remove(key) }, ErrKeyMissing},
		{"readable by the group", func(_, key string) error { return os.Chmod(key, 0o640) }, ErrUnsafe},
		{"readable by all", func(_, key string) error { return os.Chmod(key, 0o604) }, ErrUnsafe},
		{"folder readable", func(dir, _ string) error { return os.Chmod(dir, 0o750) }, ErrUnsafe},
		{"empty", func(_, key string) error { return os.Truncate(key, 0) }, ErrKeyDamaged},
		{"cut", func(_, key string) error { return os.Truncate(key, 40) }, ErrKeyDamaged},
		{"longer", func(_, key string) error {
			data, err := os.ReadFile(key)
			return errors.Join(err, os.WriteFile(key, append(data, "AAAA"...), 0o600))
		}, ErrKeyDamaged},
		{"another's", func(_, key string) error {
			return os.WriteFile(key, masterKey{7}.file(), 0o600)
		}, ErrOtherKey},
		{"of another user", func(_, key string) error {
			if os.Getuid() != 0 { // only root may give a file away
				return os.Chmod(key, 0o640)
			}
			return os.Chown(key, 12345, 12345)
		}, ErrUnsafe},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir() + "/g"
			key := filepath.Join(dir, keyName)
			g := mustOpen(t, dir, modelA)
			mustEnrol(t, g, "Ada", 1, 3)
			g.Close()
			if err := tc.do(dir, key); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(key)
			_, err := Open(dir, modelA, quiet())
			wantHint(t, err, tc.want)
			if after, _ := os.ReadFile(key); !bytes.Equal(before, after) {
				t.Error("the key was changed")
			}
		})
	}
}

func TestEveryDamagedByteOfTheKey(t *testing.T) {
	good := masterKey{1, 2, 3}
	file := good.file()
	for i := range file {
		for bit := range 8 {
			bad := slices.Clone(file)
			bad[i] ^= 1 << bit
			if key, err := parseKey(bad); err == nil && key != good {
				t.Fatalf("byte %d bit %d gives another key", i, bit)
			}
		}
		if _, err := parseKey(file[:i]); err == nil && i < len(file)-1 {
			t.Fatalf("%d bytes are taken for a key", i)
		}
	}
}

// TestEveryDamagedByteOfARecord holds a whole gallery against each: the record is left out and named, the
// other customer stays, and nobody is taken for anybody else.
func TestEveryDamagedByteOfARecord(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada, bob := mustEnrol(t, g, "Ada", 1, 3), mustEnrol(t, g, "Bob", 2, 3)
	g.Close()
	path := filepath.Join(dir, ada.ID+recordExt)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		g := mustOpen(t, dir, modelA)
		defer g.Close()
		d := g.Damaged()
		if len(d) != 1 || d[0].File != path || d[0].ID != ada.ID || d[0].Hint() == "" ||
			!errors.Is(d[0], ErrDamaged) {
			t.Fatalf("%s: damaged are %v", what, d)
		}
		if id, best, _ := g.Match(picture(1, 0)); id != bob.ID || best > 0.4 {
			t.Fatalf("%s: Ada matches %q %v", what, id, best)
		}
		if id, best, _ := g.Match(picture(2, 0)); id != bob.ID || best < 0.8 {
			t.Fatalf("%s: Bob matches %q %v", what, id, best)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
			t.Fatalf("%s: the damaged record was touched: %v", what, err)
		}
	}
	s, err := newSealer(mustKey(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good { // each byte by the reader alone, some by a whole gallery, which is slow
		bad := slices.Clone(good)
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad[i] = good[i] ^ flip
			if r, err := s.open(ada.ID, bad); err == nil {
				t.Fatalf("byte %d: read as %v", i, r.customer)
			}
		}
		if r, err := s.open(ada.ID, good[:i]); err == nil {
			t.Fatalf("cut to %d: read as %v", i, r.customer)
		}
		if i <= headerLen+20 || i%97 == 0 || i == len(good)-1 {
			check(fmt.Sprint("byte ", i), bad)
			check(fmt.Sprint("cut to ", i), good[:i])
		}
	}
	check("longer", append(slices.Clone(good), 0))
	check("far too long", append(slices.Clone(good), make([]byte, recordMax)...))
	other, err := os.ReadFile(filepath.Join(dir, bob.ID+recordExt))
	if err != nil {
		t.Fatal(err)
	}
	check("another customer's record", other)
}

func mustKey(t *testing.T, dir string) masterKey {
	data, err := os.ReadFile(filepath.Join(dir, keyName))
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestStrangeFiles(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	g.Close()
	id := func(c string) string { return filepath.Join(dir, "c_"+strings.Repeat(c, 26)+recordExt) }
	foreign, err := newSealer(masterKey{9})
	if err != nil {
		t.Fatal(err)
	}
	r := record{customer: Customer{ID: "c_" + strings.Repeat("f", 26), Name: "Eve"}, model: g.now.hash}
	for _, p := range pictures(5, 3) {
		r.templates = append(r.templates, p)
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(dir, tempMark+"123"), []byte("half"), 0o600),
		os.WriteFile(filepath.Join(dir, "ada.face"), []byte("x"), 0o600),
		os.WriteFile(id("f"), foreign.seal(r), 0o600),
		os.Mkdir(id("d"), 0o700),
		syscall.Mkfifo(id("p"), 0o600),
		os.Symlink(filepath.Join(dir, ada.ID+recordExt), id("s")),
	); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	var names []string
	for _, d := range g.Damaged() {
		names = append(names, strings.TrimSuffix(filepath.Base(d.File), recordExt)[:3])
		want := ErrDamaged
		if d.File == id("f") {
			want = ErrOtherKey
		}
		wantHint(t, d, want)
	}
	if want := []string{"ada", "c_d", "c_f", "c_p", "c_s"}; !slices.Equal(names, want) {
		t.Errorf("left out %v, want %v", names, want)
	}
	if _, err := os.Stat(filepath.Join(dir, tempMark+"123")); err == nil {
		t.Error("an unfinished file was kept")
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error(err)
	}
	if got, _, _ := g.Match(picture(1, 0)); got != ada.ID {
		t.Errorf("Ada is %q", got)
	}
}

// Children of the tests below run this binary again with the folder in this variable.
const childEnv = "GALLERY_TEST_CHILD"

func child(t *testing.T, test, dir string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	return cmd
}

// TestDiskFull writes where no file may grow beyond 1,000 bytes, which is less than a record.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		diskFullChild(t, dir)
		return
	}
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	g.Close()
	if out, err := child(t, "TestDiskFull", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	g = mustOpen(t, dir, modelA)
	if list := g.List(); len(list) != 1 || list[0] != ada || len(g.Damaged()) != 0 {
		t.Errorf("after a full disk: %v, %v", list, g.Damaged())
	}
}

func diskFullChild(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1000, Max: 1000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	g := mustOpen(t, dir, modelA)
	_, err := g.Enrol("Bob", pictures(2, 3), nil)
	wantHint(t, err, syscall.EFBIG)
	if id, best, _ := g.Match(picture(2, 0)); best > 0.5 {
		t.Errorf("Bob was not kept, but matches %s", id)
	}
	if id, _, _ := g.Match(picture(1, 0)); id != g.List()[0].ID {
		t.Errorf("Ada is %q", id)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, tempMark+"*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// TestFullFileSystem fills a real one, where a test may mount one.
func TestFullFileSystem(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("gallery", mount, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("no file system of our own to fill: mount tmpfs: %v", err)
	}
	defer syscall.Unmount(mount, syscall.MNT_DETACH) //nolint:errcheck // t.TempDir says so if it stays
	dir := mount + "/g"
	g := mustOpen(t, dir, modelA)
	var kept []Customer
	for i := range uint64(20) {
		c, err := g.Enrol(fmt.Sprint(i), pictures(i, 5), nil)
		if err != nil {
			wantHint(t, err, syscall.ENOSPC)
			break
		}
		kept = append(kept, c)
	}
	g.Close()
	g = mustOpen(t, dir, modelA)
	if list := g.List(); !slices.Equal(list, kept) || len(kept) == 0 || len(kept) == 20 || len(g.Damaged()) > 0 {
		t.Errorf("kept %v, reopened %v, damaged %v", kept, list, g.Damaged())
	}
	if err := errors.Join(g.Remove(kept[0].ID), g.Close()); err != nil {
		t.Error(err)
	}
}

// TestKilled kills a process that enrols and removes, at some moment, and holds it to what it had said.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		killedChild(t, dir)
		return
	}
	dir := t.TempDir() + "/g"
	said := 0
	for round := range 8 {
		cmd := child(t, "TestKilled", dir)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		kill := func() { cmd.Process.Kill() }
		if round == 0 { // while it opens, as likely as not
			time.AfterFunc(50*time.Millisecond, kill)
		}
		state := map[string]string{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if round > 0 && len(state) == 0 { // moments count from its first word: a busy machine is late with it
				time.AfterFunc(time.Duration(13*round)*time.Millisecond, kill)
			}
			if what, id, ok := strings.Cut(lines.Text(), " c_"); ok {
				state["c_"+id] = what
				said++
			}
		}
		io.Copy(io.Discard, out) //nolint:errcheck // until it is dead
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		g := mustOpen(t, dir, modelA)
		if d := g.Damaged(); len(d) > 0 {
			t.Fatalf("round %d: damaged %v", round, d)
		}
		there := map[string]bool{}
		for _, c := range g.List() {
			there[c.ID] = true
			if state[c.ID] == "removed" {
				t.Errorf("round %d: %s was removed and is there", round, c.ID)
			}
		}
		for id, what := range state {
			if what == "enrolled" && !there[id] {
				t.Errorf("round %d: %s was enrolled and isn't there", round, id)
			}
		}
		for id := range there {
			if err := g.Remove(id); err != nil {
				t.Fatal(err)
			}
		}
		g.Close()
	}
	if said == 0 {
		t.Error("no child lived long enough to enrol anybody")
	}
	t.Logf("%d enrolments and removals before the kills", said)
}

func killedChild(t *testing.T, dir string) {
	g := mustOpen(t, dir, modelA)
	for i := range uint64(math.MaxUint32) {
		c := mustEnrol(t, g, fmt.Sprint(i), i, 3)
		fmt.Println("enrolled", c.ID)
		if i%3 == 2 {
			fmt.Println("removing", c.ID) // from here on it may be there or not
			if err := g.Remove(c.ID); err != nil {
				t.Fatal(err)
			}
			fmt.Println("removed", c.ID)
		}
	}
}

func FuzzRecord(f *testing.F) {
	s, err := newSealer(masterKey{1})
	if err != nil {
		f.Fatal(err)
	}
	r := record{customer: Customer{ID: "c_a", Name: "Ada"}}
	for _, p := range pictures(1, 3) {
		r.templates = append(r.templates, p)
	}
	sealed := s.seal(r)
	plain, err := s.aead.Open(nil, nil, sealed[headerLen:], additional(sealed[:headerLen], "c_a"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, plain []byte) {
		if r, ok := parsePlain(plain); ok {
			if err := errors.Join(checkName(r.customer.Name), checkTemplates(r.templates)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.open("c_a", append(header(recordMagic, s.keyID, modelHash{}), plain...)); err == nil {
			t.Fatal("opened without a seal")
		}
	})
}
