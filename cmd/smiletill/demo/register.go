package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/register"
)

// demoRegister is the cash register of the shop.
const demoRegister = "Counter 1"

// registerURL waits until the terminal serves registers and says where.
func (d *demo) registerURL(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudWait)
	defer cancel()
	for {
		if addr := d.term.Addresses().Register; addr != "" {
			return "https://" + addr + "/nexo", nil
		}
		select {
		case <-ctx.Done():
			return "", errors.New("the terminal serves no registers: its page /status says why")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// playRegister lets a cash register, paired a moment before, take a payment: sealed, over HTTPS.
func (d *demo) playRegister(ctx context.Context, v visit) error {
	url, err := d.registerURL(ctx)
	if err != nil {
		return err
	}
	certFile, _ := d.cfg.RegisterCertificate()
	fingerprint, err := register.ReadFingerprint(certFile)
	if err != nil {
		return err
	}
	var key *register.Key
	err = register.ChangePairings(
		d.cfg.PairingsPath(),
		func(all register.Pairings) (_ register.Pairings, err error) {
			all, key, err = all.Pair(
				demoRegister,
				register.KeyIDOf(demoRegister),
				register.NewPassphrase(),
				time.Now(),
			)
			return all, err
		},
	)
	if err != nil {
		return err
	}
	service, err := register.NewServiceID()
	if err != nil {
		return err
	}
	d.say("       register %q is paired with key %s; it knows the terminal by its certificate,\n"+
		"       SHA-256 %s...", demoRegister, key.ID, register.Grouped(fingerprint[:32]))
	c := register.Client{URL: url, SaleID: demoRegister, POIID: d.cfg.POIID(), Key: key,
		HTTP: register.Pinned(fingerprint)}
	c.HTTP.Transport = &eavesdropper{RoundTripper: c.HTTP.Transport, d: d}
	if err := d.shop.Enter(v.clips...); err != nil {
		return err
	}
	defer d.shop.Leave()
	d.step("the register asks for %s EUR, ServiceID %s; inside TLS that is", v.amount, service)
	p, err := c.Pay(ctx, service, "receipt 1017",
		register.AmountsReq{Currency: "EUR", RequestedAmount: json.Number(v.amount)}, time.Now())
	if err != nil {
		return err
	}
	return d.showPayment(ctx, p, v)
}

// showPayment prints what the register was answered, and holds it against what the visit must end as.
func (d *demo) showPayment(ctx context.Context, p *register.PaymentResponse, v visit) error {
	essence := map[string]any{"Response": p.Response, "POITransactionID": p.POIData.TransactionID}
	if p.Result != nil {
		essence["AmountsResp"] = p.Result.Amounts
	}
	text, err := json.MarshalIndent(essence, "         ", "  ")
	if err != nil {
		return err
	}
	d.step("the register has its answer, encrypted as well; opened it says")
	d.say("         %s", text)
	if p.Response.Result != register.Success || v.state != payment.StateApproved {
		return fmt.Errorf("it ended with %s %s, and not as %s", p.Response.Result,
			register.Message(p.Response), v.state)
	}
	for _, one := range p.Receipts {
		if one.Document == "CustomerReceipt" {
			const paper = 32
			d.step("and prints the customer's receipt")
			edge := "         +" + strings.Repeat("-", paper+2) + "+"
			d.say("%s", edge)
			for line := range strings.Lines(register.Render(one, paper)) {
				d.say("         | %s |", columns.Pad(strings.TrimSuffix(line, "\n"), paper))
			}
			d.say("%s", edge)
		}
	}
	return d.delivered(ctx, about(p.POIData.TransactionID.TransactionID))
}

// eavesdropper shows what passes inside TLS.
type eavesdropper struct {
	http.RoundTripper
	d *demo
}

// RoundTrip prints a message, shortened, and sends it.
func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m struct {
		Request struct {
			Header   register.Header           `json:"MessageHeader"`
			NexoBlob string                    `json:"NexoBlob"`
			Trailer  *register.SecurityTrailer `json:"SecurityTrailer"`
		} `json:"SaleToPOIRequest"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	blob := &m.Request.NexoBlob
	*blob = fmt.Sprintf("%.24s... (%d characters)", *blob, len(*blob))
	text, err := json.MarshalIndent(m, "         ", "  ")
	if err != nil {
		return nil, err
	}
	e.d.say("         %s", text)
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return e.RoundTripper.RoundTrip(again)
}
