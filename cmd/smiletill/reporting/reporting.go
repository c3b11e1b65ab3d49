package reporting

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/journal"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

// Options are what a reporter is given beside settings and keys.
type Options struct {
	Trouble []func() string  // each says what is wrong with the terminal, for the status message; "" for nothing
	Behind  func(report.Ack) // as report.Options.OnBehind
	Log     *slog.Logger
}

// Open makes the reporter of a journal; nil without a broker: payments are kept and not reported.
func Open(
	cfg config.Config, version string, j *journal.Journal, k Keys, o Options,
) (*report.Reporter, error) {
	if cfg.MQTT.Broker == "" {
		o.Log.Warn("no broker is configured: payments are kept in the journal and not reported")
		return nil, nil
	}
	return report.New(options(cfg, version, j, k, o))
}

func options(cfg config.Config, version string, j *journal.Journal, k Keys, o Options) report.Options {
	log := o.Log.With("room", "report")
	return report.Options{
		Broker:   cfg.MQTT.Broker,
		Address:  Address(cfg),
		Username: cfg.MQTT.Username, Version: version,
		Files: link.Files{CA: cfg.MQTT.CAFile, Cert: cfg.MQTT.CertFile, Key: cfg.MQTT.KeyFile,
			Password: cfg.MQTT.PasswordFile},
		ALPN: cfg.MQTT.ALPN, Once: cfg.MQTT.SubscribeQoS == 0,
		Trouble: joined(o.Trouble),
		Outbox:  outbox{j.Outbox()}, Audits: outbox{j.AuditOutbox()},
		Wake:   j.Outbox().Wake(),
		Signer: report.KeySigner{Key: k.Own}, Verifier: k.Cloud,
		Ledger: j, OnBehind: o.Behind,
		Log: log, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		OnAlarm: func(a report.Alarm) {
			log.Error("the cloud contradicts the journal about a payment: call its operator", "row", a.Row.Seq,
				"id", a.Row.ID, "refused", a.Ack.Refused)
		},
	}
}

// joined joins what several say is wrong.
func joined(all []func() string) func() string {
	return func() string {
		var said []string
		for _, words := range all {
			if w := words(); w != "" {
				said = append(said, w)
			}
		}
		return strings.Join(said, "; ")
	}
}

// outbox shows the journal's outbox to the reporter, in the reporter's words.
type outbox struct{ o *journal.Outbox }

func (o outbox) Pending(ctx context.Context, after int64, limit int) ([]report.Row, error) {
	rows, err := o.o.Pending(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]report.Row, len(rows))
	for i, r := range rows {
		out[i] = report.Row{Seq: r.Seq, ID: r.ID, Kind: string(r.Kind), PaymentID: r.PaymentID, Time: r.Time,
			Body: r.Body, Hash: r.Hash}
	}
	return out, nil
}

func (o outbox) Park(ctx context.Context, seq int64, why string) error {
	return o.o.Park(ctx, seq, why)
}

func (o outbox) Close(ctx context.Context, id, hash string, seq int64) error {
	return o.o.Close(ctx, id, hash, seq)
}
