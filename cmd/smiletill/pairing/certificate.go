package pairing

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/register"
)

// OpenCertificate gives the certificate for registers; the terminal's own is made where there is none.
func OpenCertificate(cfg config.Config) (_ *register.Certificate, err error) {
	defer func() { err = config.ForTerminal(err) }()
	certFile, keyFile := cfg.RegisterCertificate()
	if cfg.Register.CertFile != "" {
		return register.OpenCertificate(certFile, keyFile)
	}
	if err := cfg.PrepareDataDir(); err != nil {
		return nil, err
	}
	name, hosts := cfg.CertificateNames()
	return register.MakeCertificate(certFile, keyFile, name, hosts)
}

// opened is what OpenCertificate's certificate says.
func opened(cfg config.Config) (register.Info, error) {
	c, err := OpenCertificate(cfg)
	if err != nil {
		return register.Info{}, err
	}
	return c.Info()
}

// PEM prints the certificate itself.
func PEM(w io.Writer, cfg config.Config) error {
	if _, err := opened(cfg); err != nil {
		return err
	}
	file, _ := cfg.RegisterCertificate()
	text, err := os.ReadFile(file)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// Certificate prints what a register, and whoever sets one up, wants to know of the terminal's certificate.
func Certificate(w io.Writer, cfg config.Config) error {
	info, err := opened(cfg)
	if err != nil {
		return err
	}
	p := printout{w: w}
	file, _ := cfg.RegisterCertificate()
	p.say("name         %s\n", info.Name)
	p.say("SHA-256      ")
	printFingerprint(&p, info.Fingerprint, "             ")
	p.say("valid        %s to %s\n", info.NotBefore.UTC().Format(time.DateOnly),
		info.NotAfter.UTC().Format(time.DateOnly))
	signed := "by somebody else: it is the configuration's"
	if info.Own {
		signed = "by itself: registers pin it, so that name and dates decide nothing"
	}
	p.say("signed       %s\n", signed)
	p.say("file         %s\n", file)
	if advice := info.Advice(time.Now()); advice != "" {
		p.say("\n%s\n", advice)
	}
	if want, _ := cfg.CertificateNames(); cfg.Register.CertFile == "" && want != info.Name {
		p.say("\nThe configuration wants the name %s: --renew makes a certificate for it.\n", want)
	}
	return p.err
}

// Renew makes a new key and certificate, once somebody has typed yes to what is asked on out, or yes is true.
func Renew(in io.Reader, out io.Writer, cfg config.Config, yes bool) error {
	certFile, keyFile := cfg.RegisterCertificate()
	if cfg.Register.CertFile != "" {
		return payment.WithHintf(
			fmt.Errorf("the certificate %s is the configuration's own (register.cert_file)", certFile),
			"replace the two files yourself: the terminal takes them from the next connection on",
		)
	}
	if !yes {
		said, err := confirm(in, out,
			"Every register that knows the old certificate is refused until it is given the new one.\n"+
				"Make a new one? Type yes: ")
		if err != nil {
			return err
		}
		if !said {
			return payment.WithHintf(errors.New("the certificate was not renewed"), "type yes, or give --yes")
		}
	}
	if err := cfg.PrepareDataDir(); err != nil {
		return err
	}
	name, hosts := cfg.CertificateNames()
	_, err := register.RenewCertificate(certFile, keyFile, name, hosts)
	return err
}

// confirm asks a question and reports whether the answer is yes.
func confirm(in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprint(out, question)
	line, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(line) == "yes", nil
}
