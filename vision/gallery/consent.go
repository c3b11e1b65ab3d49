package gallery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// A consent's file lies beside its record: magic, id of the key, then nonce, ciphertext and tag of
// AES-256-GCM. Additional data: these and the customer's id. The sealed part is JSON. It is not bound to the
// templates: who renews a face has agreed before.
const (
	consentMagic = "smtagree\x01" // the last byte is the format's version
	consentExt   = ".consent"
	consentMax   = 2048
)

// ErrConsent is of a consent that says too little.
var ErrConsent = errors.New("consent says too little")

// Consent is what a customer agreed to before the face was taken. It is proof for the customer and the shop,
// and goes with the record.
type Consent struct {
	// Text is the version of what was explained, 16 hexadecimal digits of its SHA-256; empty where paper
	// alone tells.
	Text      string    `json:"text,omitempty"`
	Lang      string    `json:"lang,omitempty"` // in which it was explained
	At        time.Time `json:"at"`
	Explained string    `json:"explained"`       // who explained it
	Paper     string    `json:"paper,omitempty"` // where the signed paper is, by the shop's own reference
}

func (c Consent) valid() bool {
	return (c.Text != "" && c.Lang != "" || c.Paper != "") && c.Explained != "" && !c.At.IsZero()
}

// Summary is what a fact says of it, which names neither the customer nor who explained it.
func (c Consent) Summary() string {
	if c.Text == "" {
		return "paper"
	}
	text := c.Text + " " + c.Lang
	if c.Paper != "" {
		text += " and paper"
	}
	return text
}

// Format answers every verb: a name is in it.
func (c Consent) Format(f fmt.State, _ rune) { io.WriteString(f, c.Summary()) } //nolint:errcheck // fmt's own

// LogValue leaves names out too.
func (c Consent) LogValue() slog.Value { return slog.StringValue(c.Summary()) }

// Wish is what else an enrolment is to keep, or may do. The zero value is nothing.
type Wish struct {
	Digits  *string  // as Numbered; nil: none, or with a renewal those there are
	Consent *Consent // nil: none, or with a renewal the one there is
	// OtherFace lets a renewal go on whose templates are another face's, or of which nothing tells whether they
	// are: Change.OtherFace or Unmatched says so then.
	OtherFace bool
}

// EnrolAs is Enrol with a wish; ErrDigits and ErrConsent too.
func (g *Gallery) EnrolAs(
	name string, templates [][]float32, w Wish, before func(Change) error,
) (Customer, error) {
	if err := w.check(); err != nil {
		return Customer{}, err
	}
	return g.enrol(name, w, templates, before)
}

// EnrolAgainAs is EnrolAgain with a wish; ErrDigits and ErrConsent too.
func (g *Gallery) EnrolAgainAs(
	id string, templates, seen [][]float32, w Wish, before func(Change) error,
) (Customer, error) {
	if err := w.check(); err != nil {
		return Customer{}, err
	}
	return g.enrolAgain(id, w, templates, seen, before)
}

func (w Wish) check() error {
	if w.Digits != nil && *w.Digits != "" {
		if err := CheckDigits(*w.Digits); err != nil {
			return err
		}
	}
	if w.Consent != nil && !w.Consent.valid() {
		return ErrConsent
	}
	return nil
}

// KeepConsent keeps what a customer who is enrolled has agreed to, in place of what there was. before is as
// Enrol's. ErrUnknownCustomer, ErrConsent, ErrClosed, ErrLocked.
func (g *Gallery) KeepConsent(id string, c Consent, before func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return fmt.Errorf("keep the consent of %s: %w", id, err)
	}
	if _, there := g.sums[id]; !there {
		return hint(fmt.Errorf("keep the consent of %q: %w", id, ErrUnknownCustomer),
			"list the customers for their ids")
	}
	if !c.valid() {
		return fmt.Errorf("keep the consent of %s: %w", id, ErrConsent)
	}
	if err := before(); err != nil {
		return err
	}
	return g.writeConsent(id, c)
}

// Consent gives what a customer agreed to, if that is known.
func (g *Gallery) Consent(id string) (Consent, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.consents[id]
	return c, ok
}

// Unconsented counts the customers of whom nothing tells what they agreed to: they were enrolled before it
// was asked for.
func (g *Gallery) Unconsented() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sums) - len(g.consents)
}

// writeConsent puts a consent on disk. The caller holds mu.
func (g *Gallery) writeConsent(id string, c Consent) error {
	c.At = c.At.UTC().Truncate(time.Second)
	plain, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keep the consent of %s: %w", id, err)
	}
	h := append([]byte(consentMagic), g.sealer.keyID[:]...)
	sealed := g.sealer.aead.Seal(h, nil, plain, additional(h, id))
	if len(sealed) > consentMax {
		return hint(fmt.Errorf("keep the consent of %s: %w: it is too long", id, ErrConsent),
			"use a shorter name and reference")
	}
	if err := writeFile(g.dir, id+consentExt, sealed, leaveOnError); err != nil {
		return hint(fmt.Errorf("keep the consent of %s: %w", id, err),
			"see that the disk has room and can be written")
	}
	g.consents[id] = c
	return nil
}

// readConsents reads what customers agreed to. One that can't be read is as none: the customer is counted
// with those of whom nothing tells. One that is left alone goes.
func (g *Gallery) readConsents(log *slog.Logger) error {
	return g.beside(consentExt, consentMax, func(id string, data []byte, err error) {
		var c Consent
		if err == nil {
			c, err = g.sealer.openConsent(id, data)
		}
		if err != nil {
			log.Warn("what a customer agreed to can't be read", "customer", id, "err", err)
			return
		}
		g.consents[id] = c
	})
}

// openConsent reads the consent of customer id.
func (s sealer) openConsent(id string, data []byte) (Consent, error) {
	n := len(consentMagic) + keyIDLen
	if len(data) < n || string(data[:len(consentMagic)]) != consentMagic {
		return Consent{}, fmt.Errorf("%w: it isn't a consent of this version", ErrDamaged)
	}
	plain, err := s.aead.Open(nil, nil, data[n:], additional(data[:n], id))
	if err != nil {
		return Consent{}, fmt.Errorf("%w: it was changed, cut or renamed", ErrDamaged)
	}
	var c Consent
	if err := json.Unmarshal(plain, &c); err != nil || !c.valid() {
		return Consent{}, fmt.Errorf("%w: its content makes no sense", ErrDamaged)
	}
	return c, nil
}
