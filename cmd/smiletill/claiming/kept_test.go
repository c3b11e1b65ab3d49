package claiming

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// given is what a cloud gives; mark tells one from another.
func given(t *testing.T, mark string) *kept {
	t.Helper()
	a, err := fleet.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Client()
	if err != nil {
		t.Fatal(err)
	}
	k, err := signature.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := signature.EncodePublic(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	private, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("another kind of key")
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw}))
	return &kept{cloud: "https://cloud.example:8444", cert: cert.Leaf, text: text, private: private,
		terms: claim.Terms{Name: report.Address{Tenant: "acme", Site: "shop", Terminal: mark}, Keys: string(keys),
			Broker: "mqtts://cloud.example:8883", Vouch: string(a.PEM()), Signers: string(a.PEM())}}
}

// TestPowerCut cuts the power before each step of each change: what is there afterwards is whole, the one of
// before or the one that was given, and the next attempt succeeds and leaves nothing behind.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cut := errors.New("the power is cut")
	first, second := given(t, "till-1"), given(t, "till-2")
	for _, was := range []*kept{nil, first} {
		for step := 0; ; step++ {
			path := filepath.Join(t.TempDir(), "claimed")
			before := ""
			if was != nil {
				before = was.terms.Name.Terminal
				if err := was.write(path, func(string) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
			n, at, changed := 0, "", false
			err := second.write(path, func(what string) error {
				if n++; n > step {
					at = what
					return cut
				}
				changed = changed || what == "change the link"
				return nil
			})
			after := name(t, path)
			switch want := map[bool]string{false: before, true: "till-2"}[changed]; {
			case err == nil && after != "till-2", after != want:
				t.Errorf("cut before %q: %q is claimed, want %q", at, after, want)
			case err != nil && !errors.Is(err, cut):
				t.Fatal(err)
			}
			if err := second.write(path, func(string) error { return nil }); err != nil || name(t, path) != "till-2" {
				t.Errorf("after a cut before %q: %v", at, err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 3 {
				// beside link, folder, and whose it was
				t.Errorf("after a cut before %q there are %v", at, left)
			}
			if err == nil {
				break
			}
		}
	}
}

// name is what a terminal is called by what it kept, as its program and its configuration read it.
func name(t *testing.T, path string) string {
	t.Helper()
	k, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "t.toml")
	text := "[paths]\ndata_dir = " + strconv.Quote(filepath.Dir(path)) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if k == nil {
		if cfg.Commissioned() == nil || cfg.MQTT.CertFile != "" {
			t.Errorf("unclaimed, and yet %+v", cfg.MQTT)
		}
		return ""
	}
	if cfg.Terminal.ID != k.terms.Name.Terminal || cfg.Commissioned() != nil {
		t.Errorf("claimed as %v, and yet %+v", k.terms.Name, cfg.Terminal)
	}
	return k.terms.Name.Terminal
}

// TestOwnSettingsStay: what the settings say themselves is not changed by a cloud.
func TestOwnSettingsStay(t *testing.T) {
	t.Parallel()
	k := given(t, "till-1")
	own := filepath.Join(t.TempDir(), "own.pub")
	for _, c := range []struct{ settings, id, broker string }{
		{"", "till-1", "mqtts://cloud.example:8883"},
		{"[mqtt]\nusername = \"u\"\n", "till-1", "mqtts://cloud.example:8883"},
		{"[mqtt]\ncloud_key_file = \"" + own + "\"\n", "till-1", "mqtts://cloud.example:8883"},
		{"[terminal]\ntenant = \"demo\"\nsite = \"shop\"\nid = \"till-9\"\n", "till-1",
			"mqtts://cloud.example:8883"},
		{"[terminal]\ntenant = \"own\"\nsite = \"s\"\nid = \"till-9\"\n", "till-9", "mqtts://cloud.example:8883"},
		{"[mqtt]\nbroker = \"mqtts://own.example:8883\"\n", "till-1", "mqtts://own.example:8883"},
		{"[mqtt]\nbroker = \"\"\n", "till-1", ""},
	} {
		data := t.TempDir()
		if err := k.write(filepath.Join(data, "claimed"), func(string) error { return nil }); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "t.toml")
		text := c.settings + "[paths]\ndata_dir = " + strconv.Quote(data) + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(file, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Terminal.ID != c.id || cfg.MQTT.Broker != c.broker ||
			(cfg.MQTT.CertFile != "") != (c.broker == "mqtts://cloud.example:8883") {
			t.Errorf("%q: %+v, %+v", c.settings, cfg.Terminal, cfg.MQTT)
		}
		want := filepath.Join(data, "claimed", cloudFile)
		if strings.Contains(c.settings, "cloud_key_file") {
			want = own
		}
		if cfg.CloudKeyPath() != want {
			t.Errorf("%q: the cloud's key is in %s, want %s", c.settings, cfg.CloudKeyPath(), want)
		}
	}
}

// TestDamagedClaim: what can't be read is said with what to do, by the configuration and by the terminal.
func TestDamagedClaim(t *testing.T) {
	t.Parallel()
	for _, name := range []string{termsFile, certFile, keyFile} {
		path := filepath.Join(t.TempDir(), "claimed")
		if err := given(t, "till-1").write(path, func(string) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if k, err := load(path); err == nil {
			t.Errorf("%s is damaged: %+v", name, k.terms)
		}
	}
}
