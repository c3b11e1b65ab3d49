//go:build !notflite

package till_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// wire is what lies between a register and the terminal: it can be cut, and mended.
type wire struct {
	net.Listener
	mu     sync.Mutex
	to     string // "" while it is cut
	pieces map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to, pieces: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); w.lead("") })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			w.join(near)
		}
	}()
	return w
}

func (w *wire) url() string { return "https://" + w.Addr().String() + "/nexo" }

func (w *wire) join(near net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	far, err := net.Dial("tcp", w.to)
	if w.to == "" || err != nil {
		_ = near.Close()
		return
	}
	w.pieces[near], w.pieces[far] = true, true
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // until it is cut
			_ = pair[0].Close()
		}()
	}
}

// lead cuts what runs over the wire, and leads it to another place from then on; "" nowhere.
func (w *wire) lead(to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
	for c := range w.pieces {
		_ = c.Close()
	}
	clear(w.pieces)
}

// ask runs a command of `smiletill register` against the terminal at a URL, whose certificate is in the data.
func (s *shop) ask(ctx context.Context, url string, args ...string) (code int, stdout, stderr string) {
	s.T.Helper()
	var out, errs bytes.Buffer
	line := append(append([]string{"register"}, args...), s.Flags[:6]...)
	line = append(line, "--certificate", filepath.Join(s.Dir, "data", "register.crt"), "--url", url)
	code = cli.Run(ctx, "test", line, cli.Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// books are the payments in the journal, by state.
func (s *shop) books() map[payment.State]int {
	s.T.Helper()
	r := s.journal()
	defer r.Close()
	entries, err := r.List(s.T.Context(), journal.Filter{Limit: -1})
	if err != nil {
		s.T.Fatal(err)
	}
	states := map[payment.State]int{}
	for _, e := range entries {
		states[e.Payment.State]++
	}
	return states
}

// pairFor pairs a register and gives the flags with which it encrypts.
func (s *shop) pairFor(name string) (flags []string, said string) {
	s.T.Helper()
	code, out, errs := s.Cli("register", "pair", name)
	if code != 0 {
		s.T.Fatalf("pair: %d %s", code, errs)
	}
	file := filepath.Join(s.T.TempDir(), "passphrase")
	if err := os.WriteFile(file, []byte(field(s.T, out, "passphrase")+"\n"), 0o600); err != nil {
		s.T.Fatal(err)
	}
	return []string{"--key-id", field(s.T, out, "KeyIdentifier"), "--key-version", field(s.T, out, "KeyVersion"),
		"--passphrase-file", file}, out
}

// field is what follows a word in a block of them.
func field(t *testing.T, block, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(name) + ` +(.+)$`).FindStringSubmatch(block)
	if m == nil {
		t.Fatalf("no %s in\n%s", name, block)
	}
	return m[1]
}

func wants(t *testing.T, what string, code, want int, text string, words ...string) {
	t.Helper()
	if code != want {
		t.Errorf("%s: exit code %d, want %d\n%s", what, code, want, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s: no %q in\n%s", what, w, text)
		}
	}
}

// TestRegisterCommands drives `smiletill register` against a terminal of this process: over HTTPS, plain and
// sealed, with a face.
func TestRegisterCommands(t *testing.T) {
	t.Parallel()
	s := newCounter(t)
	addr, _ := s.ready()
	url := "https://" + addr + "/nexo"
	approved := 0
	sealed, _ := s.pairFor("Counter 1")
	for _, mode := range []struct {
		name  string
		flags []string
	}{{"plain", nil}, {"sealed", sealed}} {
		t.Run(mode.name, func(t *testing.T) {
			ask := func(args ...string) (int, string, string) {
				return s.ask(t.Context(), url, append(args, mode.flags...)...)
			}
			if mode.flags != nil { // the terminal reads the file of paired registers every two seconds at least
				s.Eventually("the pairing", func() bool { code, _, _ := ask("diagnose"); return code == 0 })
			}
			code, out, errs := ask("pay", "4.20", "--service-id", "A-"+mode.name, "--reference", "smile 17", "--tip",
				"0.20")
			wants(t, "pay", code, 0, out+errs, "ServiceID A-"+mode.name+": 4.20 EUR",
				"approved: 4.20 EUR, 0.20 of it tip", "Tip                     0.20 EUR",
				"CUSTOMER RECEIPT", "TOTAL                   4.20 EUR", "smile 17")
			approved++
			id := strings.TrimSuffix(field(t, out, "transaction"), ", for `smiletill register reverse`")
			if got := s.books()[payment.StateApproved]; got != approved {
				t.Errorf("the journal has %d approved payments, want %d", got, approved)
			}
			code, out, errs = ask("pay", "4.20", "--tip", "4.30")
			wants(t, "a tip above all", code, 3, out+errs, "TipAmount", "total with the tip in it")
			code, out, errs = ask("pay", "4.20", "--tip", "some")
			wants(t, "no tip", code, 2, out+errs, "--tip")
			code, out, errs = ask("pay", "4.20", "--poi", "V400m-1")
			wants(t, "another terminal's POIID", code, 3, out+errs, "V400m-1", "hint:", "--poi smiletill-")
			code, out, errs = ask("pay", "4.20", "--service-id", "A-"+mode.name)
			wants(t, "the same again", code, 3, out+errs, "NotAllowed", "register status A-"+mode.name)
			code, out, errs = ask("status", "A-"+mode.name, "--receipt=cashier", "--columns", "48")
			wants(t, "status", code, 0, out+errs, "approved: 4.20 EUR", "CASHIER RECEIPT", "COPY", id)
			code, out, errs = ask("reverse", id, "1.20", "--reason", "CustCancel")
			wants(t, "reverse", code, 0, out+errs, "given back: 1.20", "GIVEN BACK", id)
			code, out, errs = ask("status")
			wants(t, "status of the reversal", code, 0, out+errs, "Reversal", "given back: 1.20")
			code, out, errs = ask("reverse", id, "3.01")
			wants(t, "too much back", code, 3, out+errs, "not given back", "NotAllowed")
			code, out, errs = ask("totals", "--json")
			wants(t, "totals", code, 0, out+errs, `"ReverseDebit"`)
			if !json.Valid([]byte(out)) {
				t.Errorf("totals --json prints\n%s", out)
			}
			code, out, errs = ask("reconcile")
			wants(t, "reconcile", code, 0, out+errs, "closed", "given back      1  1.20")
			code, out, errs = ask("totals")
			wants(t, "totals afterwards", code, 0, out+errs, "nothing was paid")
			code, out, errs = ask("reconcile", "--previous", "0")
			wants(t, "the period again", code, 0, out+errs, "given back      1  1.20")
			code, out, errs = ask("display", "2 coffees", "5.80 "+mode.name, "--for", "20s")
			wants(t, "display", code, 0, out+errs, "shown")
			s.Eventually("the note", func() bool {
				return s.View().Note == "2 coffees\n5.80 "+mode.name
			})
			code, out, errs = ask("logout")
			wants(t, "logout", code, 0, out+errs, "logged out")
			code, out, errs = ask("pay", "1")
			wants(t, "pay logged out", code, 3, out+errs, "LoggedOut", "register login")
			code, out, errs = ask("login")
			wants(t, "login", code, 0, out+errs, "logged in")
			code, out, errs = ask("diagnose")
			wants(t, "diagnose", code, 0, out+errs, "ready for payments", "not reached")
		})
	}
	code, out, errs := s.Cli("register", "unpair", "counter-1")
	wants(t, "unpair", code, 0, out+errs, "removed")
	code, out, errs = s.ask(t.Context(), url, append([]string{"diagnose"}, sealed...)...)
	wants(t, "a register that is paired no more", code, 1, out+errs, "no register is paired with key")
	s.NothingPersonalLeaked()
}

// TestRegisterPayIsFollowedToItsEnd cuts the connection, restarts the terminal and presses Ctrl-C while a
// payment runs. Each is sent once.
func TestRegisterPayIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	s := newCounter(t)
	addr, end := s.ready()
	w := newWire(t, addr)
	type told struct {
		code      int
		out, errs string
	}
	pay := func(ctx context.Context, id string) <-chan told {
		done := make(chan told, 1)
		go func() {
			code, out, errs := s.ask(ctx, w.url(), "pay", "2.00", "--service-id", id)
			done <- told{code, out, errs}
		}()
		s.began(t, id)
		return done
	}

	done := pay(t.Context(), "CUT")
	w.lead("")
	time.Sleep(700 * time.Millisecond) // a question or two find no terminal
	s.stepUp("customer_smile")
	w.lead(addr)
	a := <-done
	wants(t, "the connection was cut", a.code, 0, a.out+a.errs, "no answer came", "asking until it does",
		"approved: 2.00 EUR", "CUSTOMER RECEIPT")

	ctx, interrupt := context.WithCancel(t.Context())
	done = pay(ctx, "CTRL-C")
	interrupt()
	a = <-done
	wants(t, "Ctrl-C", a.code, 3, a.out+a.errs, "aborting", "cancelled: by the register", "Aborted")

	done = pay(t.Context(), "ABORTED")
	code, out, errs := s.ask(t.Context(), w.url(), "abort", "ABORTED")
	wants(t, "abort", code, 0, out+errs, "has ended", "Aborted")
	a = <-done
	wants(t, "aborted", a.code, 3, a.out+a.errs, "Aborted")

	done = pay(t.Context(), "RESTARTED")
	w.lead("")
	end()
	addr, _ = s.ready()
	w.lead(addr)
	a = <-done
	wants(t, "the terminal was started again", a.code, 3, a.out+a.errs, "no answer came",
		"nothing was charged")

	code, out, errs = s.ask(t.Context(), w.url(), "abort", "CUT")
	wants(t, "abort too late", code, 3, out+errs, "approved before", "register reverse nexo-")
	code, out, errs = s.ask(t.Context(), w.url(), "abort", "NEVER")
	wants(t, "abort of nothing", code, 3, out+errs, "knows no Payment NEVER")
	w.lead("")
	code, out, errs = s.ask(t.Context(), w.url(), "pay", "2.00")
	wants(t, "nobody there", code, 1, out+errs, "nothing was sent", "hint:")
	if b := s.books(); b[payment.StateApproved] != 1 || len(b) != 3 {
		t.Errorf("the journal: %v", b)
	}
}

// TestRegisterBySocket: on a terminal as it is shipped a technician's commands need no key, since only the
// terminal's own user can open its control socket; the registers' port takes nothing that is not encrypted.
func TestRegisterBySocket(t *testing.T) {
	t.Parallel()
	s := newCounter(t, "--register-plain=false")
	addr, _ := s.ready()
	own := func(args ...string) (int, string) {
		code, out, errs := s.Cli(append(append([]string{"register"}, args...), "--register-listen", addr)...)
		return code, out + errs
	}
	code, text := own("diagnose")
	wants(t, "diagnose", code, 0, text, "ready for payments", addr)
	code, text = own("pay", "1.50", "EUR", "--reference", "smile by the socket")
	wants(t, "pay", code, 0, text, "APPROVED")
	transaction := regexp.MustCompile(`nexo-\w+`).FindString(text)
	for _, args := range [][]string{{"reverse", transaction}, {"display", "PAID 12.00 EUR"},
		{"pay", "1.00", "EUR"}, {"diagnose"}} {
		code, out, errs := s.ask(t.Context(), "https://"+addr+"/nexo", args...)
		wants(t, "by the port: "+args[0], code, 1, out+errs, "must be encrypted", "register pair")
	}
	code, text = own("display", "two for one")
	wants(t, "display", code, 0, text)
	s.Eventually("the register's words", func() bool { return s.View().Note == "two for one" })
	code, text = own("reverse", transaction, "0.50")
	wants(t, "reverse", code, 0, text, "0.50")
	if b := s.books(); b[payment.StateApproved] != 1 || len(b) != 1 {
		t.Errorf("the journal: %v", b)
	}
}

func TestRegisterKnowsWhomItTalksTo(t *testing.T) {
	t.Parallel()
	s := newCounter(t)
	addr, _ := s.ready()
	url := "https://" + addr + "/nexo"
	cli := func(args ...string) (int, string) {
		code, out, errs := s.Cli(append([]string{"register"}, args...)...)
		return code, out + errs
	}
	code, text := cli("certificate")
	wants(t, "certificate", code, 0, text, "smiletill-till-1", "by itself", "register.crt")
	print := strings.Join(regexp.MustCompile(`\b[0-9a-f]{4}\b`).FindAllString(text, 16), ":")
	if _, text := cli("certificate", "--pem"); !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("--pem prints %s", text)
	}
	code, text = cli("diagnose", "--url", url)
	wants(t, "no pin", code, 2, text, "can't be told who answers", "--fingerprint")
	code, text = cli("diagnose", "--url", url, "--fingerprint", strings.ToUpper(print))
	wants(t, "fingerprint", code, 0, text, "ready for payments")
	for _, wrong := range []string{strings.Replace(print, print[:4], "beef", 1), print[:63], "x"} {
		want := 2
		if strings.HasPrefix(wrong, "beef") {
			want = 1
		}
		code, text = cli("pay", "1", "--url", url, "--fingerprint", wrong)
		wants(t, "fingerprint "+wrong, code, want, text, "hint:", "register certificate")
	}
	code, text = cli("diagnose", "--url", "http://"+addr)
	wants(t, "no TLS", code, 2, text, "https://HOST:8443/nexo")
	code, text = cli("diagnose", "--key-id", "x", "--register-listen", addr)
	wants(t, "half a key", code, 2, text, "come together")
	code, text = cli("diagnose", "--register-listen", addr)
	wants(t, "this machine's own", code, 0, text, "ready for payments")
	code, text = cli("certificate", "--code", "--register-listen", addr)
	wants(t, "code", code, 0, text, "█▀▀▀▀▀█")

	if code, text = cli("certificate", "--renew"); code == 0 { // nobody types yes
		t.Errorf("renewed without a yes: %s", text)
	}
	code, text = cli("certificate", "--renew", "--yes")
	wants(t, "renew", code, 0, text, "SHA-256")
	code, text = cli("pay", "1", "--url", url, "--fingerprint", print)
	wants(t, "the old certificate", code, 1, text, "another certificate", "nothing was sent")
	code, text = cli("diagnose", "--register-listen", addr)
	wants(t, "the new certificate", code, 0, text, "ready for payments")
	newPrint, err := register.ReadFingerprint(filepath.Join(s.Dir, "data", "register.crt"))
	if err != nil {
		t.Fatal(err)
	}
	s.Eventually("the technician's page has the new fingerprint, and no more the old one", func() bool {
		page := s.Page("/status")
		return strings.Contains(page, register.Grouped(newPrint)) &&
			!strings.Contains(page, strings.ReplaceAll(print, ":", " "))
	})
	if len(s.books()) != 0 {
		t.Errorf("somebody paid: %v", s.books())
	}
}

func TestPairings(t *testing.T) {
	t.Parallel()
	s := &shop{Shop: terminaltest.New(t)}
	cli := func(args ...string) (int, string) {
		code, out, errs := s.Cli(append([]string{"register"}, args...)...)
		return code, out + errs
	}
	code, text := cli("list")
	wants(t, "nobody", code, 0, text, "no register is paired")
	_, said := s.pairFor("Counter 1")
	passphrase := field(t, said, "passphrase")
	if !regexp.MustCompile(`^([a-z2-7]{4}-){6}[a-z2-7]{4}$`).MatchString(passphrase) {
		t.Errorf("passphrase %q", passphrase)
	}
	wants(t, "the block", 0, 0, said, "https://127.0.0.1:8443/nexo", "smiletill-till-1", "counter-1",
		"register.listen")
	if _, other := s.pairFor("Counter 2"); field(t, other, "passphrase") == passphrase {
		t.Error("two registers have one passphrase")
	}
	_, said = s.pairFor("Counter 1")
	wants(t, "a further key", 0, 0, said, "KeyVersion     2", "unpair counter-1 --version 1")
	code, text = cli("pair", "counter-1")
	wants(t, "another register of that key", code, 1, text, "Counter 1", "--key-id")
	file := filepath.Join(s.Dir, "own")
	for _, c := range []struct {
		mode os.FileMode
		text string
		says string
	}{
		{0o644, "a good passphrase", "others may read"}, {0o600, "short", "12 to 256"}, {0o600, "", "12 to 256"},
		{0o600, "two lines of it\nand more", "12 to 256"},
	} {
		if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		code, text = cli("pair", "Own", "--passphrase-file", file)
		wants(t, "passphrase file "+c.text, code, 1, text, c.says, "hint:")
	}
	if err := os.WriteFile(file, []byte("a good passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text = cli("pair", "Own", "--key-id", "shop-7", "--passphrase-file", file)
	wants(t, "own passphrase", code, 0, text, "as in "+file)
	if strings.Contains(text, "a good passphrase") {
		t.Errorf("the passphrase is printed: %s", text)
	}
	code, text = cli("list")
	wants(t, "list", code, 0, text, "Counter 1  counter-1  1", "Counter 1  counter-1  2", "shop-7")
	code, text = cli("unpair", "counter-1", "--version", "1")
	wants(t, "unpair one", code, 0, text, "the key of counter-1")
	if _, text = cli("list"); strings.Count(text, "counter-1") != 1 {
		t.Errorf("list:\n%s", text)
	}
	code, text = cli("unpair", "nobody")
	wants(t, "unpair nobody", code, 1, text, "register list")
	code, text = cli("pair", "")
	wants(t, "no name", code, 2, text, "hint:")
	// The file of keys is as good as the passphrases.
	for _, name := range []string{"registers.json", "register.key"} {
		info, err := os.Stat(filepath.Join(s.Dir, "data", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

// TestPairingByRoot: what a technician writes with sudo, the terminal's own user can read.
func TestPairingByRoot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	s := &shop{Shop: terminaltest.New(t)}
	data := filepath.Join(s.Dir, "data")
	const owner = 12345
	if err := errors.Join(os.Mkdir(data, 0o700), os.Chown(data, owner, owner)); err != nil {
		t.Fatal(err)
	}
	s.pairFor("Counter 1")
	for _, name := range []string{"registers.json", "register.crt", "register.key"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t); got.Uid != owner || got.Gid != owner {
			t.Errorf("%s belongs to %d:%d", name, got.Uid, got.Gid)
		}
	}
}

// TestPairingsAtOnce pairs from many commands at a time: none is lost.
func TestPairingsAtOnce(t *testing.T) {
	t.Parallel()
	s := &shop{Shop: terminaltest.New(t)}
	const many = 8
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { s.Cli("register", "pair", string(rune('a'+i))) })
	}
	all.Wait()
	if _, out, _ := s.Cli("register", "list"); strings.Count(out, "\n") != many+1 {
		t.Errorf("list:\n%s", out)
	}
}
