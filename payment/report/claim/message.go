package claim

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// Where the cloud answers, below its address.
const (
	PathWait   = "/claim/v1/wait"   // a Hello; an Offer as soon as the code was typed, or 204 after a while
	PathAnswer = "/claim/v1/answer" // an Answer; a Grant
	PathRenew  = "/claim/v1/renew"  // a Renewal; a Grant without proof, over TLS that is vouched for
	PathLeave  = "/claim/v1/leave"  // a Departure; 204, over TLS that is vouched for
)

// MaxMessage bounds a message, in bytes: the largest, Terms with a broker's chain of certificates, has some
// 10,000.
const MaxMessage = 64 << 10

// ErrMessage marks a message of another form.
var ErrMessage = errors.New("bad message of a claim")

// Hello is a terminal that waits to be claimed.
type Hello struct {
	Plate   string `json:"plate"`
	Key     []byte `json:"key"`     // public, Ed25519
	Request []byte `json:"request"` // PKCS #10, of a key of its own for the broker (ECDSA on P-256)
	Point   []byte `json:"point"`
	// Name is what its own settings call it, in whole or in part.
	Name report.Address `json:"name"`
	// Fixed says that it takes no other name: its settings say it.
	Fixed   bool   `json:"fixed"`
	Program string `json:"program"` // and version
}

// Keys is the terminal's key, as signatures are checked.
func (h Hello) Keys() []ed25519.PublicKey { return []ed25519.PublicKey{h.Key} }

// Terms are what the cloud gives.
type Terms struct {
	Name    report.Address `json:"name"`
	Keys    string         `json:"keys"`    // of the cloud, public, in PEM
	Broker  string         `json:"broker"`  // mqtts://HOST:PORT
	Vouch   string         `json:"vouch"`   // certificates that sign the broker's, in PEM; "": the system's
	Signers string         `json:"signers"` // those that sign the cloud's own and the terminal's
}

// Offer begins the cloud's side of a run.
type Offer struct {
	Run   string `json:"run"`
	Point []byte `json:"point"`
	Terms []byte `json:"terms"`
	Proof []byte `json:"proof"`
}

// Answer ends the terminal's side of a run.
type Answer struct {
	Run       string `json:"run"`
	Wrong     bool   `json:"wrong"` // the proof does not hold: another code was typed
	Refused   string `json:"refused,omitempty"`
	Proof     []byte `json:"proof"`
	Signature string `json:"signature"` // of a signature.Claim about the run
}

// Grant is a terminal's certificate.
type Grant struct {
	Certificate string `json:"certificate"` // in PEM
	Proof       []byte `json:"proof,omitempty"`
}

// Renewal asks for another certificate of the same name.
type Renewal struct {
	Name      report.Address `json:"name"`
	Request   []byte         `json:"request"`
	Signature string         `json:"signature"` // of a signature.Claim about the request
}

// read decodes one JSON object and nothing behind it.
func read(text []byte, into any) error {
	if len(text) > MaxMessage {
		return fmt.Errorf("%w: it is longer than %d bytes", ErrMessage, MaxMessage)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more follows", ErrMessage)
	}
	return nil
}

// ParseHello reads and checks a Hello. Errors are ErrMessage.
func ParseHello(text []byte) (h Hello, err error) {
	if err := read(text, &h); err != nil {
		return Hello{}, fmt.Errorf("read a terminal's hello: %w", err)
	}
	bad := func(what string) (Hello, error) {
		return Hello{}, fmt.Errorf("read a terminal's hello: %w: %s", ErrMessage, what)
	}
	switch {
	case !plates.MatchString(h.Plate):
		return bad("its code")
	case len(h.Key) != ed25519.PublicKeySize:
		return bad("its key")
	case checkPoint(h.Point) != nil:
		return bad("its point")
	case len(h.Program) > 128:
		return bad("its program")
	case h.Fixed && h.Name.Check() != nil:
		return bad("its name")
	}
	for _, part := range []string{h.Name.Tenant, h.Name.Site, h.Name.Terminal} {
		if part != "" && (report.Address{Tenant: part, Site: part, Terminal: part}).Check() != nil {
			return bad("its name")
		}
	}
	if _, err := ParseRequest(h.Request); err != nil {
		return Hello{}, fmt.Errorf("read a terminal's hello: %w", err)
	}
	return h, nil
}

// ParseRequest reads the request for a certificate: signed by its own key, which is one on P-256. Nothing
// else of it is believed. Errors are ErrMessage.
func ParseRequest(der []byte) (*x509.CertificateRequest, error) {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("%w: the certificate's request: %w", ErrMessage, err)
	}
	if k, ok := r.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: the certificate's request is for another kind of key", ErrMessage)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: the certificate's request: %w", ErrMessage, err)
	}
	return r, nil
}

// ParseOffer reads an Offer and its Terms. Errors are ErrMessage.
func ParseOffer(text []byte) (o Offer, t Terms, err error) {
	if err := read(text, &o); err != nil {
		return Offer{}, Terms{}, fmt.Errorf("read the cloud's offer: %w", err)
	}
	if err := read(o.Terms, &t); err != nil {
		return Offer{}, Terms{}, fmt.Errorf("read the cloud's terms: %w", err)
	}
	if err := checkPoint(o.Point); err != nil {
		return Offer{}, Terms{}, fmt.Errorf("read the cloud's offer: %w", err)
	}
	bad := func(what string, err error) (Offer, Terms, error) {
		return Offer{}, Terms{}, fmt.Errorf("read the cloud's terms: %w: %s: %w", ErrMessage, what, err)
	}
	if err := t.Name.Check(); err != nil {
		return bad("name", err)
	}
	if _, err := signature.ParsePublic([]byte(t.Keys)); err != nil {
		return bad("keys", err)
	}
	if u, err := url.Parse(t.Broker); err != nil || u.Scheme != "mqtts" || u.Hostname() == "" ||
		u.Port() == "" || u.User != nil {
		return bad("broker", errors.New("it is no address of a broker with TLS"))
	}
	if _, err := ParseCertificates(t.Signers); err != nil {
		return bad("signers", err)
	}
	if _, err := ParseCertificates(t.Vouch); t.Vouch != "" && err != nil {
		return bad("vouch", err)
	}
	return o, t, nil
}

// ParseAnswer reads an Answer. Errors are ErrMessage.
func ParseAnswer(text []byte) (a Answer, err error) {
	if err := read(text, &a); err != nil {
		return Answer{}, fmt.Errorf("read a terminal's answer: %w", err)
	}
	if len(a.Refused) > 512 {
		return Answer{}, fmt.Errorf("read a terminal's answer: %w: its reason is too long", ErrMessage)
	}
	return a, nil
}

// ParseRenewal reads a Renewal. Errors are ErrMessage.
func ParseRenewal(text []byte) (r Renewal, err error) {
	if err := read(text, &r); err != nil {
		return Renewal{}, fmt.Errorf("read a renewal: %w", err)
	}
	if err := r.Name.Check(); err != nil {
		return Renewal{}, fmt.Errorf("read a renewal: %w: %w", ErrMessage, err)
	}
	if _, err := ParseRequest(r.Request); err != nil {
		return Renewal{}, fmt.Errorf("read a renewal: %w", err)
	}
	return r, nil
}

// ParseGrant reads a Grant and the certificate in it. Errors are ErrMessage.
func ParseGrant(text []byte) (g Grant, c *x509.Certificate, err error) {
	if err := read(text, &g); err != nil {
		return Grant{}, nil, fmt.Errorf("read the cloud's grant: %w", err)
	}
	all, err := ParseCertificates(g.Certificate)
	if err != nil {
		return Grant{}, nil, fmt.Errorf("read the cloud's grant: %w", err)
	}
	return g, all[0], nil
}

// ParseCertificates reads one or more certificates in PEM. Errors are ErrMessage.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%w: a %s is no certificate: %w", ErrMessage, block.Type, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no certificate in PEM", ErrMessage)
	}
	return all, nil
}

// checkPoint takes a point of P-256 that is not its zero.
func checkPoint(p []byte) error {
	if _, err := ecdh.P256().NewPublicKey(p); err != nil {
		return fmt.Errorf("%w: its point: %w", ErrMessage, err)
	}
	return nil
}
