package claiming

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

const (
	// codeFor is how long a code is shown: long enough to be carried to another room.
	codeFor = 15 * time.Minute
	// triesMax is how many wrong proofs a code stands.
	triesMax = 5
	// lockedFor is how long nothing is asked after that: whoever stands between gets some 2,000 guesses a day
	// at one in 700 million.
	lockedFor = 3 * time.Minute
	// retryFirst and retryMost are the time between attempts to reach the cloud.
	retryFirst, retryMost = time.Second, 15 * time.Second
)

// ErrClaimed ends Run when the terminal was claimed: its settings are others from then on.
var ErrClaimed = errors.New("the terminal is claimed")

// errUnclaimed is why a terminal takes no payments yet.
var errUnclaimed = errors.New("this terminal is not claimed yet")

// Claim is a terminal's way to its cloud. The nil Claim is that of a terminal that has none to go.
type Claim struct {
	cfg     config.Config
	program string
	log     *slog.Logger
	kept    *kept // nil: not claimed
	key     *signature.Key
	private *ecdsa.PrivateKey // for the broker

	mu    sync.Mutex
	code  claim.Code
	drawn time.Time
	tries int
	said  string // what is wrong with the way to the cloud; "": nothing
	do    string // about it
	away  bool   // the cloud does not answer, or refuses to wait for a code
	ends  time.Time
}

// New looks whether a terminal is claimed, or is to be. It is nil where its settings name no cloud, and where
// they, and payments that it has taken, say that it was set up by hand.
func New(cfg config.Config, program string, log *slog.Logger) (*Claim, error) {
	c := &Claim{cfg: cfg, program: program, log: log.With("room", "claim")}
	var err error
	if c.kept, err = load(cfg.ClaimedPath()); err != nil {
		return nil, payment.WithHintf(err, "remove %s: the terminal is claimed anew then", cfg.ClaimedPath())
	}
	if c.kept != nil {
		c.ends = c.kept.cert.NotAfter
		return c, nil
	}
	if cfg.Claim.Cloud == "" || byHand(cfg) {
		return nil, nil
	}
	return c, nil
}

// byHand tells whether somebody has set a terminal up without a claim: it has a name, and was told of a
// broker or of a cloud's key, or has taken payments and was never claimed.
func byHand(cfg config.Config) bool {
	if cfg.Commissioned() != nil {
		return false
	}
	there := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	return cfg.MQTT.Broker != config.Default().MQTT.Broker || there(cfg.CloudKeyPath()) ||
		there(cfg.JournalPath()) && !there(cfg.ClaimedBeforePath())
}

// Wanted says why no payments are taken before the terminal is claimed, or nil.
func (c *Claim) Wanted() error {
	if c == nil || c.kept != nil {
		return nil
	}
	return payment.WithHintf(errUnclaimed,
		"type the code on its screen into the page of the cloud (%s), or there: smiletill cloud claim CODE",
		c.cfg.Claim.Cloud)
}

// Run shows a code until the terminal is claimed, and ends with ErrClaimed then; of one that is claimed it
// renews the certificate. Ctx ends it.
func (c *Claim) Run(ctx context.Context, f *front.Front) error {
	switch {
	case c == nil:
		return nil
	case c.kept != nil:
		c.keepRenewed(ctx)
		return nil
	}
	pace := retryFirst
	for ctx.Err() == nil {
		asked := time.Now()
		claimed, err := false, c.prepare()
		if err == nil {
			claimed, err = c.attempt(ctx, f)
		}
		if claimed {
			c.log.Info("the terminal is claimed", "by", c.cfg.Claim.Cloud)
			return ErrClaimed
		}
		wait := time.Duration(0)
		switch {
		case err == nil:
			if pace = retryFirst; time.Since(asked) < retryFirst { // it was not kept waiting
				wait = retryFirst
			}
		case c.locked():
			c.log.Warn("another code is shown: wrong ones were typed too often, or somebody tries to guess it")
			wait = lockedFor
		case errors.Is(err, claim.ErrWrongCode): // somebody types another one soon
			wait = retryFirst
		default:
			wait, pace = pace, min(2*pace, retryMost)
		}
		c.say(ctx, err)
		c.show(f)
		if wait > 0 && !link.Sleep(ctx, wait) {
			return nil
		}
	}
	return nil
}

// prepare opens the terminal's key and makes one for the broker, where that is not done, and draws a code
// where none is good.
func (c *Claim) prepare() (err error) {
	if c.private != nil {
		return c.renewCode(time.Now())
	}
	if err := config.PreparePrivateDir(c.cfg.Paths.DataDir); err != nil {
		return err
	}
	if c.key, err = signature.OpenKey(c.cfg.TerminalKeyPath(), rand.Reader); err != nil {
		return err
	}
	if c.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return fmt.Errorf("make a key for the broker: %w", err)
	}
	return c.renewCode(time.Now())
}

// renewCode draws a code where none is good.
func (c *Claim) renewCode(now time.Time) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code.Plate() != "" && c.tries < triesMax && now.Sub(c.drawn) < codeFor {
		return nil
	}
	if c.tries >= triesMax || now.Sub(c.drawn) >= codeFor { // not for one that another terminal shows too
		c.tries = 0
	}
	c.code, err = claim.NewCode(rand.Reader)
	c.drawn = now
	return err
}

// dropCode has another one drawn.
func (c *Claim) dropCode() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code = claim.Code{}
}

func (c *Claim) locked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries >= triesMax
}

// say keeps what is wrong, and logs it when it is new.
func (c *Claim) say(ctx context.Context, err error) {
	said := ""
	if err != nil && ctx.Err() == nil {
		said = err.Error()
	}
	c.mu.Lock()
	before := c.said
	c.said, c.do = said, payment.HintOf(err)
	c.away = errors.Is(err, errAway) || errors.As(err, new(*refusedError))
	if c.do == "" {
		c.do = "look whether " + c.cfg.Claim.Cloud + " is the cloud's address, and whether it is running"
	}
	c.mu.Unlock()
	if said != "" && said != before {
		c.log.Warn("the terminal is not claimed yet", "err", err, "hint", payment.HintOf(err))
	}
}

// show puts code and trouble on the page. A code is not shown that is locked, or that can't be typed
// anywhere.
func (c *Claim) show(f *front.Front) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fault := front.Fault{Reason: screen.NotClaimed, What: errUnclaimed.Error(), Do: payment.HintOf(c.Wanted())}
	if c.said != "" {
		fault.What, fault.Do = c.said, c.do
	}
	if c.private != nil && c.tries < triesMax && !c.away {
		fault.Code, fault.Scan = c.code.Text(), c.code.Scan(signature.ID(c.key.Public()))
	}
	f.Fault(front.PartsCause, fault)
}

// hello is what the terminal says of itself.
func (c *Claim) hello() (claim.Hello, error) {
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, c.private)
	if err != nil {
		return claim.Hello{}, fmt.Errorf("request a certificate: %w", err)
	}
	h := claim.Hello{Key: c.key.Public(), Request: request, Program: "smiletill " + c.program}
	t := c.cfg.Terminal
	if h.Fixed = c.cfg.Commissioned() == nil; h.Fixed {
		h.Name = report.Address{Tenant: t.Tenant, Site: t.Site, Terminal: t.ID}
	} else if config.Default().Terminal.ID != t.ID {
		h.Name.Terminal = t.ID
	}
	return h, nil
}

// Row is the terminal's claim on the technician's page. false: there is none to tell of.
func (c *Claim) Row() (row screen.StatusRow, any bool) {
	if c == nil {
		return row, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	row = screen.StatusRow{Name: "claim", Level: screen.LevelWarning}
	if c.kept == nil {
		row.Value, row.Do = "unclaimed, the code is on the screen", payment.HintOf(c.Wanted())
		if c.said != "" {
			row.Value = "unclaimed: " + c.said
		}
		return row, true
	}
	row.Value = fmt.Sprintf("claimed by %s, certificate until %s", c.kept.cloud, c.ends.Format(time.DateOnly))
	row.Level = screen.LevelOK
	if c.said != "" {
		row.Value, row.Level = "claimed, but: "+c.said, screen.LevelWarning
		row.Do = "ask who runs the cloud; it is tried again every hour"
	}
	return row, true
}
