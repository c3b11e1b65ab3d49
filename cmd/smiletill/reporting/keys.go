package reporting

import (
	"crypto/rand"
	"log/slog"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// Keys are those of a terminal.
type Keys struct {
	Own   *signature.Key  // signs its events
	Cloud *report.KeyFile // none: no acknowledgement is believed
}

// OpenKeys reads the terminal's key, or makes it at the first start, and the cloud's. Without the cloud's the
// terminal works, reports, and believes no acknowledgement: everything stays in the journal.
func OpenKeys(cfg config.Config, log *slog.Logger) (k Keys, err error) {
	sealer := vault.Of(cfg).For(vault.Reports)
	k.Own, err = signature.OpenSealedKey(cfg.TerminalKeyPath(), rand.Reader, sealer)
	if payment.HintOf(err) != "" {
		return Keys{}, err
	}
	if err != nil {
		return Keys{}, payment.WithHint(err,
			"put the terminal's key back; without it `smiletill cloud trust` must learn a new one")
	}
	path := cfg.CloudKeyPath()
	k.Cloud = report.OpenKeyFile(path, cfg.MQTT.CloudKeyFile != "")
	n, err := k.Cloud.Known()
	if err == nil && n == 0 && cfg.MQTT.Broker != "" {
		log.Warn("the cloud's key is not known: no acknowledgement is believed, and payments wait in the journal",
			"hint", CloudKeyHint(path))
	}
	return k, payment.WithHint(err, CloudKeyHint(path))
}

// CloudKeyHint is how the cloud's key comes into a file.
func CloudKeyHint(path string) string {
	return "where the cloud runs, `smiletill cloud key` prints its public key: put it into " + path +
		", as a file that the terminal's user can read (it is no secret: mode 0644)"
}

// Address is the terminal's name in reports and topics.
func Address(cfg config.Config) report.Address {
	return report.Address{Tenant: cfg.Terminal.Tenant, Site: cfg.Terminal.Site, Terminal: cfg.Terminal.ID}
}
