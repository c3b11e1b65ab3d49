package cloud_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/cloud"
	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// The flags of the link are held to what the terminal's settings are, before anything is made.
func TestRunChecksItsFlags(t *testing.T) {
	for _, c := range []struct {
		alpn string
		qos  int
		want string
	}{
		{qos: 9, want: "--subscribe-qos: 9"}, {qos: -1, want: "--subscribe-qos: -1"},
		{qos: 300, want: "--subscribe-qos: 300"}, {alpn: "a b", qos: 1, want: `--alpn: "a b"`},
		{alpn: "a,b", qos: 1, want: `--alpn: "a,b"`}, {alpn: strings.Repeat("x", 300), want: "--alpn"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // what is taken ends at once
		data := filepath.Join(t.TempDir(), "cloud")
		o := cloud.Options{Data: data, Broker: "mqtt://127.0.0.1:1", ALPN: c.alpn, SubscribeQoS: c.qos}
		err := o.Run(ctx)
		var usage *config.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) || payment.HintOf(err) == "" {
			t.Errorf("%+v: %v, hint %q", c, err, payment.HintOf(err))
		}
		if made, _ := filepath.Glob(data + "*"); len(made) > 0 {
			t.Errorf("%+v made %v", c, made)
		}
	}
}
