package terminal

import (
	"crypto/rand"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// openKeys reads this terminal's key, or makes it at the first start, and the cloud's. Without the cloud's
// the terminal works, reports, and believes no acknowledgement: everything stays in the journal.
func (p *parts) openKeys(cfg config.Config) (err error) {
	if p.key, err = signature.OpenKey(cfg.TerminalKeyPath(), rand.Reader); err != nil {
		return payment.WithHint(err,
			"put the terminal's key back; without it `smiletill cloud trust` must learn a new one")
	}
	path := cfg.CloudKeyPath()
	p.cloudKeys = report.OpenKeyFile(path, cfg.MQTT.CloudKeyFile != "")
	n, err := p.cloudKeys.Known()
	if err == nil && n == 0 && cfg.MQTT.Broker != "" {
		p.log.Warn("the cloud's key is not known: no acknowledgement is believed, and payments wait in the journal",
			"hint", cloudKeyHint(path))
	}
	return payment.WithHint(err, cloudKeyHint(path))
}

func cloudKeyHint(path string) string {
	return "where the cloud runs, `smiletill cloud key` prints its public key: put it into " + path +
		", as a file that the terminal's user can read (it is no secret: mode 0644)"
}

// Address is the terminal's name in reports and topics.
func Address(cfg config.Config) report.Address {
	return report.Address{Tenant: cfg.Terminal.Tenant, Site: cfg.Terminal.Site, Terminal: cfg.Terminal.ID}
}
