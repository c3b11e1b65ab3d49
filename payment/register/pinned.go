package register

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"smiletill/payment"
)

// ErrFingerprint says that another certificate was found than the one that was pinned.
var ErrFingerprint = errors.New("the terminal shows another certificate")

// ParseFingerprint reads 64 hex digits in either case, with spaces or colons between them or none, and gives
// them as Fingerprint does.
func ParseFingerprint(text string) (string, error) {
	digits := strings.ToLower(strings.NewReplacer(" ", "", ":", "").Replace(text))
	if raw, err := hex.DecodeString(digits); err != nil || len(raw) != sha256.Size {
		return "", payment.WithHint(fmt.Errorf("%.80q is no SHA-256 fingerprint", text),
			"it has 64 hex digits; `smiletill register certificate` on the terminal prints it")
	}
	return digits, nil
}

// ReadFingerprint gives the fingerprint of the first certificate in a PEM file.
func ReadFingerprint(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the terminal's certificate: %w", err)
	}
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return "", fmt.Errorf("read the terminal's certificate %s: %w", path, err)
		}
		return Fingerprint(c), nil
	}
	return "", payment.WithHint(fmt.Errorf("read the terminal's certificate: %s holds none", path),
		"it must be what `smiletill register certificate --pem` prints on the terminal")
}

const (
	// dialPatience is the time for a connection, and again for its handshake.
	dialPatience = 5 * time.Second
	// probeAfter, probeEvery and probes notice within 20 s that the terminal at the other end is gone, while
	// a payment is waited for in silence.
	probeAfter = 5 * time.Second
	probeEvery = 5 * time.Second
	probes     = 3
)

// Pinned gives a client for one terminal: who answers is known by the certificate's fingerprint alone, not by
// its name, its dates or who signed it. It follows no redirect and uses no proxy.
func Pinned(fingerprint string) *http.Client {
	dialer := &net.Dialer{Timeout: dialPatience, KeepAliveConfig: net.KeepAliveConfig{Enable: true,
		Idle: probeAfter, Interval: probeEvery, Count: probes}}
	check := func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return ErrFingerprint
		}
		got := Fingerprint(s.PeerCertificates[0])
		if got == fingerprint {
			return nil
		}
		return payment.WithHint(fmt.Errorf("%w: SHA-256 %s", ErrFingerprint, got),
			"compare it with `smiletill register certificate` on the terminal: if it was renewed give the new one; "+
				"if not, something else answers at this address")
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialPatience, IdleConnTimeout: idleTimeout / 2,
			TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS12,
				// Names and chains are not looked at, the certificate itself is, also of a resumed session.
				InsecureSkipVerify: true, //nolint:gosec // VerifyConnection pins
				VerifyConnection:   check,
			},
		},
	}
}
