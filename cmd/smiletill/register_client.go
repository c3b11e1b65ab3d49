package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"

	"github.com/spf13/cobra"

	"smiletill/payment"
	"smiletill/payment/register"
)

// asRegister are the flags of the commands that send a register's messages.
type asRegister struct {
	url, poi, sale, service  string
	keyID, passphraseFile    string
	keyVersion               int
	certificate, fingerprint string
	asJSON                   bool
	columns                  int

	cfg    Config
	local  bool // the terminal of this machine, by its configuration
	client *register.Client
	last   []byte // the latest reply as it came

	mu        sync.Mutex // of the two: an abort is told of while the payment is waited for
	out, errs io.Writer
}

func (r *asRegister) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.url, "url", "", "where the terminal is (default this machine's: https://127.0.0.1:PORT/nexo)")
	f.StringVar(&r.poi, "poi", "", "the terminal's POIID (default this machine's)")
	f.StringVar(&r.sale, "sale", "smiletill-cli", "SaleID: the name as which this register speaks")
	f.StringVar(&r.service, "service-id", "", "ServiceID of the message, 1 to 10 characters (default a new one)")
	f.StringVar(&r.keyID, "key-id", "", "KeyIdentifier: encrypt with this key")
	f.IntVar(&r.keyVersion, "key-version", 1, "KeyVersion")
	f.StringVar(&r.passphraseFile, "passphrase-file", "", "file with the key's passphrase")
	f.StringVar(&r.certificate, "certificate", "", "file with the terminal's certificate (PEM)")
	f.StringVar(&r.fingerprint, "fingerprint", "", "or its SHA-256 in hex")
	f.BoolVar(&r.asJSON, "json", false, "print the raw reply, and everything else on stderr")
	f.IntVar(&r.columns, "columns", 32, "width of receipts: 32 or 48")
	cmd.MarkFlagsMutuallyExclusive("certificate", "fingerprint")
}

// command makes a command that sends messages; run is called with a client that knows whom it talks to.
func (r *asRegister) command(a *app, cmd *cobra.Command, run func(cmd *cobra.Command, args []string) error,
) *cobra.Command {
	r.bind(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := r.open(a, cmd); err != nil {
			return err
		}
		return run(cmd, args)
	}
	return cmd
}

func usage(err error, hint string) error { return &exitError{exitUsage, withHint(err, "%s", hint)} }

// open makes the client. What is wrong with the flags is the command line's fault.
func (r *asRegister) open(a *app, cmd *cobra.Command) error {
	var err error
	if r.cfg, err = a.load(cmd); err != nil {
		return err
	}
	r.out, r.errs = cmd.OutOrStdout(), cmd.ErrOrStderr()
	if r.columns < 20 || r.columns > 200 {
		return usage(fmt.Errorf("--columns %d is no receipt's width", r.columns), "32 and 48 are the usual ones")
	}
	if err := r.where(); err != nil {
		return err
	}
	pin, err := r.pin()
	if err != nil {
		return err
	}
	key, err := r.key()
	if err != nil {
		return err
	}
	if r.poi == "" {
		r.poi = poiIDOf(r.cfg)
	}
	if r.service == "" {
		if r.service, err = register.NewServiceID(); err != nil {
			return err
		}
	}
	r.client = &register.Client{URL: r.url, SaleID: r.sale, POIID: r.poi, Key: key, HTTP: register.Pinned(pin)}
	r.client.Raw = func(reply []byte) { r.last = reply }
	return nil
}

// where decides which terminal is talked to.
func (r *asRegister) where() error {
	own, err := localURL(r.cfg)
	if r.url == "" {
		if err != nil {
			return &exitError{exitUsage, err}
		}
		r.url, r.local = own, true
		return nil
	}
	r.local = err == nil && r.url == own
	u, err := url.Parse(r.url)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery+u.Fragment != "" {
		return usage(fmt.Errorf("--url %q is no terminal's address", r.url), "write it as https://HOST:8443/nexo")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/nexo"
	}
	r.url = u.String()
	return nil
}

// localURL is where this machine's terminal listens, seen from this machine.
func localURL(cfg Config) (string, error) {
	if _, err := shopAddress(cfg); err != nil {
		return "", err
	}
	return "https://" + loopbackOf(cfg.Register.Listen) + "/nexo", nil
}

// pin finds out by which certificate the terminal is known. None is no choice: a payment would be told to
// whoever answers.
func (r *asRegister) pin() (string, error) {
	switch {
	case r.fingerprint != "":
		f, err := register.ParseFingerprint(r.fingerprint)
		if err != nil {
			return f, &exitError{exitUsage, err}
		}
		return f, nil
	case r.certificate != "":
		return register.ReadFingerprint(r.certificate)
	case !r.local:
		return "", usage(
			fmt.Errorf("it can't be told who answers at %s: its certificate is not known here", r.url),
			"give --fingerprint: `smiletill register certificate` on that terminal, or its technician's page, shows "+
				"it; or --certificate with a file of what `smiletill register certificate --pem` prints there")
	}
	file, _ := registerCertificate(r.cfg)
	f, err := register.ReadFingerprint(file)
	if err != nil {
		return f, withHint(err, "this machine's terminal makes it at its first start; run this as the user that "+
			"runs the terminal, or with sudo")
	}
	return f, nil
}

// key is what messages are sealed with; nil sends them plain, inside TLS.
func (r *asRegister) key() (*register.Key, error) {
	switch {
	case r.keyID == "" && r.passphraseFile == "":
		return nil, nil
	case r.keyID == "" || r.passphraseFile == "":
		return nil, usage(errors.New("--key-id and --passphrase-file come together"),
			"`smiletill register pair NAME` on the terminal prints both; put the passphrase into a file of mode 0600")
	}
	text, err := readPassphrase(r.passphraseFile)
	if err != nil {
		return nil, err
	}
	return register.DeriveKey(r.keyID, r.keyVersion, text)
}

// say tells people something: on stderr, when stdout is for a program.
func (r *asRegister) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.out
	if r.asJSON {
		w = r.errs
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// printRaw prints the last reply as it came, if that was asked for.
func (r *asRegister) printRaw() {
	if !r.asJSON || r.last == nil {
		return
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, r.last, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(r.last)
	}
	fmt.Fprintf(r.out, "%s\n", bytes.TrimSpace(pretty.Bytes()))
}

// printReceipt prints the receipt of a kind (CustomerReceipt, CashierReceipt), if there is one.
func (r *asRegister) printReceipt(all []register.Receipt, document string) {
	for _, one := range all {
		if one.Document == document {
			r.say("\n%s", register.Render(one, r.columns))
			return
		}
	}
}

// refused is the error of an answer that is no success: the terminal works, and did not do it.
func (r *asRegister) refused(what string, a register.Response) error {
	err := fmt.Errorf("%s: %s (%s)", what, register.Message(a), a.ErrorCondition)
	if register.Message(a) == string(a.ErrorCondition) {
		err = fmt.Errorf("%s: %s", what, a.ErrorCondition)
	}
	if hint := adviceOn(a); hint != "" {
		err = withHint(err, "%s", hint)
	}
	return &exitError{exitNotPayed, err}
}

// adviceOn says what a register does about an answer; README's table says the same.
func adviceOn(a register.Response) string {
	more, _ := url.ParseQuery(a.AdditionalResponse) // what can't be read says nothing
	switch a.ErrorCondition {
	case register.Busy:
		if id := more.Get("serviceId"); id != "" {
			return "wait for it, or end it with `smiletill register abort " + id + "`"
		}
		return "wait for it to end, then pay with a new ServiceID"
	case register.NotAllowed:
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
	if errors.Is(err, register.ErrNotSent) && hintOf(err) == "" {
		return payment.WithHint(err, "is the terminal on, and is this its address? Its technician's page shows "+
			"it; it listens to other machines only while a register is paired")
	}
	return err
}
