package claim

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/schollz/pake/v3"

	"smiletill/payment/report/signature"
)

// ErrWrongCode is that the other side did not have the code, or that somebody stood between.
var ErrWrongCode = errors.New("the codes are not the same")

// label begins everything that is hashed here: nothing else's hash can be taken for it.
const label = "smiletill claim v1"

// Roles in the exchange.
const (
	ofTerminal = 0 // begins
	ofCloud    = 1
)

// start is one side of the exchange.
func start(c Code, role int) (*pake.Pake, error) {
	// The curve takes numbers of 32 bytes; a short text would be a small one.
	secret := sha256.Sum256([]byte(label + " code " + c.plate + c.secret))
	p, err := pake.InitCurve(secret[:], role, "p256")
	if err != nil {
		return nil, fmt.Errorf("begin the exchange: %w", err)
	}
	return p, nil
}

const coordinate = 32 // bytes

// pointOf writes a point as SEC 1 has it, uncompressed.
func pointOf(x, y *big.Int) []byte {
	p := make([]byte, 1+2*coordinate)
	p[0] = 4
	x.FillBytes(p[1 : 1+coordinate])
	y.FillBytes(p[1+coordinate:])
	return p
}

// take gives the library the other side's point, which was checked, in its own words: nothing that came from
// outside is decoded by it.
func take(p *pake.Pake, role int, point []byte) ([]byte, error) {
	if err := checkPoint(point); err != nil {
		return nil, err
	}
	x, y := new(big.Int).SetBytes(point[1:1+coordinate]), new(big.Int).SetBytes(point[1+coordinate:])
	other := &pake.Pake{Role: role}
	if role == ofTerminal {
		other.Xᵤ, other.Xᵥ = x, y
	} else {
		other.Yᵤ, other.Yᵥ = x, y
	}
	if err := p.Update(other.Bytes()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return p.SessionKey()
}

// Proof is what one side knows after a run.
type Proof struct{ transcript, cloud, terminal, grant []byte }

// String gives [redacted].
func (*Proof) String() string { return "[redacted]" }

// derive makes the keys of a run of what the exchange gave and of everything that was said.
func derive(key []byte, fingerprint [sha256.Size]byte, hello, point, terms []byte) (*Proof, error) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(label), fingerprint[:], hello, point, terms} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	p := &Proof{transcript: h.Sum(nil)}
	for _, one := range []struct {
		into *[]byte
		what string
	}{{&p.cloud, " cloud"}, {&p.terminal, " terminal"}, {&p.grant, " grant"}} {
		k, err := hkdf.Key(sha256.New, key, p.transcript, label+one.what, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("make the keys of a claim: %w", err)
		}
		*one.into = k
	}
	return p, nil
}

func mac(key, about []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(about)
	return m.Sum(nil)
}

// Opening is the terminal's side of a run that has begun: good for one Offer.
type Opening struct {
	p     *pake.Pake
	hello []byte
}

// Open begins a run: it gives the Hello that the terminal sends, with plate and point filled in.
func Open(c Code, h Hello) (*Opening, []byte, error) {
	p, err := start(c, ofTerminal)
	if err != nil {
		return nil, nil, err
	}
	h.Plate, h.Point = c.plate, pointOf(p.Xᵤ, p.Xᵥ)
	text, err := json.Marshal(h)
	if err != nil {
		return nil, nil, fmt.Errorf("write a hello: %w", err)
	}
	return &Opening{p: p, hello: text}, text, nil
}

// Check checks an offer that came over TLS with the certificate of this fingerprint (SHA-256 of its DER). The
// error is ErrWrongCode if the cloud's proof does not hold.
func (o *Opening) Check(offer Offer, fingerprint [sha256.Size]byte) (*Proof, error) {
	if o.p == nil {
		return nil, fmt.Errorf("check an offer: %w: this run is over", ErrMessage)
	}
	p := o.p
	o.p = nil
	key, err := take(p, ofCloud, offer.Point)
	if err != nil {
		return nil, fmt.Errorf("check an offer: %w", err)
	}
	proof, err := derive(key, fingerprint, o.hello, offer.Point, offer.Terms)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac(proof.cloud, proof.transcript), offer.Proof) {
		return nil, fmt.Errorf("check an offer: %w", ErrWrongCode)
	}
	return proof, nil
}

// Meet is the cloud's side of a run: the offer to a terminal's hello, as the bytes that came, by the code
// that was typed, over TLS with the certificate of this fingerprint.
func Meet(
	c Code, fingerprint [sha256.Size]byte, hello []byte, h Hello, terms []byte, run string,
) (Offer, *Proof, error) {
	p, err := start(c, ofCloud)
	if err != nil {
		return Offer{}, nil, err
	}
	key, err := take(p, ofTerminal, h.Point)
	if err != nil {
		return Offer{}, nil, fmt.Errorf("answer a hello: %w", err)
	}
	o := Offer{Run: run, Point: pointOf(p.Yᵤ, p.Yᵥ), Terms: terms}
	proof, err := derive(key, fingerprint, hello, o.Point, terms)
	if err != nil {
		return Offer{}, nil, err
	}
	o.Proof = mac(proof.cloud, proof.transcript)
	return o, proof, nil
}

// Answer is the terminal's, signed with its key.
func (p *Proof) Answer(run string, k *signature.Key) (Answer, error) {
	s, err := signature.Sign(k, p.statement())
	if err != nil {
		return Answer{}, err
	}
	return Answer{Run: run, Proof: mac(p.terminal, p.transcript), Signature: s}, nil
}

func (p *Proof) statement() signature.Claim {
	return signature.Claim{Act: "claim", Of: base64.RawURLEncoding.EncodeToString(p.transcript)}
}

// Holds checks a terminal's answer, as the cloud. The error is ErrWrongCode if its proof does not hold, and
// signature.ErrSignature if the key of its hello has not signed.
func (p *Proof) Holds(a Answer, h Hello) error {
	if !hmac.Equal(mac(p.terminal, p.transcript), a.Proof) {
		return fmt.Errorf("check a terminal's answer: %w", ErrWrongCode)
	}
	return signature.Verify(h.Keys(), p.statement(), a.Signature)
}

// Grant is the cloud's, with its proof.
func (p *Proof) Grant(certificate string) Grant {
	return Grant{Certificate: certificate, Proof: mac(p.grant, []byte(certificate))}
}

// Granted checks the cloud's grant, as the terminal. The error is ErrWrongCode.
func (p *Proof) Granted(g Grant) error {
	if !hmac.Equal(mac(p.grant, []byte(g.Certificate)), g.Proof) {
		return fmt.Errorf("check the cloud's grant: %w", ErrWrongCode)
	}
	return nil
}

// Renewing is what a terminal signs to be given another certificate for a request.
func Renewing(source string, request []byte) signature.Claim {
	sum := sha256.Sum256(request)
	return signature.Claim{Act: "renew", Source: source, Of: base64.RawURLEncoding.EncodeToString(sum[:])}
}
