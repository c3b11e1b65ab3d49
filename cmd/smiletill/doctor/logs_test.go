package doctor_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/doctor"
)

// TestLogs: a service's lines as people read them, from a file and from the standard input.
func TestLogs(t *testing.T) {
	t.Parallel()
	lines := `{"time":"2026-11-30T10:00:00Z","level":"INFO","msg":"ready for payments","customers":3}
{"time":"2026-11-30T12:30:00Z","level":"ERROR","msg":"out of order","err":"no frames","hint":"plug it in"}
plain words of another program
{"time":"2026-11-30T12:31:00Z","level":"WARN","msg":"a try","password":"hunter2","psk":"correct horse"}
` + strings.Repeat("x", 100_000) + "\n\x1b[31mred\n"
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).Local().Format("2006-01-02 15:04")
	for _, file := range []string{"-", filepath.Join(t.TempDir(), "log")} {
		if file != "-" {
			write(t, file, lines)
		}
		var out bytes.Buffer
		l := doctor.Logs{File: file, Since: at}
		if err := l.Print(t.Context(), strings.NewReader(lines), &out); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		local := time.Date(2026, 11, 30, 12, 30, 0, 0, time.UTC).Local().Format(time.DateTime)
		for _, want := range []string{local + "  ERROR    out of order  (err=\"no frames\")\n",
			"-> plug it in\n",
			"plain words of another program\n", "WARNING  a try", "[31mred"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%.600s", file, want, text)
			}
		}
		for _, not := range []string{"ready for payments", "hunter2", "correct horse", "\x1b"} {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q in\n%.600s", file, not, text)
			}
		}
	}
}

// TestLogsFollow sees a line that comes later.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "log")
	write(t, file, "first\n")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	seen := make(writes, 16)
	ended := make(chan error, 1)
	go func() { ended <- doctor.Logs{File: file, Follow: true}.Print(ctx, nil, seen) }()
	if l := <-seen; !strings.Contains(l, "first") {
		t.Errorf("%q", l)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("second\n"); err != nil {
		t.Fatal(err)
	}
	if l := <-seen; !strings.Contains(l, "second") {
		t.Errorf("%q", l)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = f.Close()
}

// writes are what is written, piece by piece.
type writes chan string

func (w writes) Write(p []byte) (int, error) { w <- string(p); return len(p), nil }

// TestLogsWithoutJournal says what to do where there is no systemd, and what --since takes.
func TestLogsWithoutJournal(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := doctor.Logs{}.Print(t.Context(), nil, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "no journal of systemd") {
		t.Error(err)
	}
	if err := (doctor.Logs{Since: "yesterday"}).Print(t.Context(), nil, &bytes.Buffer{}); err == nil {
		t.Error("a word was taken for a time")
	}
}

// TestRedact: what looks like a secret is left out, and what a technician needs stays.
func TestRedact(t *testing.T) {
	t.Parallel()
	r := doctor.NewRedactor("/nowhere", config.Default(), []string{"Ada Lovelace", "Bo", "Rene\u0301",
		"Anna", "Anna Braun7", "counter", "root", "smiletill"})
	for _, stays := range []string{
		"the camera: no space left on device (/dev/video0)",
		"open /var/lib/smiletill/models-0a1b2c3d/detect.tflite: no",
		"mqtts://broker.example:8883 refused the connection: not authorised", "pins.db is locked",
		"2026-11-30T12:00:00Z ready for payments", "`smiletill customers pin ID` sets a PIN",
		"usb 1-1.2: device not accepting", "the counter asks root of smiletill", "a bond of steel",
	} {
		if got := r.Text(stays); got != stays {
			t.Errorf("%q became %q", stays, got)
		}
	}
	got := r.Text("board: pin=LED_RED is not known: token=a b")
	if !strings.HasSuffix(got, "is not known: token=[left out] b") {
		t.Errorf("the rest of a line is lost: %q", got)
	}
	for _, goes := range []struct{ text, secret string }{
		{"password=hunter2 and more", "hunter2"}, {`{"Password":"hunter 2"}`, "hunter 2"},
		{"psk=two words", "words"},
		{"Authorization: Bearer abc", "abc"}, {"https://u:pw@h/x?token=1", "pw"}, {"https://h/x?t=1", "t=1"},
		{"LOVELACE was seen", "LOVELACE"}, {"of lovelace, ada", "lovelace"}, {"Bo was here", "Bo"},
		{"of bo: no", "bo"}, {"Ren\u00e9 came", "Ren"}, {"RENE\u0301 came", "REN"}, {"xAnna Braun7", "7"},
		{hex.EncodeToString([]byte("ADA LOVELACE")), "414441"}, {"pin=LED_RED", "LED_RED"},
		{"Lovelace was seen", "Lovelace"}, {"for Ada Lovelace", "Ada"}, {"PIN is 1234", "1234"},
		{"key MC4CAQAwBQYDK2VwBCIEIKwZq+9b/Lr1", "KwZq"}, {strings.Repeat("0a1B", 12), "0a1B0a"},
		{"-----BEGIN PRIVATE KEY-----\nshort\n-----END PRIVATE KEY-----", "short"},
		{"of c_" + strings.Repeat("a2", 13) + " nothing", "a2a2"},
	} {
		if got := r.Text(goes.text); strings.Contains(got, goes.secret) {
			t.Errorf("%q became %q", goes.text, got)
		}
	}
}
