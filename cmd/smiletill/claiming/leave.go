package claiming

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/payment/report/claim"
)

// ErrNotHeard is that the cloud was not told, or would not hear it: nothing there is another.
var ErrNotHeard = errors.New("the cloud has not taken it")

// Leave tells the cloud that has claimed a terminal that it leaves service, with the signed receipt of that
// (claim.Departure); the cloud revokes it. An empty address of the cloud is that of a terminal that none has
// claimed: nobody was told. It may be told again. After any error but ErrNotHeard it may have heard it.
func Leave(ctx context.Context, cfg config.Config, receipt []byte) (cloud string, err error) {
	k, err := load(cfg.ClaimedPath())
	if err != nil || k == nil {
		return "", err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(k.terms.Signers))
	now := time.Now()
	if began := k.cert.NotBefore; now.Before(began) { // a clock that was never set
		now = began.Add(time.Second)
	}
	web := client(&tls.Config{RootCAs: pool, Time: func() time.Time { return now }})
	defer web.CloseIdleConnections()
	_, err = post(ctx, web, k.cloud, claim.PathLeave, receipt, answerFor)
	var refused *refusedError
	if errors.As(err, &refused) && refused.status == http.StatusForbidden {
		return k.cloud, nil // it does not know the terminal any more: somebody has revoked it
	}
	if err != nil {
		var dial *net.OpError
		unsent := errors.As(err, &dial) && dial.Op == "dial" ||
			errors.As(err, new(*tls.CertificateVerificationError))
		if unsent || refused != nil && refused.status < http.StatusInternalServerError {
			err = fmt.Errorf("%w: %w", ErrNotHeard, err)
		}
		return k.cloud, payment.WithHint(fmt.Errorf("tell the cloud that the terminal leaves service: %w", err),
			"look whether "+k.cloud+" runs and can be reached")
	}
	return k.cloud, nil
}
