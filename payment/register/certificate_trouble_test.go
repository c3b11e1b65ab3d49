package register

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who brings a certificate of his own reads what is wrong with it in his own words, and what to do.
func TestOwnCertificateThatDoesNotFit(t *testing.T) {
	pair := func() (cert, key string) {
		c, k, err := drawCertificate("till", nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(c), string(k)
	}
	cert, key := pair()
	_, other := pair()
	block := func(name string, der []byte, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: name, Headers: headers, Bytes: der}))
	}
	der, _ := pem.Decode([]byte(cert))
	for _, c := range []struct{ name, cert, key, says string }{
		{"another's key", cert, other, "till.key is not that of the first certificate in"},
		{"swapped", key, cert, "swapped"},
		{"not PEM", string(der.Bytes), key, "till.crt holds no certificate in PEM form"},
		{"the key twice", key, key, "till.crt holds no certificate in PEM form"},
		{"the certificate twice", cert, cert, "till.key holds no key in PEM form"},
		{"an empty key", cert, "", "till.key holds no key in PEM form"},
		{"a locked key", cert, block("ENCRYPTED PRIVATE KEY", []byte("secret"), nil), "passphrase"},
		{"a key locked as OpenSSL 1.0 did", cert, block("EC PRIVATE KEY", []byte("secret"),
			map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}), "passphrase"},
		{"half a certificate", block("CERTIFICATE", der.Bytes[:len(der.Bytes)/2], nil), key, "till.crt is damaged"},
		{"half a key", cert, block("PRIVATE KEY", []byte{0x30, 0x10}, nil), "till.key is damaged"},
		{"no key", cert, "-", "till.key: no such file"},
	} {
		dir := t.TempDir()
		certFile, keyFile := filepath.Join(dir, "till.crt"), filepath.Join(dir, "till.key")
		err := os.WriteFile(certFile, []byte(c.cert), 0o600)
		if c.key != "-" {
			err = errors.Join(err, os.WriteFile(keyFile, []byte(c.key), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = OpenCertificate(certFile, keyFile)
		var h interface{ Hint() string }
		if !errors.As(err, &h) || !strings.Contains(err.Error(), c.says) ||
			!strings.Contains(h.Hint(), "register.cert_file") {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, jargon := range []string{"tls:", "x509", "asn1", "public key"} {
			if strings.Contains(err.Error(), jargon) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}
