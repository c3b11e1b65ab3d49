package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

func terminalKeyPath(cfg Config) string { return filepath.Join(cfg.Paths.DataDir, "terminal.key") }

func cloudKeyPath(cfg Config) string {
	if f := cfg.MQTT.CloudKeyFile; f != "" {
		return f
	}
	return filepath.Join(cfg.Paths.DataDir, "cloud.pub")
}

// openKeys reads this terminal's key, or makes it at the first start, and the cloud's. Without the cloud's
// the terminal works, reports, and believes no acknowledgement: everything stays in the journal.
func (p *parts) openKeys(cfg Config) (err error) {
	if p.key, err = signature.OpenKey(terminalKeyPath(cfg), rand.Reader); err != nil {
		return withHint(err, "put the terminal's key back; without it `smiletill cloud trust` must learn a new one")
	}
	path := cloudKeyPath(cfg)
	p.cloudKeys, err = signature.ReadPublic(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && cfg.MQTT.CloudKeyFile == "":
		if cfg.MQTT.Broker != "" {
			p.log.Warn(
				"the cloud's key is not known: no acknowledgement is believed, and payments wait in the journal",
				"hint",
				cloudKeyHint(path),
			)
		}
		return nil
	case err != nil:
		return withHint(err, "%s", cloudKeyHint(path))
	}
	return nil
}

func cloudKeyHint(path string) string {
	return "where the cloud runs, `smiletill cloud key` prints its public key: put it into " + path
}

func address(cfg Config) report.Address {
	return report.Address{Tenant: cfg.Terminal.Tenant, Site: cfg.Terminal.Site, Terminal: cfg.Terminal.ID}
}

// introduce makes a terminal and a cloud of one machine known to each other, before either runs.
func introduce(ctx context.Context, r *cloud.Receiver, cfg Config, dataDir string) error {
	cfg.Paths.DataDir = dataDir
	if err := preparePrivateDir(dataDir); err != nil {
		return err
	}
	k, err := signature.OpenKey(terminalKeyPath(cfg), rand.Reader)
	if err != nil {
		return err
	}
	text, err := signature.EncodePublic(r.Key())
	if err != nil {
		return err
	}
	return errors.Join(r.Trust(ctx, address(cfg), k.Public()), os.WriteFile(cloudKeyPath(cfg), text, 0o644))
}

func keyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", GroupID: "tech", Short: "Print this terminal's public key, for the cloud", Args: cobra.NoArgs,
		Long: "Print the public half of the key that this terminal signs its reports with. The cloud has to\n" +
			"know it: there, run `smiletill cloud trust` with the terminal's name and a file of what this prints.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			path := terminalKeyPath(cfg)
			k, err := signature.OpenKey(path, noMore{})
			if errors.Is(err, errNoMore) {
				err := fmt.Errorf("this terminal has no key yet (%s)", path)
				return withHint(err, "start the terminal once: it makes its key then")
			}
			if err != nil {
				return err
			}
			return printKey(cmd, k, address(cfg).Source())
		},
	}
	bindHidden(cmd)
	return cmd
}

func printKey(cmd *cobra.Command, k *signature.Key, whose string) error {
	text, err := signature.EncodePublic(k.Public())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "# %s, key %s\n%s", whose, signature.ID(k.Public()), text)
	return err
}

// noMore is where no key may be made: only the terminal itself does, as the user that owns its files.
type noMore struct{}

var errNoMore = errors.New("no key is made here")

func (noMore) Read([]byte) (int, error) { return 0, errNoMore }
