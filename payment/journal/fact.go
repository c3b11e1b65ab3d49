package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/gowebpki/jcs"

	"smiletill/payment"
)

const (
	kindOpened   = "opened"
	kindVending  = "vending"
	kindApproved = "approved"
	kindReversed = "reversed"
	kindAudit    = "audit" // no payment's: see Audit

	// How the customer paid.
	methodFace = "face+smile"
	methodPIN  = "face+smile+pin"

	// What Options.Models calls the model that tells people apart, and how many digits of a hash it has.
	modelEmbed  = "embed"
	modelDigits = 16
)

// body is what a fact says, and for an approval what the cloud receives: strings, whole numbers, true or
// false. No score, no template, no picture, no name. Its canonical JSON (RFC 8785) is stored and hashed.
// Fields are added at need, with omitempty; none is ever renamed, or old chains can't be read.
type body struct {
	ID           string            `json:"id"`
	Seq          int64             `json:"seq"`
	PrevHash     string            `json:"prev_hash"` // hex
	Kind         string            `json:"kind"`
	PaymentID    string            `json:"payment_id,omitempty"` // a payment's facts have all three
	AmountMinor  int64             `json:"amount_minor,omitempty"`
	Currency     string            `json:"currency,omitempty"`
	Reference    string            `json:"reference,omitempty"`
	Vend         bool              `json:"vend,omitempty"` // a vending machine's
	Item         string            `json:"item,omitempty"` // as the machine calls it
	Reason       payment.Reason    `json:"reason,omitempty"`
	Detail       string            `json:"detail,omitempty"`
	Customer     string            `json:"customer,omitempty"` // pseudonymous
	Method       string            `json:"method,omitempty"`
	Limits       payment.Need      `json:"limits,omitempty"`      // the limit for which the PIN was asked for
	ReversalID   string            `json:"reversal_id,omitempty"` // the caller's id of a reversal
	Whole        bool              `json:"whole,omitempty"`       // a reversal of all that was left
	MatchFrames  int               `json:"match_frames,omitempty"`
	SmileFrames  int               `json:"smile_frames,omitempty"`
	JudgedFrames int               `json:"judged_frames,omitempty"` // by which the verdict of Liveness was given
	Strangers    int               `json:"strangers,omitempty"`
	Time         string            `json:"time"` // of the change of state, wall clock, RFC 3339, UTC
	TimeTrusted  bool              `json:"time_trusted"`
	ClockMS      int64             `json:"clock_ms,omitempty"` // time that provably passed on this terminal
	Tenant       string            `json:"tenant,omitempty"`
	Site         string            `json:"site,omitempty"`
	Terminal     string            `json:"terminal,omitempty"`
	Models       map[string]string `json:"models,omitempty"`
	Camera       *camera           `json:"camera,omitempty"`
	Liveness     *liveness         `json:"liveness,omitempty"`

	// Of an audit fact; see Audit.
	Audit      string `json:"audit,omitempty"`
	Record     string `json:"record,omitempty"`
	Templates  int    `json:"templates,omitempty"`
	Unmatched  bool   `json:"unmatched,omitempty"`
	Carried    bool   `json:"carried,omitempty"`
	Register   string `json:"register,omitempty"`
	KeyVersion int    `json:"key_version,omitempty"`
	Offline    bool   `json:"offline,omitempty"`
	Formerly   string `json:"formerly,omitempty"` // the terminal's name before: TENANT/SITE/TERMINAL
	Clerk      string `json:"clerk,omitempty"`
	Keys       string `json:"keys,omitempty"`
	Program    string `json:"program,omitempty"`
	Consent    string `json:"consent,omitempty"`
	OtherFace  bool   `json:"other_face,omitempty"`
	Undone     bool   `json:"undone,omitempty"`
	Why        string `json:"why,omitempty"`

	// Who did it, of an audit fact or a reversal, and who else stood by it.
	By     *payment.Who `json:"by,omitempty"`
	Second *payment.Who `json:"second,omitempty"`

	Closing map[string]string `json:"closing,omitempty"` // see Closing.words
}

// known is somebody as a fact names them: nil where nobody is known.
func known(w payment.Who) *payment.Who {
	if w == (payment.Who{}) {
		return nil
	}
	return &w
}

// named is the other way.
func named(w *payment.Who) payment.Who {
	if w == nil {
		return payment.Who{}
	}
	return *w
}

// camera is what the frames of an approval were taken with.
type camera struct {
	Kind   string `json:"kind"`
	Driver string `json:"driver,omitempty"`
}

// liveness is what was demanded of the pictures, and what was found. No scores. Objects in a fact hold
// strings alone, as the cloud was promised.
type liveness struct {
	Demand   payment.Demand  `json:"demand"`
	Answered payment.Demand  `json:"answered,omitempty"` // that the verdict is of, where it is another one
	Verdict  payment.Verdict `json:"verdict,omitempty"`  // left out: nobody judged
	Screen   string          `json:"screen,omitempty"`   // what showed the light; left out: a page that said so
}

// livenessOf is what the fact of a payment's end says of it: nil if nothing was demanded, or if there was no
// consent to judge.
func livenessOf(p payment.Payment) *liveness {
	found := p.Evidence.Liveness
	consent := p.State == payment.StateApproved || p.State == payment.StateVending ||
		p.State == payment.StateVoided || p.Need == payment.NeedLiveness
	if p.Demand == payment.DemandNone || !consent && found == (payment.Liveness{}) {
		return nil
	}
	l := &liveness{Demand: p.Demand, Verdict: found.Verdict, Screen: found.Screen}
	if found.Demand != p.Demand {
		l.Answered = found.Demand
	}
	return l
}

// judged gives back what a fact says was demanded and found.
func (b body) judged() (payment.Demand, payment.Liveness) {
	l := b.Liveness
	if l == nil {
		return payment.DemandNone, payment.Liveness{}
	}
	out := payment.Liveness{Demand: l.Answered, Verdict: l.Verdict, Frames: b.JudgedFrames, Screen: l.Screen}
	if out.Demand == payment.DemandNone && l.Verdict != payment.VerdictNone {
		out.Demand = l.Demand
	}
	return l.Demand, out
}

// link is one fact of the chain as it is stored.
type link struct {
	body body
	text []byte // canonical
	prev [sha256.Size]byte
	hash [sha256.Size]byte
}

// kindOf gives the kind of fact that a stored state comes from.
func kindOf(s payment.State) (string, error) {
	switch s {
	case payment.StateWaiting:
		return kindOpened, nil
	case payment.StateVending, payment.StateApproved, payment.StateDeclined, payment.StateCancelled,
		payment.StateExpired, payment.StateVoided:
		return string(s), nil
	case payment.StateRecognised, payment.StatePIN:
	}
	return "", fmt.Errorf("state %q is not for the journal", s)
}

// changedAt is when a payment came to its state.
func changedAt(p payment.Payment) time.Time {
	switch p.State {
	case payment.StateWaiting:
		return p.OpenedAt
	case payment.StateVending:
		return p.VendedAt
	case payment.StateRecognised, payment.StatePIN, payment.StateApproved, payment.StateDeclined,
		payment.StateCancelled, payment.StateExpired, payment.StateVoided:
	}
	return p.ClosedAt
}

// paymentBody is what the fact of a payment's state says, its place in the chain left open.
func paymentBody(o Options, p payment.Payment) (body, error) {
	kind, err := kindOf(p.State)
	if err != nil {
		return body{}, err
	}
	b := body{
		Kind: kind, PaymentID: p.ID, AmountMinor: p.Amount.Minor, Currency: p.Amount.Currency,
		Reference: p.Reference, Vend: p.Vend, Item: p.Item,
		Reason: p.Reason, Detail: p.Detail, Customer: p.Customer, Limits: p.Need,
		MatchFrames: p.Evidence.MatchFrames, SmileFrames: p.Evidence.SmileFrames,
		Time: stamp(changedAt(p)), TimeTrusted: p.TimeTrusted,
		Tenant: o.Tenant, Site: o.Site, Terminal: o.Terminal,
	}
	if kind != kindOpened {
		b.Strangers = p.Strangers
		if b.Liveness = livenessOf(p); b.Liveness != nil {
			b.JudgedFrames = p.Evidence.Liveness.Frames
		}
	}
	if kind == kindApproved || kind == kindVending {
		b.Method, b.Models = methodFace, o.Models
		if c := p.Evidence.Camera; c.Kind != "" {
			b.Camera = &camera{c.Kind, c.Driver}
		}
		if p.PIN {
			b.Method = methodPIN
		}
		if m := p.Evidence.Model; m != "" {
			b.Models = map[string]string{}
			maps.Copy(b.Models, o.Models)
			b.Models[modelEmbed] = m[:min(len(m), modelDigits)]
		}
	}
	return b, nil
}

// reversalBody is the same of a reversal; its amount is what is given back.
func reversalBody(o Options, r payment.Reversal) body {
	return body{
		Kind: kindReversed, PaymentID: r.PaymentID, ReversalID: r.ID, Whole: r.Whole,
		AmountMinor: r.Amount.Minor, Currency: r.Amount.Currency, Reference: r.Reference, Customer: r.Customer,
		Time: stamp(r.At), TimeTrusted: r.TimeTrusted, By: known(r.Who),
		Tenant: o.Tenant, Site: o.Site, Terminal: o.Terminal,
	}
}

// seal gives a body its place after head.
func seal(head chainHead, id string, b body) (link, error) {
	b.ID, b.Seq, b.PrevHash = id, head.seq+1, hex.EncodeToString(head.hash[:])
	text, err := json.Marshal(b)
	if err != nil {
		return link{}, fmt.Errorf("write fact: %w", err)
	}
	if text, err = jcs.Transform(text); err != nil {
		return link{}, fmt.Errorf("write fact: %w", err)
	}
	return link{body: b, text: text, prev: head.hash, hash: chain(head.hash, text)}, nil
}

// chain is the rule of the chain: SHA-256(hash of the fact before || canonical body).
func chain(prev [sha256.Size]byte, text []byte) [sha256.Size]byte {
	return sha256.Sum256(append(prev[:], text...))
}

// parseBody reads a stored body. It is strict: what this version didn't write, it doesn't understand.
func parseBody(text []byte) (body, error) {
	var b body
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return body{}, fmt.Errorf("read fact: %w", err)
	}
	if d.More() {
		return body{}, fmt.Errorf("read fact: more than one value")
	}
	return b, nil
}

// replay applies a fact to what its payment was before (zero for an opening).
func (b body) replay(before payment.Payment) (payment.Payment, error) {
	at, err := time.Parse(time.RFC3339Nano, b.Time)
	if err != nil {
		return payment.Payment{}, fmt.Errorf("read fact: time: %w", err)
	}
	request := payment.Request{
		ID: b.PaymentID, Amount: payment.Amount{Minor: b.AmountMinor, Currency: b.Currency}, Reference: b.Reference,
		Vend: b.Vend, Item: b.Item,
	}
	if b.Kind == kindOpened {
		if before.ID != "" {
			return payment.Payment{}, fmt.Errorf("opens a payment that is known")
		}
		return payment.Payment{
			ID: request.ID, Amount: request.Amount, Reference: request.Reference, Vend: b.Vend, Item: b.Item,
			State: payment.StateWaiting, OpenedAt: at.UTC(), TimeTrusted: b.TimeTrusted,
		}, nil
	}
	if !follows(before, payment.State(b.Kind)) || !before.Same(request) {
		return payment.Payment{}, fmt.Errorf("ends a payment that is not open with this content")
	}
	after := before
	after.State, after.Reason, after.Detail = payment.State(b.Kind), b.Reason, b.Detail
	after.Customer, after.TimeTrusted = b.Customer, b.TimeTrusted
	if b.Kind == kindVending {
		after.VendedAt = at.UTC()
	} else {
		after.ClosedAt = at.UTC()
	}
	after.Evidence = payment.Evidence{MatchFrames: b.MatchFrames, SmileFrames: b.SmileFrames}
	after.Need, after.PIN = b.Limits, b.Method == methodPIN
	after.Evidence.Customer = b.Customer
	return after, nil
}

// reversal gives what the fact of a reversal says.
func (b body) reversal() (payment.Reversal, error) {
	at, err := time.Parse(time.RFC3339Nano, b.Time)
	if err != nil {
		return payment.Reversal{}, fmt.Errorf("read fact: time: %w", err)
	}
	return payment.Reversal{
		ID: b.ReversalID, PaymentID: b.PaymentID, Whole: b.Whole, Reference: b.Reference, Customer: b.Customer,
		Amount: payment.Amount{
			Minor:    b.AmountMinor,
			Currency: b.Currency,
		}, At: at.UTC(), TimeTrusted: b.TimeTrusted,
	}, nil
}

// stampOrNull is a stamp, or NULL of no time.
func stampOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// stamp writes wall time, without the monotonic reading.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
