package register

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// askFor sends a request and picks the answer of its category.
func askFor[T any](ctx context.Context, c *Client, what Category, serviceID string, q Request,
	pick func(*Reply) *T,
) (*T, error) {
	q.Header = Header{MessageCategory: what, ServiceID: serviceID}
	reply, err := c.Send(ctx, q)
	if err != nil {
		return nil, err
	}
	if reply != nil {
		if v := pick(reply); v != nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("read the answer to %s: %w: there is no %sResponse", what, ErrMessage, what)
}

// Status asks how an earlier message went. Without a reference it is the latest Payment or Reversal of this
// SaleID; an empty SaleID in the reference is this one. Errors are Send's.
func (c *Client) Status(
	ctx context.Context, serviceID string, q TransactionStatusRequest,
) (*TransactionStatusResponse, error) {
	return askFor(ctx, c, CategoryTransactionStatus, serviceID, Request{TransactionStatus: &q},
		func(r *Reply) *TransactionStatusResponse { return r.TransactionStatus })
}

// Abort asks the terminal to end the payment that a message of this SaleID began. It has no answer: how the
// payment ended is told by its own, or by Status. Errors are Send's.
func (c *Client) Abort(ctx context.Context, serviceID, payment, reason string) error {
	reply, err := c.Send(ctx, Request{Header: Header{MessageCategory: CategoryAbort, ServiceID: serviceID},
		Abort: &AbortRequest{Reason: reason, Reference: MessageReference{MessageCategory: CategoryPayment,
			SaleID: c.SaleID, ServiceID: payment, POIID: c.POIID}}})
	if err == nil && reply != nil && reply.Abort != nil {
		return fmt.Errorf("%w: %s", ErrRejected, Message(reply.Abort.Response))
	}
	return err
}

// Reverse gives a payment back: number, in major units of its currency, or all that is left if it is empty.
// transaction is the TransactionID of the payment's POITransactionID; reason is CustCancel, Malfunction,
// MerchantCancel or Unable2Compl. Errors are Send's: if the connection died, Status tells what was done.
func (c *Client) Reverse(
	ctx context.Context, serviceID, transaction, number, reason string, at time.Time,
) (*ReversalResponse, error) {
	q := &ReversalRequest{Amount: json.Number(number), Reason: reason}
	q.Original.POITransactionID = TransactionID{transaction, stamp(at)}
	return askFor(ctx, c, CategoryReversal, serviceID, Request{Reversal: q},
		func(r *Reply) *ReversalResponse { return r.Reversal })
}

// Diagnose asks how the terminal does, and whether its reports reach the cloud. Errors are Send's.
func (c *Client) Diagnose(ctx context.Context, serviceID string) (*DiagnosisResponse, error) {
	q := &DiagnosisRequest{HostDiagnosis: true}
	return askFor(ctx, c, CategoryDiagnosis, serviceID, Request{Diagnosis: q},
		func(r *Reply) *DiagnosisResponse { return r.Diagnosis })
}

// Login begins a session of this SaleID. language is ISO 639-1. Errors are Send's.
func (c *Client) Login(
	ctx context.Context, serviceID, version, language string, at time.Time,
) (*LoginResponse, error) {
	software, err := json.Marshal(POISoftware{ManufacturerID: "smiletill", ApplicationName: c.SaleID,
		SoftwareVersion: version, CertificationCode: "none"})
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	q := &LoginRequest{DateTime: stamp(at), SaleSoftware: software, OperatorLanguage: language}
	return askFor(ctx, c, CategoryLogin, serviceID, Request{Login: q},
		func(r *Reply) *LoginResponse { return r.Login })
}

// Logout ends it: the terminal takes no payment of this SaleID until it logs in again. Errors are Send's.
func (c *Client) Logout(ctx context.Context, serviceID string) (*LogoutResponse, error) {
	return askFor(ctx, c, CategoryLogout, serviceID, Request{Logout: &LogoutRequest{}},
		func(r *Reply) *LogoutResponse { return r.Logout })
}

// Totals asks what came since the last reconciliation. Errors are Send's.
func (c *Client) Totals(ctx context.Context, serviceID string) (*TotalsResponse, error) {
	return askFor(ctx, c, CategoryGetTotals, serviceID, Request{GetTotals: &GetTotalsRequest{}},
		func(r *Reply) *TotalsResponse { return r.GetTotals })
}

// Reconcile closes the period (SaleReconciliation), or tells one that was closed (PreviousReconciliation,
// with its number or "" for the last). Errors are Send's.
func (c *Client) Reconcile(ctx context.Context, serviceID, kind, number string) (*TotalsResponse, error) {
	q := &ReconciliationRequest{Type: kind, ReconciliationID: number}
	return askFor(ctx, c, CategoryReconciliation, serviceID, Request{Reconciliation: q},
		func(r *Reply) *TotalsResponse { return r.Reconciliation })
}

// Display shows lines on the customer's page for a time, which is rounded up to seconds; 0 leaves it to the
// terminal. Errors are Send's.
func (c *Client) Display(
	ctx context.Context, serviceID string, lines []string, long time.Duration,
) (*DisplayResponse, error) {
	o := DisplayOutput{Device: "CustomerDisplay", InfoQualify: "Display",
		Content: OutputContent{Format: "Text"}, Seconds: int((long + time.Second - 1) / time.Second)}
	for _, l := range lines {
		o.Content.Text = append(o.Content.Text, OutputText{Text: strings.TrimRight(l, "\r\n"), EndOfLine: true})
	}
	q := &DisplayRequest{Outputs: []DisplayOutput{o}}
	return askFor(ctx, c, CategoryDisplay, serviceID, Request{Display: q},
		func(r *Reply) *DisplayResponse { return r.Display })
}
