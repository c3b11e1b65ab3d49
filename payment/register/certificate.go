package register

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"sync"
	"time"

	"smiletill/payment"
)

// Certificate is the terminal's, as it lies in two PEM files. Files that are replaced are read again by the
// next connection. Its methods may be called from any goroutine.
type Certificate struct {
	certFile, keyFile string

	mu     sync.Mutex
	loaded *tls.Certificate
	stamps [2]time.Time // of the files when they were read
}

// OpenCertificate reads a certificate and its key.
func OpenCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	_, err := c.get(nil)
	return c, err
}

// drawCertificate makes a key and a certificate that it signs itself, in PEM.
func drawCertificate(name string, hosts []string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	from, to := life(time.Now())
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		// Whoever is given it trusts this terminal, and must trust nothing that it signs. No KeyUsage: with one
		// that leaves signing out, OpenSSL 1.1 (Node up to 16) no longer takes a certificate for its own issuer.
		BasicConstraintsValid: true, IsCA: false,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    append([]string{"localhost"}, hosts...), IPAddresses: addresses(),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}

// certificateYears is how long a certificate is good for: some libraries look at the dates of one that they
// have pinned, and a shop that has to give it to every register once a year would stop looking at it.
const certificateYears = 10

// life is the time for which a certificate made now is good. A terminal may make it before its clock is
// right.
func life(now time.Time) (from, to time.Time) {
	from = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if sane := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(sane) {
		now = sane
	}
	return from, now.UTC().Truncate(time.Second).AddDate(certificateYears, 0, 0)
}

// addresses are this machine's.
func addresses() []net.IP {
	ips := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ips // loopback is enough to begin with
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP)
		}
	}
	return ips
}

// TLS is the configuration of a server that shows the certificate, as its files are when somebody connects.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get is tls.Config.GetCertificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamps := [2]time.Time{modified(c.certFile), modified(c.keyFile)}
	if c.loaded != nil && stamps == c.stamps {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		if c.loaded != nil {
			return c.loaded, nil // one file is replaced, the other not yet
		}
		err = unfit(c.certFile, c.keyFile)
		return nil, payment.WithHint(fmt.Errorf("read the terminal's certificate: %w", err),
			"put a PEM certificate and its key, without a passphrase, into "+c.certFile+" and "+c.keyFile+
				"; or put both away, and register.cert_file out of the configuration: the terminal makes its own")
	}
	c.loaded, c.stamps = &pair, stamps
	return c.loaded, nil
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Info is what a technician compares.
type Info struct {
	Name        string // common name
	Fingerprint string // SHA-256 of the certificate, 64 hex digits
	NotBefore   time.Time
	NotAfter    time.Time
	Own         bool // signed by itself
	Signs       bool // may sign for other names, as those that older versions made
}

// endsSoon is how long before its end a certificate should be renewed.
const endsSoon = 90 * 24 * time.Hour

const renewAdvice = "`smiletill register certificate --renew` makes another, which every register has to " +
	"be given"

// Ending says what to do about a certificate that ends soon, or "".
func (i Info) Ending(now time.Time) string {
	switch {
	case i.NotAfter.Sub(now) >= endsSoon:
		return ""
	case i.Own:
		return "the certificate ends on " + i.NotAfter.UTC().Format(time.DateOnly) + ": " + renewAdvice
	}
	return "the certificate ends on " + i.NotAfter.UTC().Format(time.DateOnly) + ": replace its files before"
}

// Advice is Ending, or what else a technician should do about the certificate, or "".
func (i Info) Advice(now time.Time) string {
	if ending := i.Ending(now); ending != "" || !i.Own || !i.Signs {
		return ending
	}
	return "a register that trusts this certificate takes any that its key signed, for any name: " +
		renewAdvice + ". Until then those that know this one are served as before"
}

// Info describes the certificate that is in use.
func (c *Certificate) Info() (Info, error) {
	pair, err := c.get(nil)
	if err != nil {
		return Info{}, err
	}
	return Info{
		Name: pair.Leaf.Subject.CommonName, Fingerprint: Fingerprint(pair.Leaf), NotBefore: pair.Leaf.NotBefore,
		NotAfter: pair.Leaf.NotAfter, Own: signedByItself(pair.Leaf), Signs: pair.Leaf.IsCA,
	}, nil
}

// signedByItself holds also for one that must not sign others.
func signedByItself(c *x509.Certificate) bool {
	return c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// Fingerprint names a certificate: the SHA-256 of its DER form, 64 hex digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
