//go:build linux

package update_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestRefused has the real RAUC look at bundles that must not be installed: nothing is written, and what is
// said names the reason.
func TestRefused(t *testing.T) {
	c := newCard(t)
	good := c.ours("v2.0.0")
	text := string(terminaltest.Read(t, good))
	file := func(name, text string) string {
		c.write(name, text)
		return c.path(name)
	}
	if err := os.Mkdir(c.path("data/update"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.write("data/update/floor", "v0.9.0\n")
	for _, one := range []struct {
		what, bundle, want string
		code               int
	}{
		{"another board's", c.bundle("smiletill-zero2w", "v2.0.0", "journal=now", "shop"), "board: zero2w", 1},
		{"another product's", c.bundle("toaster", "v2.0.0", "journal=now", "shop"), "not for a smiletill card", 1},
		{"a stranger's", c.bundle("smiletill-pi4", "v2.0.0", "journal=now", "stranger"), "not signed by whom", 1},
		{"signed with a certificate that has ended", c.bundle("smiletill-pi4", "v2.0.0", "journal=now", c.ended()),
			"certificate has ended", 1},
		{"not signed", file("plain.raucb", strings.Repeat("root ", 10000)), "not signed, cut short or damaged", 1},
		{"empty", file("empty.raucb", ""), "not signed, cut short or damaged", 1},
		{"cut short", file("short.raucb", text[:len(text)*2/3]), "not signed, cut short or damaged", 1},
		{"cut at its end", file("end.raucb", text[:len(text)-100]), "not signed, cut short or damaged", 1},
		{"one byte of it altered", file("byte.raucb", text[:9000]+"x"+text[9001:]), "not signed by whom", 1},
		{"older than the floor", c.bundle("smiletill-pi4", "v0.8.9", "journal=now", "shop"), "than v0.9.0", 1},
		{"without an order", c.bundle("smiletill-pi4", "283f23d", "journal=now", "shop"), "has no order", 1},
		{"of an older journal", c.bundle("smiletill-pi4", "v0.9.1", "journal=1", "shop"), "can't read", 1},
		{"silent about the journal", c.bundle("smiletill-pi4", "v2.0.0", "", "shop"), "which journal", 1},
		{"what runs", c.ours("v1.0.0"), "v1.0.0 runs here already", 1},
		{"without a way back", c.bundle("smiletill-pi4", "v2.0.0", "journal=now back=no", "shop"),
			"--no-way-back", 1},
		{"not there", c.path("nowhere.raucb"), "no such file", 1},
		{"not named", "", "given and empty", 2},
		{"in clear text", "http://updates.example/a.raucb", "use https://", 1},
	} {
		code, said := c.cli("update", one.bundle)
		if code != one.code || !strings.Contains(said, one.want) || strings.Contains(said, "Installing") {
			t.Errorf("%s: %d\n%s", one.what, code, said)
		}
	}
	if terminaltest.Read(t, c.path("root-b"))[0] != 0 || c.always() != "A" || c.restarted() {
		t.Error("something was written, or restarted")
	}
	if left, _ := filepath.Glob(c.path("data/update/*.raucb")); left != nil {
		t.Errorf("bundles are left: %v", left)
	}
}

// ended makes a signer whom the shop's certificate vouched for until yesterday, and names it.
func (c *card) ended() string {
	c.t.Helper()
	pair, err := tls.LoadX509KeyPair(c.path("shop.pem"), c.path("shop.key"))
	if err != nil {
		c.t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		c.t.Fatal(err)
	}
	day := 24 * time.Hour
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(7),
		Subject: pkix.Name{CommonName: "who signed"}, NotBefore: time.Now().Add(-9 * day),
		NotAfter: time.Now().Add(-day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	}, pair.Leaf, &key.PublicKey, pair.PrivateKey)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("ended.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	c.write("ended.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
		Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	return "ended"
}

// TestFolder installs the newest of a stick's bundles for this card, answers there, and has the flags that a
// stick has: files.
func TestFolder(t *testing.T) {
	c := newCard(t)
	stick := c.path("stick")
	if err := os.Mkdir(stick, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, from string) {
		c.write("stick/"+name, string(terminaltest.Read(t, from)))
	}
	if code, said := c.cli("update", stick); code != 0 || !strings.Contains(said, "nothing to do") {
		t.Errorf("without a bundle: %d %s", code, said)
	}
	if _, err := os.Stat(filepath.Join(stick, "update-report.txt")); err == nil {
		t.Error("a stick without a bundle was written to")
	}
	put("a.raucb", c.bundle("smiletill-pi4", "v10.0.0", "journal=now", "stranger"))
	put("b.raucb", c.bundle("smiletill-pi4", "v1.9.0", "journal=now", "shop"))
	put("c.RAUCB", c.bundle("smiletill-pi4", "v2.0.0", "journal=now back=no", "shop"))
	put("d.raucb", c.bundle("smiletill-zero2w", "v3.0.0", "journal=now", "shop"))
	report := func() string { return string(terminaltest.Read(t, filepath.Join(stick, "update-report.txt"))) }
	if code, _ := c.cli("update", stick); code != 1 || !strings.Contains(report(), "NOTHING was installed") ||
		!strings.Contains(report(), "no way back from v2.0.0") {
		t.Errorf("without a way back: %d %s", code, report())
	}
	c.write("stick/no-way-back.txt", "")
	code, said := c.cli("update", stick)
	if code != 0 || !c.restarted() || c.state().Phase != "restarting" {
		t.Fatalf("the newest: %d %s", code, said)
	}
	for _, want := range []string{"Installed, and tried next", "v2.0.0 is installed", "left out", "for zero2w"} {
		if !strings.Contains(report(), want) {
			t.Errorf("the report does not say %q:\n%s", want, report())
		}
	}
	// It came back without a word: the stick, which is still in, does not have it tried for ever.
	c.start("A", "v1.0.0")
	if code, said := c.cli("update", "confirm"); code != 0 || c.state().Phase != "back" {
		t.Fatalf("confirm in the old slot: %d %s", code, said)
	}
	code, said = c.cli("update", stick)
	if code != 1 || !strings.Contains(said, "came back") || c.restarted() ||
		!strings.Contains(report(), "v2.0.0 was tried") || !strings.Contains(report(), "did not get as far") {
		t.Errorf("once more: %d %s\n%s", code, said, report())
	}
	c.write("stick/again.txt", "")
	if code, said := c.cli("update", stick); code != 0 || !c.restarted() {
		t.Errorf("again: %d %s", code, said)
	}
	if _, err := os.Stat(filepath.Join(stick, "again.txt")); err == nil {
		t.Error("again.txt stays: a version that fails would be tried in each start")
	}
}

// TestFetch takes a bundle from a server whose answer ends in the middle, twice: the rest is asked for.
func TestFetch(t *testing.T) {
	c := newCard(t)
	data := terminaltest.Read(t, c.ours("v2.0.0"))
	var asked, whole atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("Range") == "" {
			whole.Add(1)
		}
		if asked.Add(1) == 1 { // the connection breaks
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			_, _ = w.Write(data[:3000])
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(data)))
	}))
	defer server.Close()
	code, said := c.cli("update", server.URL+"/smiletill-pi4.raucb", "--no-restart")
	if code != 0 || c.state().Phase != "installed" || c.restarted() {
		t.Fatalf("fetched: %d %s", code, said)
	}
	if asked.Load() != 2 || whole.Load() != 1 {
		t.Errorf("asked %d times, %d times for all of it", asked.Load(), whole.Load())
	}
	if left, _ := filepath.Glob(c.path("data/update/bundle*")); left != nil {
		t.Errorf("left: %v", left)
	}
	if code, said := c.cli("update", "restart"); code != 0 || !c.restarted() || c.state().Phase != "restarting" {
		t.Errorf("restart: %d %s", code, said)
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	if code, said := c.cli("update", "--again", tls.URL+"/a.raucb"); code != 1 ||
		!strings.Contains(said, "nobody whom this terminal trusts") {
		t.Errorf("a certificate that nobody has signed: %d %s", code, said)
	}
}
