//go:build linux

package buildroot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"smiletill/device/bench"
	"smiletill/vision/visits"
)

// TestCardPays takes a card as `make card BOARD=virt` made it from its first start to a payment by face
// that the cloud has acknowledged, with what a technician has: a stick, ssh, a camera that is plugged in
// last. Beside the stick only smiletill.toml on the first partition is edited: that this is a test (its
// camera is a program), and that there is no screen whose light could be shown. The broker's certificate
// and the cloud's key lie there, as `smiletill flash` puts them. SMILETILL_CARD is the card's folder; `make
// card-test` runs it.
func TestCardPays(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	t.Parallel()
	c := unpacked(t, dir)
	s := newShop(t)
	s.write("smiletill.toml", "[camera]\nsource = \"card:Corner Shop Camera\"\ntest_source = true\n\n"+
		"[payment]\ntimeout = \"5m\"\n\n"+
		"[liveness]\nmode = \"off\"\n", 0o644)
	for _, name := range []string{"smiletill.toml", "ca.pem", "cloud.pub"} {
		output(t, "mcopy", "-o", "-i", c.at(1), s.at(name), "::"+name)
	}
	stick := s.stick(fmt.Sprintf("name = \"test/berlin-1/till-3\"\n\n[network]\naddress = \"%s/24\"\n\n"+
		"[access]\nssh_keys = [%q]\n\n[mqtt]\nbroker = \"mqtts://%s:8883\"\n"+
		"ca_file = \"/boot/select/ca.pem\"\ncloud_key_file = \"/boot/select/cloud.pub\"\n", cardAddress,
		strings.TrimSpace(string(read(t, s.at("id.pub")))), brokerAddress))
	p := &paying{t: t, shopNet: s, begun: time.Now()}
	m := headless(t, c.image, 1024, append(append(s.cable(), stick...),
		"-chardev", "socket,id=camera,server=on,wait=off,path="+s.at("usb"),
		// USB 2: for its USB 3 QEMU wants numbers of more bits than bench.Redirect has
		"-device", "usb-ehci,id=usb2", "-device", "usb-redir,chardev=camera,bus=usb2.0")...)
	m.until(`Finished smiletill-firewall.service`, patience)
	p.step("the firewall was in force")
	p.logsIn()
	p.outOfOrder()
	p.trusted()
	p.plugged()
	p.enrolled()
	p.paid()
	p.reported()
	m.off(patience)
	for _, want := range []string{"test/berlin-1/till-3", cardAddress, "ssh technician@till-3.local"} {
		if !strings.Contains(s.report(), want) {
			t.Errorf("the report lacks %q:\n%s", want, s.report())
		}
	}
}

// unpacked is a card's image as a file that is as long as a card.
func unpacked(t *testing.T, dir string) *booted {
	t.Helper()
	c := &booted{t: t, image: filepath.Join(t.TempDir(), "card.img")}
	manifest := read(t, filepath.Join(dir, "smiletill-virt.manifest.json"))
	if err := json.Unmarshal(manifest, &c.manifest); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", "gzip -dc \"$1\" >\"$2\" && truncate -s 4G \"$2\"", "sh",
		filepath.Join(dir, "smiletill-virt.img.gz"), c.image).CombinedOutput()
	if err != nil {
		t.Fatalf("unpack the image: %v %s", err, out)
	}
	return c
}

// paying is a technician before a new card.
type paying struct {
	*shopNet
	t      *testing.T
	begun  time.Time
	camera *bench.Camera
}

func (p *paying) step(what string) { p.t.Logf("%5.0f s  %s", time.Since(p.begun).Seconds(), what) }

func worked(s said) bool { return s.code == 0 }

// logsIn compares the card's key with the report, and tries what a technician may not do.
func (p *paying) logsIn() {
	p.t.Helper()
	p.until("log in", patience, worked, "true")
	p.step("the technician has logged in")
	f := strings.Fields(output(p.t, "ssh-keygen", "-l", "-f", p.at("known")))
	if len(f) < 2 || !strings.Contains(p.report(), f[1]) {
		p.t.Errorf("the card's key is %v; the report:\n%s", f, p.report())
	}
	for _, command := range []string{"sudo -n id", "sudo -n sh -c id", "sudo -n reboot --force",
		"cat /run/smiletill-ssh/host_ed25519_key", "ls /var/lib/smiletill"} {
		if got := p.on(p.t.Context(), command); got.code == 0 || got.code == 255 {
			p.t.Errorf("%s: code %d %s", command, got.code, got.text)
		}
	}
	if ip := p.resolve("till-3.local", time.Minute); ip != cardAddress {
		p.t.Errorf("till-3.local is %q", ip)
	}
	p.step("till-3.local was answered")
}

// outOfOrder: without a camera the terminal says so, and runs.
func (p *paying) outOfOrder() {
	p.t.Helper()
	says := func(s said) bool { return strings.Contains(s.text, "camera") }
	got := p.until("status without a camera", patience, says, "sudo smiletill status")
	if got.code != 1 {
		p.t.Errorf("without a camera it has code %d:\n%s", got.code, got.text)
	}
	p.t.Logf("without a camera:\n%s", got.text)
}

// trusted brings the terminal's key to the cloud.
func (p *paying) trusted() {
	p.t.Helper()
	p.write("till.pub", p.until("the terminal's key", patience, worked, "sudo smiletill key").text, 0o644)
	output(p.t, terminal, "cloud", "trust", "--data", p.at("cloud"), "test/berlin-1/till-3", p.at("till.pub"))
}

// plugged puts the camera into the card's USB.
func (p *paying) plugged() {
	p.t.Helper()
	conn, err := net.Dial("unix", p.at("usb"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.camera = bench.Redirect(conn, bench.Options{Name: "Corner Shop Camera", Rates: []int{3},
		Formats: []bench.Format{bench.MJPG}})
	p.t.Cleanup(func() { _ = p.camera.Unplug() })
	p.shows("customer_neutral", 1)
	p.until("ready with a camera", patience, worked, "sudo smiletill status")
	p.step("the terminal was ready, by the camera that was plugged in")
}

// shows lets the camera see a clip, each picture for so many frames, and gives how many frames it lasts.
func (p *paying) shows(name string, each int) (frames int) {
	p.t.Helper()
	clip, err := visits.Open(name)
	if err != nil {
		p.t.Fatal(err)
	}
	var all []bench.Picture
	for _, f := range clip.Frames {
		all = append(all, bench.Picture{MJPG: f})
	}
	film := bench.Film{Once: all, Each: each}
	if clip.LoopTo > clip.LoopFrom && clip.LoopFrom >= 0 {
		film.Loop = all[clip.LoopFrom:clip.LoopTo]
	}
	p.camera.Show(film)
	return each * len(all)
}

// enrolled has the customer looked at by the card's camera.
func (p *paying) enrolled() {
	p.t.Helper()
	p.shows("customer_neutral", 1)
	got := p.until("enrol a customer by the camera", patience, worked,
		`sudo smiletill enrol --no-smile --agreed en "Grace Hopper"`)
	p.step("the customer was enrolled by the camera: " + strings.TrimSpace(last(got.text)))
}

// paid takes a payment with a smile, slower and slower, as long as nobody notices it.
func (p *paying) paid() {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), patience)
	defer stop()
	done := make(chan said, 1)
	go func() { done <- p.on(ctx, "sudo smiletill pay 4.20 EUR --id card-1") }()
	for each := 2; each < 16; each = each + (each+1)/2 {
		frames, before := p.shows("customer_smile", each), p.camera.Sent()
		for p.camera.Sent()-before < frames {
			select {
			case got := <-done:
				if got.code != 0 || !strings.Contains(got.text, "approved") {
					p.t.Fatalf("the payment ended with code %d:\n%s", got.code, got.text)
				}
				p.step(fmt.Sprintf("paid with a smile whose pictures were shown for %d frames each", each))
				return
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				p.t.Fatalf("no smile was noticed within %v", patience)
			}
		}
	}
	p.t.Fatal("nobody noticed a smile, however slow")
}

// reported: the cloud has the payment, and the terminal its acknowledgement. The camera is pulled out for
// that: pictures keep the processor busy, its time goes a tenth as fast as the broker's then, and the broker
// takes it for gone.
func (p *paying) reported() {
	p.t.Helper()
	if err := p.camera.Unplug(); err != nil {
		p.t.Error(err)
	}
	has := regexp.MustCompile(`till-3 +1 +[1-9]`) // one key, and what it signed
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		got := output(p.t, terminal, "cloud", "terminals", "--data", p.at("cloud"))
		if has.MatchString(got) {
			p.t.Logf("the cloud:\n%s", got)
			break
		}
		if time.Now().After(end) {
			p.t.Fatalf("the cloud has nothing of the payment within %v:\n%s", patience, got)
		}
	}
	acknowledged := func(s said) bool {
		return strings.Contains(s.text, "all approvals are acknowledged by the cloud")
	}
	got := p.until("the reports are acknowledged", patience, acknowledged, "sudo smiletill status")
	p.t.Logf("the terminal:\n%s", got.text)
	p.step("the cloud has acknowledged it")
}
