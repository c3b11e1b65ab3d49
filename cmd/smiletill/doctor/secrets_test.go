//go:build !notflite

package doctor_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/doctor"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/payment"
)

// The secrets that are planted.
const (
	customerName = "Grace Hopper"
	clerkName    = "Konrad Zuse"
	clerkPIN     = "731946"
	brokerWord   = "hunter2-broker"
	wifiWord     = "correct horse battery"
	claimCode    = "apple river stone"
	leakedWord   = "Tr0ub4dor"
)

// written are the forms in which a text may be found: plain, in base64 wherever it begins, in hexadecimal
// digits, in UTF-16.
func written(text string) (all []string) {
	all = []string{text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text)))}
	for shift := range 3 {
		padded := strings.Repeat("x", shift) + text
		code := base64.StdEncoding.EncodeToString([]byte(padded[:len(padded)/3*3]))
		if code = code[min(len(code), (shift+2)/3*4):]; len(code) > 7 {
			all = append(all, code)
		}
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var wide []byte
		for _, u := range utf16.Encode([]rune(text)) {
			wide = order.AppendUint16(wide, u)
		}
		all = append(all, string(wide))
	}
	return all
}

// fakeJournal puts a journalctl before the real one: it prints lines as systemd's journal has them, of the
// service or of the kernel.
func fakeJournal(t *testing.T, service, kernel []string) {
	t.Helper()
	entries := func(lines []string) string {
		var b strings.Builder
		for i, l := range lines {
			text, err := json.Marshal(map[string]string{"MESSAGE": l, "PRIORITY": "4",
				"__REALTIME_TIMESTAMP": fmt.Sprint(noon.UnixMicro() + int64(i)), "_SYSTEMD_UNIT": "smiletill.service"})
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(text, '\n'))
		}
		return b.String()
	}
	dir := t.TempDir()
	write(t, dir+"/service", entries(service))
	write(t, dir+"/kernel", entries(kernel))
	write(t, dir+"/journalctl", "#!/bin/sh\ncase \" $* \" in *' -k '*) cat "+dir+"/kernel;; *) cat "+dir+
		"/service;; esac\n")
	if err := os.Chmod(dir+"/journalctl", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// refusing is a broker that takes nobody's password, by MQTT 3.1.1's return code 5.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = c.Write([]byte{0x20, 2, 0, 5})
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	return "mqtt://" + l.Addr().String()
}

// planted is a terminal in which every secret is where it may be, the secrets with its keys, and the numbers
// that were made of a face.
func planted(t *testing.T) (*terminaltest.Shop, doctor.Terminal, []string, []float32) {
	t.Helper()
	s := terminaltest.New(t)
	word := filepath.Join(s.Dir, "broker-password")
	write(t, word, brokerWord+"\n")
	s.Flags = append(s.Flags, "--mqtt-broker", refusing(t), "--mqtt-username", "till-3",
		"--mqtt-password-file", word, "--register-listen", "127.0.0.1:0", "--terminal-tenant", "test")
	s.EnrolCustomer()
	if code, _, errs := s.Cli("register", "pair", "Till 1", "--register-listen", "127.0.0.1:1"); code != 0 {
		t.Fatalf("pair: %s", errs)
	}
	s.Open()
	s.Opened()
	ctx := t.Context()
	all, err := s.Customers(ctx)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	steps := []error{s.SetPIN(ctx, all[0].ID, terminaltest.RightPIN),
		s.AddClerk(ctx, control.Clerk{Name: clerkName, Role: "clerk"}), s.SetClerkPIN(ctx, clerkName, clerkPIN)}
	if slices.ContainsFunc(steps, func(err error) bool { return err != nil }) {
		t.Fatal(steps)
	}
	secrets := []string{customerName, clerkName, "Hopper", "Zuse", terminaltest.RightPIN, clerkPIN, brokerWord,
		wifiWord, claimCode, leakedWord, all[0].ID}
	told, err := s.Extract(ctx, all[0].ID, true)
	if err != nil || len(told.Faces) == 0 {
		t.Fatal(told, err)
	}
	probe := wellProbe(t, map[string]string{
		"/etc/NetworkManager/system-connections/smiletill-wifi.nmconnection": "[wifi-security]\npsk=" +
			wifiWord + "\n",
		"/etc/smiletill/claim.toml": "claim = \"" + claimCode + "\"\n"})
	return s, doctor.Terminal{Version: "test", Cfg: s.Config(), Probe: probe},
		append(secrets, keyLines(t, filepath.Join(s.Dir, "data"))...), told.Faces[0]
}

// keyLines are the lines of all keys in a folder, and the registers' derived ones.
func keyLines(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, name := range []string{"terminal.key", "register.key", "gallery/gallery.key"} {
		for l := range strings.Lines(string(terminaltest.Read(t, filepath.Join(dir, name)))) {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "-----") {
				all = append(all, l[strings.LastIndexByte(l, ' ')+1:])
			}
		}
	}
	var pairs []struct {
		Key string `json:"derived_key"`
	}
	if err := json.Unmarshal(terminaltest.Read(t, filepath.Join(dir, "registers.json")), &pairs); err != nil ||
		len(pairs) != 1 {
		t.Fatal(pairs, err)
	}
	return append(all, pairs[0].Key)
}

// logged are the forms in which a program may write a text into a log.
func logged(text string) (all []string) {
	all = []string{text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text)))}
	for shift := range 3 {
		among := []byte("xy"[:min(shift, 2)] + text)
		all = append(all, base64.StdEncoding.EncodeToString(among), base64.RawURLEncoding.EncodeToString(among),
			base64.StdEncoding.EncodeToString(append(among, "; more"...)))
	}
	return all
}

// bare are secrets that nobody can know for one where they stand alone: a PIN, a password of another program.
var bare = []string{terminaltest.RightPIN, clerkPIN, leakedWord}

// logOf writes every secret into lines of a log, in the forms that they might have there.
func logOf(secrets []string, face []float32) (all []string) {
	line := func(text string) {
		l, _ := json.Marshal(map[string]string{"time": "2026-11-30T12:00:00Z", "level": "ERROR",
			"msg": "planted", "err": "of " + text + " nothing", "customer": text, "name": text})
		all = append(all, string(l))
	}
	for _, s := range secrets {
		if slices.Contains(bare, s) {
			continue
		}
		for _, f := range logged(s) {
			line(f)
		}
	}
	numbers, _ := json.Marshal(face)
	line(string(numbers))
	line(fmt.Sprint(face))
	for _, f := range logged(faceBytes(face))[1:] {
		line(f)
	}
	return append(all, `panic: psk="`+wifiWord+`" in clear text`, "password: "+leakedWord,
		`{"time":"2026-11-30T12:00:00Z","level":"WARN","msg":"a camera was lost","room":"camera","pin":"`+
			clerkPIN+`"}`,
		"the PIN "+terminaltest.RightPIN+" was typed", "mqtts://till:"+leakedWord+"@broker.example:8883")
}

// faceBytes are a face's numbers as the gallery has them.
func faceBytes(face []float32) string {
	var b []byte
	for _, v := range face {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

// TestSupportHoldsNoSecrets plants names, faces, PINs, keys and passwords wherever they may be, in the log
// too, and looks for each in the support's file, as it is and coded; with the terminal running and stopped.
func TestSupportHoldsNoSecrets(t *testing.T) {
	s, terminal, secrets, face := planted(t)
	fakeJournal(t, logOf(secrets, face), []string{"usb 1-1: USB disconnect, device number 2",
		"usb 1-1: SerialNumber: " + leakedWord, "audit: somebody logged in as " + clerkName,
		"mmc0: card 0001 removed", "hwmon hwmon1: Undervoltage detected!"})
	s.Eventually("the broker's refusal", func() bool {
		now, err := s.Status(t.Context())
		return err == nil && slices.ContainsFunc(now.Parts, func(p control.Part) bool {
			return p.Name == "report" && strings.Contains(p.Value, "refuses this terminal's credentials")
		})
	})
	s.Pull(true)
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	parts := search(t, terminal, append(secrets, faceBytes(face[:4]), fmt.Sprint(face[0])))
	for part, words := range map[string][]string{
		"doctor.txt": {"FAULT    terminal", "out of order", "camera", "credentials"},
		"settings.txt": {"camera.width", "mqtt.username            set",
			"mqtt.password_file       a file, -rw-------"},
		"kernel.txt":   {"USB disconnect", "Undervoltage", "mmc0"},
		"log.txt":      {"a camera was lost"},
		"files.txt":    {"1 customers' records", "journal.db", "-rw-------"},
		"journal.json": {"sound"},
	} {
		for _, w := range words {
			if !strings.Contains(parts[part], w) {
				t.Errorf("%s has no %q:\n%s", part, w, parts[part])
			}
		}
	}
}

// search makes the support's file and looks for secrets in it.
func search(t *testing.T, terminal doctor.Terminal, secrets []string) map[string]string {
	t.Helper()
	var packed bytes.Buffer
	if err := terminal.Support(t.Context(), &packed); err != nil {
		t.Fatal(err)
	}
	parts := unpack(t, packed.Bytes())
	if len(parts) != 10 {
		t.Errorf("%d parts", len(parts))
	}
	for name, text := range parts {
		for _, secret := range secrets {
			for _, form := range written(secret) {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s holds %q as %q: ...%s...", name, secret, form,
						text[max(0, i-60):min(len(text), i+len(form)+20)])
				}
			}
		}
	}
	return parts
}

// TestSupportOfAStoppedTerminal: where nobody can say who the customers are, nothing of the log is taken but
// its words.
func TestSupportOfAStoppedTerminal(t *testing.T) {
	s := newStopped(t)
	write(t, filepath.Join(s.Cfg.GalleryDir(), "c_"+strings.Repeat("a", 26)+".face"),
		"smtface\x01"+strings.Repeat("x", 200))
	fakeJournal(t, []string{
		`{"time":"2026-11-30T12:00:00Z","level":"ERROR","msg":"out of order","err":"of Ada"}`}, nil)
	parts := search(t, s.Terminal, []string{"Ada", "c_" + strings.Repeat("a", 26)})
	if !strings.Contains(parts["log.txt"], "ERROR") || !strings.Contains(parts["log.txt"], "out of order") {
		t.Errorf("the log: %s", parts["log.txt"])
	}
	for _, name := range []string{"grace-hopper.txt", "hopper.key", "grace.db-wal", "journal.db.schema3"} {
		write(t, filepath.Join(s.Cfg.Paths.DataDir, name), "x")
	}
	listed := search(t, s.Terminal, []string{"grace", "hopper"})["files.txt"]
	if !strings.Contains(listed, "3 others") || !strings.Contains(listed, "journal.db.schema3") {
		t.Errorf("other files are counted: %s", listed)
	}
	file := filepath.Join(s.dir, "support.tar.gz")
	if err := s.SupportFile(t.Context(), file, io.Discard); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	err = s.SupportFile(t.Context(), file, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a file that is there: %v", err)
	}
}

// TestSupportWithBrokenSettings: what the redactor knows is read from the usual places then, the customers
// count as unknown, and neither the error nor its hint repeats a value.
func TestSupportWithBrokenSettings(t *testing.T) {
	probe := wellProbe(t, map[string]string{
		"/var/lib/smiletill/terminal.key":                                   "tinykey-one\n",
		"/var/lib/smiletill/gallery/c_" + strings.Repeat("a", 26) + ".face": "smtface"})
	fakeJournal(t, []string{`{"level":"ERROR","msg":"out of order: tinykey-one","err":"of Ada"}`}, nil)
	parts := search(t, doctor.Terminal{Version: "test", Probe: probe, CfgErr: payment.WithHint(
		errors.New(`load configuration: "open sesame" is none`), `did you mean "open simsim"`)},
		[]string{"tinykey-one", "Ada", "sesame", "simsim"})
	if !strings.Contains(parts["README.txt"], "could not be read") ||
		!strings.Contains(parts["log.txt"], "out of order") {
		t.Errorf("%s%s", parts["README.txt"], parts["log.txt"])
	}
}

// textLog are lines that are no JSON, and words of JSON that repeat who was removed.
var textLog = []string{
	`time=2026-11-30T12:00:00Z level=ERROR msg="a camera was lost" room=camera err="of \"Ada\"" customer=Ada`,
	`time=2026-11-30T12:00:00Z level=WARN msg="no match" "a name"=Ada who="Ada and the rest`,
	"panic: runtime error",
	`{"level":"ERROR","msg":"it failed","err":"remove \"Ada\": no","cause":"of \"Ada","hint":"ask \"Ada\""}`,
}

// TestSupportOfATextLog: lines that are no JSON pass the list of fields too; where the customers are not
// known they are not taken.
func TestSupportOfATextLog(t *testing.T) {
	s := newStopped(t)
	fakeJournal(t, textLog, nil)
	log := search(t, s.Terminal, []string{"Ada"})["log.txt"]
	for _, w := range []string{`msg="a camera was lost"`, "room=camera", "panic: runtime error", "it failed",
		`err="remove \"...\": no"`} {
		if !strings.Contains(log, w) {
			t.Errorf("no %q in\n%s", w, log)
		}
	}
	write(t, filepath.Join(s.Cfg.GalleryDir(), "c_"+strings.Repeat("a", 26)+".face"), "smtface")
	log = search(t, s.Terminal, []string{"Ada", "panic", "a camera was lost"})["log.txt"]
	if !strings.Contains(log, "it failed") {
		t.Error(log)
	}
}
