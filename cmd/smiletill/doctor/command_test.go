//go:build !notflite

package doctor_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/doctor"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
)

// TestDoctorCommands has the program say what is wrong of a terminal that does not run, of one that is well,
// and of one whose camera is gone. What it says of this test's machine is not looked at.
func TestDoctorCommands(t *testing.T) {
	t.Parallel()
	s := terminaltest.New(t)
	examine := func() (code int, page doctor.Page) {
		t.Helper()
		code, out, errs := s.Cli("doctor", "--json")
		if err := json.Unmarshal([]byte(out), &page); err != nil {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		return code, page
	}
	level := func(p doctor.Page, part string) string {
		t.Helper()
		for _, f := range p.Findings {
			if f.Part == part {
				return f.Level
			}
		}
		t.Errorf("nothing of %s in %+v", part, p.Findings)
		return ""
	}
	code, page := examine()
	if code != 1 || page.Findings[0].Part != "terminal" || page.Findings[0].Level != "fault" ||
		!strings.Contains(page.How, "No terminal runs") {
		t.Errorf("stopped: %d %+v", code, page)
	}
	s.Open()
	s.Opened()
	if _, page = examine(); level(page, "terminal") != "ok" || level(page, "camera") != "ok" ||
		level(page, "journal") != "ok" || strings.Contains(page.How, "No terminal runs") {
		t.Errorf("well: %+v", page)
	}
	s.Pull(true)
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	if code, page = examine(); code != 1 || level(page, "terminal") != "fault" ||
		level(page, "camera") != "fault" {
		t.Errorf("without a camera: %d %+v", code, page)
	}
	code, out, errs := s.Cli("doctor")
	if code != 1 || !strings.Contains(out, "FAULT    camera") || !strings.Contains(errs, "fault") {
		t.Errorf("the page: %d %s%s", code, out, errs)
	}
	log, file := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "support.tar.gz")
	write(t, log, `{"time":"2099-11-30T12:00:00Z","level":"ERROR","msg":"out of order","password":"hunter2"}`)
	if code, out, errs := s.Cli("logs", log); code != 0 || !strings.Contains(out, "ERROR    out of order") ||
		strings.Contains(out, "hunter2") {
		t.Errorf("logs: %d %s%s", code, out, errs)
	}
	if code, out, errs := s.Cli("support", file); code != 0 || !strings.Contains(out, "is written") {
		t.Fatalf("support: %d %s%s", code, out, errs)
	}
	parts := unpack(t, terminaltest.Read(t, file))
	if !strings.Contains(parts["doctor.txt"], "FAULT    camera") {
		t.Errorf("the support's file: %v", parts)
	}
}
