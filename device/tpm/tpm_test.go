package tpm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"smiletill/device/tpm/tpmtest"
)

// hint is what an error tells an operator to do.
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// What is sealed on a machine opens there, also after it was off, and on no other.
func TestOpensOnThisMachineAlone(t *testing.T) {
	a, b := tpmtest.New(t), tpmtest.New(t)
	secret := bytes.Repeat([]byte("a longer secret than a TPM takes "), 50)
	sealed, err := At(a.Path).Seal("faces", secret)
	if err != nil {
		t.Fatal(err)
	}
	if !Sealed(sealed) || bytes.Contains(sealed, secret[:12]) || bytes.Count(sealed, []byte("\n")) != 1 {
		t.Errorf("it is not sealed, or no line: %.80q", sealed)
	}
	a.Stop(t)
	a.Start(t)
	if got, err := At(a.Path).Unseal("faces", sealed); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("on its machine: %v", err)
	}
	if got, err := At(b.Path).Unseal("faces", sealed); !errors.Is(err, ErrOther) || len(got) > 0 {
		t.Errorf("on another: %q %v", got, err)
	} else if !strings.Contains(hint(err), "put the disk back") {
		t.Errorf("hint %q", hint(err))
	}
	// The names that say whose it is protect nothing: with those of the other machine it opens there no more.
	stolen := forged(t, sealed, func(f *form) {
		other, err := At(b.Path).Seal("faces", nil)
		if err != nil {
			t.Fatal(err)
		}
		var o form
		if err := json.Unmarshal(bytes.TrimPrefix(other, []byte(magic)), &o); err != nil {
			t.Fatal(err)
		}
		f.Machine, f.Parent = o.Machine, o.Parent
	})
	if got, err := At(b.Path).Unseal("faces", stolen); !errors.Is(err, ErrDamaged) || len(got) > 0 {
		t.Errorf("with the other's names: %q %v", got, err)
	}
}

func forged(t *testing.T, sealed []byte, change func(*form)) []byte {
	t.Helper()
	var f form
	err := json.Unmarshal(bytes.TrimPrefix(sealed, []byte(magic)), &f)
	if err == nil {
		change(&f)
	}
	text, err2 := json.Marshal(f)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return append([]byte(magic), text...)
}

// What was sealed before a clearing is told from another machine's. What was changed or is for something else
// does not open.
func TestClearedDamagedAndOtherPurpose(t *testing.T) {
	m := tpmtest.New(t)
	sealed, err := At(m.Path).Seal("faces", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := At(m.Path).Unseal("PINs", sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("for another purpose: %v", err)
	}
	for name, change := range map[string]func(*form){
		"data":     func(f *form) { f.Data[len(f.Data)-1] ^= 1 },
		"private":  func(f *form) { f.Private[len(f.Private)-1] ^= 1 },
		"public":   func(f *form) { f.Public[len(f.Public)-1] ^= 1 },
		"cut off":  func(f *form) { f.Private = f.Private[:3] },
		"no data":  func(f *form) { f.Data = nil },
		"no key":   func(f *form) { f.Public, f.Private = nil, nil },
		"no shape": func(f *form) { f.Public = []byte("something else") },
	} {
		if got, err := At(m.Path).Unseal("faces", forged(t, sealed, change)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for _, text := range []string{"", magic, magic + "{", string(sealed[:len(sealed)/2])} {
		if _, err := At(m.Path).Unseal("faces", []byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	m.Clear(t)
	if _, err := At(m.Path).Unseal("faces", sealed); !errors.Is(err, ErrCleared) ||
		!strings.Contains(hint(err), "smiletill restore") {
		t.Errorf("after a clearing: %v; hint %q", err, hint(err))
	}
}

// The counter grows by one, over a loss of power too, and begins above what it was when it is made anew.
func TestCounter(t *testing.T) {
	m := tpmtest.New(t)
	at := At(m.Path)
	if n, there, err := at.Counter(t.Context()); n != 0 || there || err != nil {
		t.Fatalf("at first: %d %v %v", n, there, err)
	}
	next := func() uint64 {
		t.Helper()
		n, err := at.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := next()
	if n := next(); n != first+1 {
		t.Errorf("after %d came %d", first, n)
	}
	m.Stop(t)
	m.Start(t)
	if n, there, err := at.Counter(t.Context()); n != first+1 || !there || err != nil {
		t.Errorf("after a loss of power: %d %v %v", n, there, err)
	}
	m.Do(t, func(p transport.TPM) error {
		index, _, err := look(p)
		if err == nil {
			_, err = tpm2.NVUndefineSpace{AuthHandle: tpm2.TPMRHOwner, NVIndex: index}.Execute(p)
		}
		return err
	})
	if _, there, err := at.Counter(t.Context()); there || err != nil {
		t.Errorf("taken away: %v %v", there, err)
	}
	if n := next(); n <= first+1 {
		t.Errorf("made anew it is %d, and was %d", n, first+1)
	}
}

// While dictionary attack protection holds, which others have caused, all of it works; and nothing here
// causes it.
func TestOutsideTheLockout(t *testing.T) {
	m := tpmtest.New(t)
	sealed, err := At(m.Path).Seal("faces", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	lockOut := func(p transport.TPM) error {
		key, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(withPassword()),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				UserAuth: tpm2.TPM2BAuth{Buffer: []byte("right")},
				Data:     tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: []byte("x")})}}}.Execute(p)
		if err != nil {
			return err
		}
		try := func(password string) error {
			_, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: key.ObjectHandle, Name: key.Name,
				Auth: tpm2.PasswordAuth([]byte(password))}}.Execute(p)
			return err
		}
		for range 40 { // more than a TPM of any maker allows
			if err := try("wrong"); !errors.Is(err, tpm2.TPMRCAuthFail) {
				break
			}
		}
		if err := try("right"); !errors.Is(err, tpm2.TPMRCLockout) {
			return fmt.Errorf("it is not locked out: %w", err)
		}
		_, err = tpm2.FlushContext{FlushHandle: key.ObjectHandle}.Execute(p)
		return err
	}
	m.Do(t, lockOut)
	if got, err := At(m.Path).Unseal("faces", sealed); err != nil || string(got) != "secret" {
		t.Errorf("unseal: %v", err)
	}
	if _, err := At(m.Path).Seal("faces", []byte("secret")); err != nil {
		t.Errorf("seal: %v", err)
	}
	if _, err := At(m.Path).Next(t.Context()); err != nil {
		t.Errorf("count: %v", err)
	}
}

// withPassword is a sealed object that counts against the lockout.
func withPassword() tpm2.TPMTPublic {
	like := template()
	like.ObjectAttributes.NoDA = false
	return like
}

// Several at once get what they asked for, one after the other.
func TestSeveralAtOnce(t *testing.T) {
	m := tpmtest.New(t)
	sealed, err := At(m.Path).Seal("faces", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got, err := At(m.Path).Unseal("faces", sealed); err != nil || string(got) != "secret" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	all.Wait()
}

// fake answers every command with a code of the TPM, or an error of the system, so often; then with success.
type fake struct {
	rc   tpm2.TPMRC
	left int
	sent int
}

func (f *fake) Close() error { return nil }

func (f *fake) Send([]byte) ([]byte, error) {
	f.sent++
	rc := f.rc
	if f.left--; f.left < 0 {
		rc = 0
	}
	return []byte{0x80, 0x01, 0, 0, 0, 10, byte(rc >> 24), byte(rc >> 16), byte(rc >> 8), byte(rc)}, nil
}

// A busy TPM is asked again, for a while; then that is said. Other answers are not asked again.
func TestBusy(t *testing.T) {
	for _, c := range []struct {
		rc    tpm2.TPMRC
		times int
		want  error
		once  bool
	}{
		{tpm2.TPMRCRetry, 5, nil, false}, {tpm2.TPMRCNVRate, 3, nil, false},
		{tpm2.TPMRCRetry, 1000, ErrBusy, false},
		{tpm2.TPMRCLockout, 1000, ErrLockedOut, true}, {tpm2.TPMRCBadAuth + 0x900, 1000, ErrOwned, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{rc: c.rc, left: c.times}
			at := &TPM{path: "fake", open: func() (transport.TPMCloser, error) { return f, nil }}
			begun := time.Now()
			err := at.do(t.Context(), func(p transport.TPM) error {
				_, err := tpm2.FlushContext{FlushHandle: tpm2.TPMHandle(0x80000000)}.Execute(p)
				return err
			})
			took := time.Since(begun)
			if !errors.Is(err, c.want) || (f.sent == 1) != c.once || took > Patience+longestPause {
				t.Errorf("%v: %v after %v and %d commands", c.rc, err, took, f.sent)
			}
			if c.want != nil && hint(err) == "" {
				t.Errorf("%v: nothing says what to do", err)
			}
		})
	}
}

// A device that one program alone can open is waited for, as long as that has it.
func TestOneProgramsDevice(t *testing.T) {
	for _, times := range []int{3, 1000} {
		synctest.Test(t, func(t *testing.T) {
			left := times
			at := &TPM{path: "/dev/tpm0", open: func() (transport.TPMCloser, error) {
				if left--; left >= 0 {
					return nil, &fs.PathError{Op: "open", Path: "/dev/tpm0", Err: syscall.EBUSY}
				}
				return &fake{}, nil
			}}
			err := at.do(t.Context(), func(transport.TPM) error { return nil })
			if (err == nil) != (times == 3) || err != nil && (!errors.Is(err, ErrBusy) || hint(err) == "") {
				t.Errorf("after %d: %v", times, err)
			}
		})
	}
}

// The owner's password is no riddle.
func TestOwnersPassword(t *testing.T) {
	m := tpmtest.New(t)
	m.Do(t, func(p transport.TPM) error {
		_, err := tpm2.HierarchyChangeAuth{AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner,
			Auth: tpm2.PasswordAuth(nil)}, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("mine")}}.Execute(p)
		return err
	})
	if _, err := At(m.Path).Seal("faces", nil); !errors.Is(err, ErrOwned) || hint(err) == "" {
		t.Errorf("%v; hint %q", err, hint(err))
	}
}

// What the system refuses is said in words, with what to do.
func TestWordsOfTheSystem(t *testing.T) {
	for err, want := range map[error]error{
		&fs.PathError{Err: syscall.ENOENT}: ErrNone, &fs.PathError{Err: syscall.ENODEV}: ErrNone,
		&fs.PathError{Err: syscall.EACCES}:                  ErrRights,
		os.NewSyscallError("connect", syscall.ECONNREFUSED): ErrNone,
	} {
		at := &TPM{path: "/dev/tpmrm0", open: func() (transport.TPMCloser, error) { return nil, err }}
		if got := at.Check(); !errors.Is(got, want) || hint(got) == "" ||
			!strings.Contains(got.Error(), "/dev/tpmrm0") {
			t.Errorf("%v: %v; hint %q", err, got, hint(got))
		}
	}
	m := tpmtest.New(t)
	if err := At(m.Path).Check(); err != nil {
		t.Error(err)
	}
	m.Stop(t)
	if err := At(m.Path).Check(); !errors.Is(err, ErrNone) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without power: %v", err) // a file that is sealed must not be taken for one that is missing
	}
}
