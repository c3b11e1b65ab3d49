package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"sync"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/register"
)

// Options say which terminal a register talks to, as whom, and how it tells people.
type Options struct {
	URL, POIID     string // "": this machine's
	SaleID         string // the name as which it speaks
	ServiceID      string // of the message; "": a new one
	KeyID          string // seals with this key; "": plain, by the control socket or inside TLS
	KeyVersion     int
	PassphraseFile string
	Certificate    string // file with the terminal's certificate; or
	Fingerprint    string // its SHA-256 in hex
	JSON           bool   // prints the raw reply, and everything else on the error stream
	Columns        int    // width of receipts

	Out, Errs io.Writer
}

// Register is a cash register that sends messages for a person and prints what comes back.
type Register struct {
	o      Options
	cfg    config.Config
	local  bool // the terminal of this machine, by its configuration
	socket bool // by its control socket, which takes plain messages from its own user
	client *register.Client
	last   []byte // the latest reply as it came

	mu sync.Mutex // of the two writers: an abort is told of while the payment is waited for
}

// Open makes a register of a machine with a configuration. What is wrong with the options is the command
// line's fault: a *config.UsageError.
func Open(cfg config.Config, o Options) (*Register, error) {
	r := &Register{o: o, cfg: cfg}
	return r, r.open()
}

func (r *Register) open() (err error) {
	if r.o.Columns < 20 || r.o.Columns > 200 {
		return usage(fmt.Errorf("--columns %d is no receipt's width", r.o.Columns), "32 and 48 are the usual ones")
	}
	if err := r.where(); err != nil {
		return err
	}
	key, err := r.key()
	if err != nil {
		return err
	}
	r.socket = r.local && key == nil
	address, web, err := r.web()
	if err != nil {
		return err
	}
	if r.o.POIID == "" {
		r.o.POIID = r.cfg.POIID()
	}
	if r.o.ServiceID == "" {
		if r.o.ServiceID, err = register.NewServiceID(); err != nil {
			return err
		}
	}
	r.client = &register.Client{
		URL:    address,
		SaleID: r.o.SaleID,
		POIID:  r.o.POIID,
		Key:    key,
		HTTP:   web,
	}
	r.client.Raw = func(reply []byte) { r.last = reply }
	return nil
}

// where decides which terminal is talked to.
func (r *Register) where() error {
	own, err := localURL(r.cfg)
	if r.o.URL == "" {
		if err != nil {
			return config.Usage(err)
		}
		r.o.URL, r.local = own, true
		return nil
	}
	r.local = err == nil && r.o.URL == own
	u, err := url.Parse(r.o.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery+u.Fragment != "" {
		return usage(fmt.Errorf("--url %q is no terminal's address", r.o.URL), "write it as https://HOST:8443/nexo")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/nexo"
	}
	r.o.URL = u.String()
	return nil
}

// localURL is where this machine's terminal listens, seen from this machine.
func localURL(cfg config.Config) (string, error) {
	if _, err := cfg.ShopAddress(); err != nil {
		return "", err
	}
	return "https://" + config.LoopbackOf(cfg.Register.Listen) + "/nexo", nil
}

// web is where messages are sent, and with what: to this machine's terminal by the control socket, where
// nothing encrypts them.
func (r *Register) web() (address string, _ *http.Client, _ error) {
	if r.socket {
		return control.RegisterURL, control.NewClient(r.cfg.Paths.ControlSocket).HTTP(), nil
	}
	pin, err := r.pin()
	if err != nil {
		return "", nil, err
	}
	return r.o.URL, register.Pinned(pin), nil
}

// pin finds out by which certificate the terminal is known. None is no choice: a payment would be told to
// whoever answers.
func (r *Register) pin() (string, error) {
	switch {
	case r.o.Fingerprint != "":
		f, err := register.ParseFingerprint(r.o.Fingerprint)
		if err != nil {
			return f, config.Usage(err)
		}
		return f, nil
	case r.o.Certificate != "":
		return register.ReadFingerprint(r.o.Certificate)
	case !r.local:
		return "", usage(
			fmt.Errorf("it can't be told who answers at %s: its certificate is not known here", r.o.URL),
			"give --fingerprint: `smiletill register certificate` on that terminal, or its technician's page, shows "+
				"it; or --certificate with a file of what `smiletill register certificate --pem` prints there")
	}
	file, _ := r.cfg.RegisterCertificate()
	f, err := register.ReadFingerprint(file)
	if err != nil {
		return f, payment.WithHintf(
			err,
			"this machine's terminal makes it at its first start; run this as the user that "+
				"runs the terminal, or with sudo",
		)
	}
	return f, nil
}

// key is what messages are sealed with; nil sends them plain.
func (r *Register) key() (*register.Key, error) {
	switch {
	case r.o.KeyID == "" && r.o.PassphraseFile == "":
		return nil, nil
	case r.o.KeyID == "" || r.o.PassphraseFile == "":
		return nil, usage(errors.New("--key-id and --passphrase-file come together"),
			"`smiletill register pair NAME` on the terminal prints both; put the passphrase into a file of mode 0600")
	}
	text, err := register.ReadPassphrase(r.o.PassphraseFile)
	if err != nil {
		return nil, err
	}
	return register.DeriveKey(r.o.KeyID, r.o.KeyVersion, text)
}

// say tells people something: on stderr, when stdout is for a program.
func (r *Register) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.o.Out
	if r.o.JSON {
		w = r.o.Errs
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// printRaw prints the last reply as it came, if that was asked for.
func (r *Register) printRaw() {
	if !r.o.JSON || r.last == nil {
		return
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, r.last, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(r.last)
	}
	fmt.Fprintf(r.o.Out, "%s\n", bytes.TrimSpace(pretty.Bytes()))
}

// printReceipt prints the receipt of a kind (CustomerReceipt, CashierReceipt), if there is one.
func (r *Register) printReceipt(all []register.Receipt, document string) {
	for _, one := range all {
		if one.Document == document {
			r.say("\n%s", register.Render(one, r.o.Columns))
			return
		}
	}
}

func usage(err error, hint string) error { return config.Usage(payment.WithHint(err, hint)) }

// NotDoneError says that a terminal works and did not do what it was asked for.
type NotDoneError struct{ Err error }

// Error is the terminal's own answer.
func (e *NotDoneError) Error() string { return e.Err.Error() }

// Unwrap gives the error below.
func (e *NotDoneError) Unwrap() error { return e.Err }

// refused is the error of an answer that is no success: the terminal works, and did not do it.
func (r *Register) refused(what string, a register.Response) error {
	err := fmt.Errorf("%s: %s (%s)", what, register.Message(a), a.ErrorCondition)
	if register.Message(a) == string(a.ErrorCondition) {
		err = fmt.Errorf("%s: %s", what, a.ErrorCondition)
	}
	if hint := adviceOn(a); hint != "" {
		err = payment.WithHint(err, hint)
	}
	return &NotDoneError{err}
}

// adviceOn says what a register does about an answer; payment/register/README.md says the same.
func adviceOn(a register.Response) string {
	more, _ := url.ParseQuery(a.AdditionalResponse) // what can't be read says nothing
	switch a.ErrorCondition {
	case register.Busy:
		if id := more.Get("serviceId"); id != "" {
			return "wait for it, or end it with `smiletill register abort " + id + "`"
		}
		return "wait for it to end, then pay with a new ServiceID"
	case register.NotAllowed:
		if id := more.Get("poiId"); id != "" {
			return "see that this is the terminal that is meant: then give its POIID, --poi " + id
		}
		if id := more.Get("serviceId"); id != "" {
			return "`smiletill register status " + id + "` tells how it went"
		}
	case register.InProgress:
		return "ask again with `smiletill register status`"
	case register.LoggedOut:
		return "`smiletill register login` first"
	case register.UnavailableDevice, register.UnavailableService:
		return "look at the terminal's screen; `smiletill register diagnose` asks for the reason"
	case register.UnreachableHost:
		return "too much waits for the cloud: mend the terminal's link to it, or take another means of payment"
	case register.NotFound:
		return "check the ServiceID or transaction, and --sale"
	case register.Aborted, register.Cancelled, register.DeviceOut, register.MessageFormat,
		register.PaymentRestriction, register.Refusal, register.WrongPIN:
	}
	return ""
}

// unanswered puts what to do next to an error of sending.
func unanswered(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return payment.WithHint(err, "the terminal's control socket is its own user's: run this as that user, or "+
			"with --key-id and --passphrase-file as a paired register")
	}
	if errors.Is(err, register.ErrNotSent) && payment.HintOf(err) == "" {
		return payment.WithHint(err, "is the terminal on, and is this its address? Its technician's page shows "+
			"it; it listens to other machines only while a register is paired")
	}
	return err
}
