package till

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

// The kinds of receipts.
const (
	CustomerReceipt = "CustomerReceipt"
	CashierReceipt  = "CashierReceipt"
)

// Pay has the terminal take a payment, tip included, and waits for its end. An empty reference is the
// ServiceID. A *NotDoneError says that it was not approved.
func (r *Register) Pay(
	ctx context.Context,
	amount payment.Amount,
	tip *payment.Amount,
	reference string,
) error {
	amounts := register.AmountsReq{Currency: amount.Currency, RequestedAmount: json.Number(amount.Decimal())}
	if tip != nil {
		amounts.TipAmount = json.Number(tip.Decimal())
	}
	if reference == "" {
		reference = r.o.ServiceID
	}
	r.say("ServiceID %s: %s to %s", r.o.ServiceID, amount, r.o.POIID)
	return r.pay(ctx, amounts, reference)
}

func (r *Register) pay(ctx context.Context, amounts register.AmountsReq, reference string) error {
	r.say("waiting for the customer; Ctrl-C aborts")
	e := errand{r: r, category: register.CategoryPayment, service: r.o.ServiceID}
	o, err := e.do(ctx, func(ctx context.Context) (outcome, error) {
		p, err := r.client.Pay(ctx, r.o.ServiceID, reference, amounts, time.Now())
		return outcome{payment: p}, err
	})
	r.printRaw()
	if err != nil {
		return err
	}
	return r.paid(o.payment)
}

// paid tells the end of a payment.
func (r *Register) paid(p *register.PaymentResponse) error {
	if p == nil {
		return fmt.Errorf("read the answer: %w: there is no PaymentResponse", register.ErrMessage)
	}
	if p.Response.Result == register.Failure {
		return r.refused("not approved", p.Response)
	}
	text := "approved"
	if p.Result != nil {
		text += fmt.Sprintf(": %s %s", p.Result.Amounts.Authorized, p.Result.Amounts.Currency)
		if tip := p.Result.Amounts.Tip; tip != "" {
			text += fmt.Sprintf(", %s of it tip", tip)
		}
	}
	r.say("%s\ntransaction %s, for `smiletill register reverse`", text, p.POIData.TransactionID.TransactionID)
	r.printReceipt(p.Receipts, CustomerReceipt)
	return nil
}

// givenBack tells the end of a reversal.
func (r *Register) givenBack(v *register.ReversalResponse) error {
	if v == nil {
		return fmt.Errorf("read the answer: %w: there is no ReversalResponse", register.ErrMessage)
	}
	if v.Response.Result == register.Failure {
		return r.refused("not given back", v.Response)
	}
	r.say("given back: %s of transaction %s", v.Amount, v.Original.POITransactionID.TransactionID)
	r.printReceipt(v.Receipts, CustomerReceipt)
	return nil
}

func (r *Register) tellStatus(answer *register.TransactionStatusResponse, document string) error {
	if answer.Response.Result != register.Success || answer.Repeated == nil {
		return r.refused("no end is known", answer.Response)
	}
	h, p, v := answer.Repeated.Header, answer.Repeated.Body.Payment, answer.Repeated.Body.Reversal
	r.say("%s %s of %s", h.MessageCategory, h.ServiceID, h.SaleID)
	receipts := []register.Receipt{}
	var err error
	if p != nil {
		receipts, p.Receipts = p.Receipts, nil
		err = r.paid(p)
	} else {
		if v != nil {
			receipts, v.Receipts = v.Receipts, nil
		}
		err = r.givenBack(v)
	}
	if document != "" {
		r.printReceipt(receipts, document)
	}
	return err
}

// Reverse gives a payment back: all that is left of it, or a decimal number of it in its currency. A
// *NotDoneError says that it was not.
func (r *Register) Reverse(ctx context.Context, transaction, number, reason string) error {
	r.say("ServiceID %s: reversal of %s", r.o.ServiceID, transaction)
	e := errand{r: r, category: register.CategoryReversal, service: r.o.ServiceID}
	o, err := e.do(ctx, func(ctx context.Context) (outcome, error) {
		v, err := r.client.Reverse(ctx, r.o.ServiceID, transaction, number, reason, time.Now())
		return outcome{reversal: v}, err
	})
	r.printRaw()
	if err != nil {
		return err
	}
	return r.givenBack(o.reversal)
}

// Abort ends the payment that a message of the same SaleID began, and tells how it ended. A *NotDoneError
// says that it was approved before, or is not known.
func (r *Register) Abort(ctx context.Context, service string) error {
	if err := r.abort(ctx, service); err != nil {
		return unanswered(err)
	}
	interrupts, stop := interruptions(ctx)
	defer stop()
	e := errand{
		r:          r,
		category:   register.CategoryPayment,
		service:    service,
		interrupts: interrupts,
		aborted:    true,
	}
	o, err := e.follow(context.WithoutCancel(ctx))
	r.printRaw()
	if errors.Is(err, errUnknown) {
		return &NotDoneError{payment.WithHintf(err, "check the ServiceID and --sale")}
	}
	if err != nil {
		return err
	}
	if a := o.response(); a.Result == register.Failure {
		r.say("payment %s has ended: %s (%s)", service, register.Message(a), a.ErrorCondition)
		return nil
	}
	return &NotDoneError{payment.WithHintf(fmt.Errorf("payment %s was approved before", service),
		"`smiletill register reverse %s` gives it back", o.payment.POIData.TransactionID.TransactionID)}
}

// Status tells how the payment or reversal of a ServiceID went, nil: the latest of this SaleID, and prints a
// receipt of a kind again unless that is "".
func (r *Register) Status(ctx context.Context, service *string, document string) error {
	q := register.TransactionStatusRequest{}
	if service != nil {
		q.Reference = &register.MessageReference{SaleID: r.o.SaleID, ServiceID: *service}
	}
	if document != "" {
		q.Reprint, q.Documents = true, []string{document}
	}
	answer, err := r.client.Status(ctx, r.o.ServiceID, q)
	r.printRaw()
	if err != nil {
		return unanswered(err)
	}
	return r.tellStatus(answer, document)
}
