package vault

import (
	"bytes"
	"context"
	"errors"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// The purposes that secrets are sealed for: a secret of one does not open as another.
const (
	Faces   = "smiletill gallery"
	Reports = "smiletill reports"
	pins    = "smiletill PINs"
)

// Vault is what a terminal's keys are sealed to, by its settings. Nothing is asked or opened before it is
// needed. It may be used by several goroutines.
type Vault struct {
	choice string
	tpm    *tpm.TPM
	cfg    config.Config
	wait   bool // see Settle
}

// Of is the vault of a terminal's settings.
func Of(cfg config.Config) *Vault {
	v := &Vault{choice: cfg.Security.TPM, cfg: cfg}
	switch v.choice {
	case config.TPMAuto, config.TPMOff, "": // what was sealed can be opened though it is off: see Release
		v.tpm = tpm.At(tpm.Device)
	default:
		v.tpm = tpm.At(v.choice)
	}
	return v
}

// named tells whether a TPM is named, which has to be there then.
func (v *Vault) named() bool {
	return v.choice != config.TPMAuto && v.choice != config.TPMOff && v.choice != ""
}

// off tells whether none is to be used.
func (v *Vault) off() bool { return v.choice == config.TPMOff || v.choice == "" }

// seals tells whether there is a TPM to seal to. An error is why one that is there, or has to be, can't be
// used.
func (v *Vault) seals() (bool, error) {
	if v.off() {
		return false, nil
	}
	err := v.tpm.Check()
	if errors.Is(err, tpm.ErrNone) && !v.named() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stays, err := v.staysPlain()
	return err == nil && !stays, err
}

// Sealer keeps secrets for one purpose.
type Sealer struct {
	v       *Vault
	purpose string
}

// For gives the Sealer for a purpose.
func (v *Vault) For(purpose string) Sealer { return Sealer{v, purpose} }

// Seal seals a secret to the TPM, and opens it again before that is believed. Without one it gives the
// secret as it is; so it does where one was not named and can't be used: the next start tries again.
func (s Sealer) Seal(plain []byte) ([]byte, error) {
	use, err := s.v.seals()
	if use {
		var sealed []byte
		if sealed, err = s.seal(plain); err == nil {
			return sealed, nil
		}
	}
	if err := s.v.unlessNamed(err); err != nil {
		return nil, err
	}
	return plain, nil
}

// strict is the Sealer of what is never kept as it is.
type strict struct{ Sealer }

func (s strict) Seal(plain []byte) ([]byte, error) { return s.seal(plain) }

// errUnproven is a TPM that does not open what it has sealed.
var errUnproven = errors.New("the TPM does not open what it has just sealed")

func (s Sealer) seal(plain []byte) ([]byte, error) {
	sealed, err := s.v.tpm.Seal(s.purpose, plain)
	if err != nil {
		return nil, err
	}
	return sealed, s.proves(sealed, plain)
}

// proves opens what was sealed.
func (s Sealer) proves(sealed, plain []byte) error {
	again, err := s.v.tpm.Unseal(s.purpose, sealed)
	if err == nil && !bytes.Equal(again, plain) {
		err = payment.WithHint(errUnproven, "nothing was changed; `security.tpm = \"off\"` goes on without it")
	}
	return err
}

// errOff is that keys are sealed, and the settings say that no TPM is to be used.
var errOff = errors.New("it is sealed to the TPM, and security.tpm is off")

// Unseal opens what was sealed, and gives back as it is what was not.
func (s Sealer) Unseal(data []byte) ([]byte, error) {
	switch {
	case !tpm.Sealed(data):
		return data, nil
	case s.v.off():
		return nil, payment.WithHint(errOff, "set security.tpm to \"auto\"; or, to do without, stop the terminal "+
			"and run `sudo smiletill key unseal`")
	}
	return s.unseal(data)
}

func (s Sealer) unseal(data []byte) ([]byte, error) {
	plain, err := s.v.tpm.Unseal(s.purpose, data)
	if errors.Is(err, tpm.ErrNone) {
		err = payment.WithHintf(err, "if this is the machine that it was "+
			"sealed on: %s. If it is another, put the disk back into that, or restore a backup here "+
			"(`smiletill restore`)", payment.HintOf(err))
	}
	return plain, err
}

// Protection is in words how well a key is protected that is made now.
func (s Sealer) Protection() string {
	if use, err := s.v.seals(); use && err == nil {
		return s.v.words()
	}
	return gallery.Protection
}

// Words says how the keys are protected, for the log.
func (v *Vault) Words() string {
	p, err := v.Protection()
	if err != nil {
		return err.Error()
	}
	return p.Words
}

func (v *Vault) words() string {
	return "sealed to this machine's TPM (" + v.tpm.Path() + "): a copy of the disk opens nowhere else"
}

// OpenPINs opens the PINs of a terminal; clock is as pin.Open takes it, and may be nil where no PIN is tried.
func (v *Vault) OpenPINs(
	ctx context.Context, clock func(context.Context) (time.Duration, error),
) (*pin.Store, error) {
	s, err := pin.Open(ctx, v.cfg.PINsPath(), clock, nil)
	if err == nil {
		s.SealedBy(strict{v.For(pins)})
	}
	return s, err
}

// CopyPINs writes the PINs as they are at one moment into a new file, unsealed; words are what has to be told
// of it, whose PIN is not among them.
func (v *Vault) CopyPINs(ctx context.Context, path string) (words []string, err error) {
	s, err := v.OpenPINs(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.CopyTo(ctx, path), s.Close()); err != nil {
		return nil, err
	}
	c, err := pin.Open(ctx, path, nil, nil)
	if err != nil {
		return nil, err
	}
	c.SealedBy(strict{v.For(pins)})
	foreign, err := c.Unseal(ctx)
	return foreignWords(foreign), errors.Join(err, c.Close())
}

// foreignWords tells of PINs that go, since they were not set on this terminal.
func foreignWords(rows []string) (words []string) {
	for _, row := range rows {
		whose, do := "customer "+row, "`smiletill customers pin "+row+"`"
		if name, is := pin.ClerkOf(row); is {
			whose, do = "clerk "+name, "`smiletill clerks`"
			if name == "" {
				whose, do = "clerk", "`smiletill counter pin`"
			}
		}
		words = append(words, "the PIN of "+whose+" was not set on this terminal, and counted for nothing: it is "+
			"left out. Set it again ("+do+"), and find out who has changed the terminal's files")
	}
	return words
}

// SettlePINs is Settle of the PINs, once they are open and known not to be older ones.
func (v *Vault) SettlePINs(ctx context.Context, s *pin.Store, w *witness.Witness) error {
	sealed, err := s.Sealed(ctx)
	if err != nil {
		return err
	}
	if !sealed {
		use, err := v.seals()
		if use && !v.wait {
			_, err = v.For(pins).seal(nil) // whether it can
			use = err == nil
		}
		if !use || v.wait {
			return v.unlessNamed(err)
		}
	}
	// Of what is sealed it opens the pepper: a terminal that can't is out of order.
	if err := s.Seal(ctx); err != nil {
		return err
	}
	return w.Saw(witness.Sealed, witness.Mark{Count: 1})
}

// unlessNamed has a TPM that is there, but can't be used, stop nothing where nobody has asked for it:
// doctor and the technician's page say so.
func (v *Vault) unlessNamed(err error) error {
	if v.named() {
		return err
	}
	return nil
}
