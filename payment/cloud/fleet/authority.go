package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	// authorityYears is how long the authority is good for: longer than any terminal.
	authorityYears = 30
	// serverYears is how long the cloud's own certificates are; they are made anew at each start.
	serverYears = 10
	// terminalFor is how long a terminal's is: it is renewed at two thirds, which leaves four months for
	// one that was switched off.
	terminalFor = 365 * 24 * time.Hour
)

// began is when certificates begin to be good: long ago, so that a machine whose clock was never set takes
// them.
func began() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }

// sane is now, or a time that this program knows to be over, if the clock is behind that.
func sane(now time.Time) time.Time {
	if known := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(known) {
		return known
	}
	return now.UTC().Truncate(time.Second)
}

// Authority signs the certificates of a cloud and its terminals. It does not print.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	text []byte
}

// String gives [redacted].
func (*Authority) String() string { return "[redacted]" }

// OpenAuthority reads the authority in a folder (authority.key: its key and its certificate), or makes it
// where there is none. Beside it lies the certificate alone, authority.pem, for whoever is to believe it.
func OpenAuthority(dir string) (*Authority, error) {
	path := filepath.Join(dir, "authority.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newAuthority(); err == nil {
			err = writeNew(path, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the cloud's authority: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("open the cloud's authority %s: %w", path, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("open the cloud's authority %s: it is none", path)
	}
	a := &Authority{key: key, cert: pair.Leaf,
		text: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw})}
	public := filepath.Join(dir, "authority.pem")
	if was, err := os.ReadFile(public); err != nil || string(was) != string(a.text) {
		if err := os.WriteFile(public, a.text, 0o644); err != nil { // made anew at the next start if it is cut
			return nil, fmt.Errorf("open the cloud's authority: %w", err)
		}
	}
	return a, nil
}

// PEM is the authority's certificate, which whoever believes it is given.
func (a *Authority) PEM() []byte { return a.text }

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func newAuthority() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	number, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: "smiletill cloud " + number.Text(16)[:8]},
		NotBefore: began(), NotAfter: sane(time.Now()).AddDate(authorityYears, 0, 0),
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return pair(der, key)
}

func pair(der []byte, key *ecdsa.PrivateKey) ([]byte, error) {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// writeNew makes a file as a whole or not at all, mode 0600, and never over another.
func writeNew(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err := errors.Join(err, os.Remove(f.Name())); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Server makes the cloud's own certificate, for names and addresses.
func (a *Authority) Server(hosts []string) (*tls.Certificate, error) {
	return a.own(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		Subject: pkix.Name{CommonName: "smiletill cloud"}}, hosts)
}

// Client makes the certificate that the cloud itself shows to a broker.
func (a *Authority) Client() (*tls.Certificate, error) {
	return a.own(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		Subject: pkix.Name{CommonName: cloudName}}, nil)
}

// cloudName is who the cloud is at a broker, as in payment/report/testdata/mosquitto.acl.
const cloudName = "cloud"

func (a *Authority) own(t *x509.Certificate, hosts []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the cloud's certificate: %w", err)
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	t.NotAfter = sane(time.Now()).AddDate(serverYears, 0, 0)
	der, err := a.sign(t, key.Public())
	if err != nil {
		return nil, fmt.Errorf("make the cloud's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the cloud's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

func (a *Authority) sign(t *x509.Certificate, key any) ([]byte, error) {
	number, err := newSerial()
	if err != nil {
		return nil, err
	}
	t.SerialNumber, t.NotBefore, t.BasicConstraintsValid = number, began(), true
	t.KeyUsage = x509.KeyUsageDigitalSignature
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	return x509.CreateCertificate(rand.Reader, t, a.cert, key, a.key)
}

// issue makes a terminal's certificate. Of the request the key alone counts: the name is the cloud's to give.
func (a *Authority) issue(r *x509.CertificateRequest, source, id string) (*x509.Certificate, string, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, "", fmt.Errorf("make a terminal's certificate: %w", err)
	}
	der, err := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: id}, URIs: []*url.URL{u},
		NotAfter:    sane(time.Now()).Add(terminalFor),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, r.PublicKey)
	if err != nil {
		return nil, "", fmt.Errorf("make a terminal's certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", fmt.Errorf("make a terminal's certificate: %w", err)
	}
	return c, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

// Fingerprint is that of the certificate that a server shows.
func Fingerprint(c *tls.Certificate) [sha256.Size]byte { return sha256.Sum256(c.Certificate[0]) }
