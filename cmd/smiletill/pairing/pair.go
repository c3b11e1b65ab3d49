package pairing

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/storage"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// Pair makes a key for the register called name and prints what has to be typed into it. An id that is
// empty is made of the name; file holds a passphrase of the shop's own, and empty means a new one.
func Pair(ctx context.Context, w io.Writer, cfg config.Config, name, id, file string) error {
	if err := config.CheckText(name); err != nil {
		return config.Usage(fmt.Errorf("name of the register: %w", err))
	}
	if id == "" {
		id = register.KeyIDOf(name)
	}
	if err := config.CheckID(id); err != nil {
		return config.Usage(fmt.Errorf("--key-id: %w", err))
	}
	passphrase := register.NewPassphrase()
	if file != "" {
		var err error
		if passphrase, err = register.ReadPassphrase(file); err != nil {
			return err
		}
	}
	var key *register.Key
	var older bool
	err := change(ctx, cfg, func(all register.Pairings) (register.Pairings, error) {
		for _, one := range all {
			if one.Key.ID != id {
				continue
			}
			if one.Name != name {
				return nil, payment.WithHintf(fmt.Errorf("the key %q is that of register %q", id, one.Name),
					"choose another with --key-id")
			}
			older = true
		}
		var err error
		all, key, err = all.Pair(name, id, passphrase, time.Now())
		return all, err
	})
	if err != nil {
		return err
	}
	certificate, err := OpenCertificate(cfg)
	if err != nil {
		return fmt.Errorf("the register is paired, but: %w", err)
	}
	info, err := certificate.Info()
	if err != nil {
		return err
	}
	p := printout{w: w}
	p.say("%q is paired. Type this into the register:\n\n", name)
	printKeyOf(&p, cfg, key, passphrase, file, info)
	p.say("\n")
	if file == "" {
		p.say("The passphrase is not shown again: it has small letters, the digits 2 to 7 and the hyphens.\n")
	}
	if !cfg.ReachesOthers() {
		p.say("Only programs on this machine reach this address: for a register elsewhere set\n" +
			"register.listen = \"0.0.0.0:8443\" and start the terminal again.\n")
	}
	if older {
		p.say("Its older keys still count: when the register has this one, run\n"+
			"  smiletill register unpair %s --version %d\n", id, key.Version-1)
	}
	return p.err
}

// printKeyOf prints the block of what has to be typed into a register.
func printKeyOf(
	p *printout, cfg config.Config, key *register.Key, passphrase, file string, info register.Info,
) {
	if file != "" {
		passphrase = "as in " + file
	}
	p.say("  address        %s\n", cfg.OwnURL())
	p.say("  POIID          %s\n", cfg.POIID())
	p.say("  KeyIdentifier  %s\n", key.ID)
	p.say("  KeyVersion     %d\n", key.Version)
	p.say("  passphrase     %s\n", passphrase)
	p.say("  certificate    SHA-256 ")
	printFingerprint(p, info.Fingerprint, "                         ")
	p.say("  its PEM        smiletill register certificate --pem\n")
}

// printFingerprint prints a fingerprint in groups, four lines of four; indent begins the later ones.
func printFingerprint(p *printout, hex, indent string) {
	groups := strings.Fields(register.Grouped(hex))
	for i := 0; i < len(groups); i += 8 {
		if i > 0 {
			p.say("%s", indent)
		}
		p.say("%s\n", strings.Join(groups[i:min(i+8, len(groups))], " "))
	}
}

// Unpair takes the keys with an id away, of one version alone unless that is 0.
func Unpair(ctx context.Context, w io.Writer, cfg config.Config, id string, version int) error {
	removed, left := 0, 0
	err := change(ctx, cfg, func(all register.Pairings) (register.Pairings, error) {
		all, removed = all.Unpair(id, version)
		left = len(all)
		if removed == 0 {
			return nil, payment.WithHintf(fmt.Errorf("no register is paired with key %q", id),
				"`smiletill register list` lists the keys")
		}
		return all, nil
	})
	if err != nil {
		return err
	}
	p := printout{w: w}
	p.say("%s of %s removed: the terminal refuses messages with it within two seconds\n",
		keys(removed), id)
	if left == 0 && cfg.ReachesOthers() {
		p.say("no register is paired any more: the terminal stops listening for registers\n")
	}
	return p.err
}

func keys(n int) string {
	if n == 1 {
		return "the key"
	}
	return fmt.Sprintf("%d keys", n)
}

// List prints the registers that are paired.
func List(w io.Writer, cfg config.Config) error {
	all, err := register.LoadPairings(cfg.PairingsPath())
	if err != nil {
		return err
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no register is paired: `smiletill register pair NAME` pairs one")
		return err
	}
	t := columns.New(w)
	fmt.Fprintln(t, "NAME\tKEY\tVERSION\tSINCE")
	for _, one := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", one.Name, one.Key.ID, one.Key.Version,
			one.At.Local().Format(time.DateTime))
	}
	return t.Flush()
}

// change changes the file of paired registers, notes who does it, and has a running terminal see it at once.
func change(
	ctx context.Context, cfg config.Config, change func(register.Pairings) (register.Pairings, error),
) error {
	if err := cfg.PrepareDataDir(); err != nil {
		return err
	}
	err := intent.In(cfg.Paths.DataDir).ByCommand(ctx, func(note func(journal.Audit) error) error {
		return register.ChangePairings(cfg.PairingsPath(), func(all register.Pairings) (register.Pairings, error) {
			changed, err := change(all)
			for _, a := range intent.Paired(all, changed) {
				if err == nil {
					err = note(a)
				}
			}
			return changed, err
		})
	})
	if err != nil {
		return storage.WithHint(err)
	}
	if err := control.NewClient(cfg.Paths.ControlSocket).Registers(ctx); err != nil {
		return fmt.Errorf("it is done, and the running terminal could not be told: %w", err)
	}
	return nil
}

// printout prints until it fails.
type printout struct {
	w   io.Writer
	err error
}

func (p *printout) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
