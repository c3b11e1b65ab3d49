package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/terminal"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

func certificateCommand(a *app) *cobra.Command {
	var pem, code, renew, yes bool
	cmd := &cobra.Command{
		Use: "certificate", Short: "Show the certificate by which registers know this terminal", Args: cobra.NoArgs,
		Long: "Show the certificate by which registers know this terminal: a register pins it by its\n" +
			"fingerprint, or is given the PEM. --renew makes a new one: every register has to be given it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if renew {
				if err := renewCertificate(cmd, cfg, yes); err != nil {
					return err
				}
			}
			certificate, err := terminal.OpenCertificate(cfg)
			if err != nil {
				return err
			}
			info, err := certificate.Info()
			if err != nil {
				return err
			}
			certFile, _ := cfg.RegisterCertificate()
			switch {
			case pem:
				text, err := os.ReadFile(certFile)
				if err == nil {
					_, err = cmd.OutOrStdout().Write(text)
				}
				return err
			case code:
				return printCode(cmd.OutOrStdout(), cfg, info)
			}
			return printCertificate(cmd.OutOrStdout(), cfg, info)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&pem, "pem", false, "print the certificate itself")
	f.BoolVar(&code, "code", false, "draw a QR code of address, POIID and fingerprint")
	f.BoolVar(&renew, "renew", false, "make a new key and certificate, after a confirmation")
	f.BoolVar(&yes, "yes", false, "renew without asking")
	cmd.MarkFlagsMutuallyExclusive("pem", "code")
	return cmd
}

func printCertificate(w io.Writer, cfg config.Config, info register.Info) error {
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

// renewCertificate makes a new certificate if somebody says yes.
func renewCertificate(cmd *cobra.Command, cfg config.Config, yes bool) error {
	certFile, keyFile := cfg.RegisterCertificate()
	if cfg.Register.CertFile != "" {
		return payment.WithHintf(
			fmt.Errorf("the certificate %s is the configuration's own (register.cert_file)", certFile),
			"replace the two files yourself: the terminal takes them from the next connection on",
		)
	}
	if !yes {
		said, err := confirm(cmd.InOrStdin(), cmd.ErrOrStderr(),
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

// printCode draws the code of the technician's page.
func printCode(w io.Writer, cfg config.Config, info register.Info) error {
	address, err := cfg.ShopAddress()
	if err != nil {
		return err
	}
	code := screen.CodeOf(register.Link(address, cfg.POIID(), info.Fingerprint))
	f, ok := w.(*os.File)
	_, err = io.WriteString(w, drawCode(code, ok && term.IsTerminal(int(f.Fd()))))
	return err
}

// drawCode draws a code in half blocks, two rows a line, with the four light modules around it that a reader
// needs. On a screen, whose background may be dark, it brings its own colours; elsewhere dark is ink.
func drawCode(code screen.Code, screen bool) string {
	const quiet = 4
	black := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return y >= 0 && y < len(code) && x >= 0 && x < len(code) && code[y][x]
	}
	var b strings.Builder
	for y := 0; y < len(code)+2*quiet; y += 2 {
		if screen {
			b.WriteString("\x1b[38;5;16;48;5;231m") // black on white, whatever the theme makes of its own
		}
		for x := range len(code) + 2*quiet {
			switch upper, lower := black(x, y), black(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		if screen {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
