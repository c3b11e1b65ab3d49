package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

// TestBesideTheSettings: what a terminal knows broker and cloud by comes to the card as files, and only what
// is a certificate or a key does.
func TestBesideTheSettings(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	ca, cloud := put("shop-ca.crt", text("CERTIFICATE", der)), put("cloud.txt", text("PUBLIC KEY", public))
	s, err := Words{Broker: "mqtts://broker.example:8883", BrokerCA: ca, CloudKey: cloud}.Settings(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`ca_file = "/boot/select/ca.pem"`,
		`cloud_key_file = "/boot/select/cloud.pub"`} {
		if !strings.Contains(string(s.Text()), line) {
			t.Errorf("the settings lack %s:\n%s", line, s.Text())
		}
	}
	if len(s.Files) != 2 || s.Files[0].Name != "ca.pem" || s.Files[1].Name != "cloud.pub" ||
		string(s.Files[1].Data) != string(text("PUBLIC KEY", public)) {
		t.Errorf("beside them are %+v", s.Files)
	}
	for _, broker := range []string{"", "mqtt://127.0.0.1:1883"} {
		if s, err := (Words{Broker: broker, BrokerCA: ca}).Settings(nil, nil); err == nil || len(s.Files) != 0 ||
			!strings.Contains(payment.HintOf(err), "--broker mqtts://") {
			t.Errorf("a certificate for the broker %q: %v", broker, err)
		}
	}
	const tls = "mqtts://broker.example:8883"
	for what, w := range map[string]Words{
		"no file":                    {Broker: tls, BrokerCA: filepath.Join(dir, "none")},
		"a folder":                   {Broker: tls, BrokerCA: dir},
		"a key in place of":          {Broker: tls, BrokerCA: cloud},
		"a certificate in place of":  {CloudKey: ca},
		"the secret half":            {CloudKey: put("secret", text("PRIVATE KEY", secret))},
		"the secret half by a name":  {CloudKey: put("named", text("PUBLIC KEY", secret))},
		"a certificate that is none": {Broker: tls, BrokerCA: put("none.pem", text("CERTIFICATE", []byte("x")))},
		"an empty one":               {CloudKey: put("empty", nil)},
	} {
		if s, err := w.Settings(nil, nil); err == nil || len(s.Files) != 0 {
			t.Errorf("%s: taken", what)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
}
