//go:build linux

package buildroot_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"smiletill/vision/visits"
)

// Colours of the customer's page, as device/screen/page/app.css has them.
var (
	sun   = color.RGBA{R: 0xff, G: 0xc7, B: 0x2e, A: 255}
	paper = color.RGBA{R: 0xff, G: 0xfd, B: 0xf7, A: 255}
	blue  = color.RGBA{R: 0x26, G: 0x3f, B: 0x73, A: 255}
)

// The pages that a payment leads through where nobody stands before the camera, and a display that is off:
// QEMU writes a line on black then, whatever its size.
func isIdle(p *image.RGBA) bool    { return share(p, sun) > 0.6 }
func isLook(p *image.RGBA) bool    { return share(p, paper) > 0.45 && share(p, sun) > 0.15 }
func isExpired(p *image.RGBA) bool { return share(p, blue) > 0.6 }
func isOff(p *image.RGBA) bool     { return share(p, color.RGBA{A: 255}) > 0.95 }

// TestCardShows looks at what stands on the display of a card as `make card BOARD=virt` made it, by QEMU's
// pictures of it: off at night, on at a payment, through the payment's states and back, twice, and in between
// the keys that lead out of other kiosks. A page that stands still, or is not there, fails.
// Beside the stick only smiletill.toml on the first partition is edited: a film of nobody is the camera.
// SMILETILL_CARD is the card's folder; `make card-test` runs it.
func TestCardShows(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	t.Parallel()
	c := flashed(t, dir)
	s := newShop(t)
	film, err := fs.ReadFile(visits.Files(), "idle.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	s.write("idle.mjpeg", string(film), 0o644)
	s.write("smiletill.toml", "[camera]\nsource = \"replay:/boot/select/idle.mjpeg\"\nloop = true\n"+
		"test_source = true\n\n[payment]\ntimeout = \"1m\"\n\n[liveness]\nmode = \"off\"\n\n"+
		"[screen]\nnight = \"00:00-23:59\"\n", 0o644)
	for _, name := range []string{"smiletill.toml", "idle.mjpeg"} {
		output(t, "mcopy", "-o", "-i", c.at(1), s.at(name), "::"+name)
	}
	stick := s.stick(fmt.Sprintf("name = \"test/berlin-1/till-3\"\n\n[network]\naddress = \"%s/24\"\n\n"+
		"[access]\nssh_keys = [%q]\n", cardAddress, strings.TrimSpace(string(read(t, s.at("id.pub"))))))
	begun := time.Now()
	m := start(t, c.image, 1024, append(append(s.cable(), stick...), "-device", "usb-kbd")...)
	s.until("a terminal that takes payments", 2*patience, worked, "sudo smiletill status")
	t.Logf("ready after %.0f s", time.Since(begun).Seconds())
	defer func() {
		if t.Failed() { // what the machine itself says of it
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			t.Logf("%s", s.on(ctx, "uptime; cat /sys/class/tty/tty0/active; sudo smiletill status; "+
				"sudo journalctl -b -u smiletill-kiosk -u seatd -n 60 --no-pager -o short-precise; "+
				"sudo dmesg | tail -20; ps -eo pid,stat,wchan:20,etime,args | grep -E 'sway|cog|WebKit|kiosk'").text)
		}
	}()
	// At night a page stands for a minute: it may be dark again by the time that the terminal has said so. A key
	// lights it.
	m.key("shift")
	m.looks("the page of a terminal that waits", 2*patience, isIdle)
	m.looks("a dark display at night", patience, isOff)
	for _, id := range []string{"before the keys", "after the keys"} {
		done := make(chan said, 1)
		go func() {
			done <- s.on(t.Context(), "sudo smiletill pay 4.20 EUR --id "+strings.ReplaceAll(id, " ", "-"))
		}()
		m.looks("the payment's page "+id, patience, isLook)
		// The result stands for four seconds, in which a browser that is emulated may draw nothing.
		m.looks("that nobody paid or what follows "+id, patience,
			func(p *image.RGBA) bool { return isExpired(p) || isIdle(p) })
		if got := <-done; got.code == 0 {
			t.Errorf("nobody was there, and paid: %s", got.text)
		}
		m.looks("the page of a terminal that waits "+id, patience, isIdle)
		for _, keys := range []string{"ctrl-alt-f1", "ctrl-alt-f2", "alt-f2", "alt-f4", "ctrl-alt-delete",
			"ctrl-w", "ctrl-q", "ctrl-l", "ctrl-n", "ctrl-t", "ctrl-shift-i", "f5", "f11", "f12", "alt-left",
			"meta_l-ret", "meta_l-shift-e", "ctrl-alt-backspace", "alt-sysrq-b", "esc", "tab", "ret"} {
			m.key(keys)
		}
	}
	m.off(patience)
}

// key presses keys, as QEMU's monitor names them.
func (e *emulated) key(keys string) {
	e.t.Helper()
	e.tell("human-monitor-command", map[string]any{"command-line": "sendkey " + keys})
}

// looks waits until the display has a picture that is so.
func (e *emulated) looks(what string, patience time.Duration, is func(*image.RGBA) bool) {
	e.t.Helper()
	begun := time.Now()
	for end := begun.Add(patience); ; time.Sleep(time.Second) {
		picture := e.picture()
		if is(picture) {
			e.keep(picture, what)
			e.t.Logf("%5.0f s  %s", time.Since(begun).Seconds(), what)
			return
		}
		select {
		case <-e.ended:
			e.t.Fatalf("the machine went off before the display showed %s", what)
		default:
		}
		if time.Now().After(end) {
			e.keep(picture, "last")
			e.t.Fatalf("the display does not show %s within %v: look at TestCardShows-last.png beside the card",
				what, patience)
		}
	}
}
