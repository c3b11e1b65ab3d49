package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"smiletill/payment"
)

// asked is a Payment message that makes sense.
type asked struct {
	request payment.Request
	record  Record
	sale    TransactionID
	digits  string // of the customer; in no record
}

// Where a Payment says what is paid, and what for.
const (
	amountsAt     = "PaymentRequest.PaymentTransaction.AmountsReq."
	saleDataAt    = "PaymentRequest.SaleData"
	transactionAt = ".SaleTransactionID"
)

// readPayment checks a Payment message. Errors say what to send instead.
func (s *Server) readPayment(q *Request, limit payment.Amount) (asked, error) {
	sale, err := readSaleData(saleDataAt, q.Payment.SaleData, true)
	if err != nil {
		return asked{}, err
	}
	a := q.Payment.Transaction.Amounts
	amount, err := Minor(a.RequestedAmount, a.Currency)
	switch {
	case errors.Is(err, payment.ErrCurrency):
		return asked{}, wrongField(amountsAt+"Currency", err)
	case err != nil:
		return asked{}, wrongField(amountsAt+"RequestedAmount", err)
	case amount.Currency != limit.Currency:
		return asked{}, &fieldError{path: amountsAt + "Currency",
			what: a.Currency + " is another, this terminal takes " + limit.Currency, send: "send that"}
	}
	var tip int64
	if a.TipAmount != "" && !isZero(a.TipAmount) {
		t, err := Minor(a.TipAmount, a.Currency)
		if err != nil {
			return asked{}, wrongField(amountsAt+"TipAmount", err)
		}
		if tip = t.Minor; tip > amount.Minor {
			return asked{}, &fieldError{path: amountsAt + "TipAmount",
				what: fmt.Sprintf("%s is more than RequestedAmount, %s", a.TipAmount, a.RequestedAmount),
				send: "send the total with the tip in it as RequestedAmount"}
		}
	}
	if a.CashBackAmount != "" && !isZero(a.CashBackAmount) {
		return asked{}, &fieldError{path: amountsAt + "CashBackAmount",
			what: "this terminal hands out no cash", send: "send no CashBackAmount"}
	}
	r := payment.Request{ID: PaymentID(q.Header, sale.SaleTransactionID), Amount: amount,
		Reference: sale.SaleTransactionID.TransactionID}
	if _, err := payment.Open(r, time.Now(), time.Second); err != nil {
		return asked{}, wrongField(saleDataAt+transactionAt, err)
	}
	rec := Record{Header: q.Header, Key: q.from.key, ID: r.ID, SaleData: q.Payment.SaleData, Tip: tip,
		Digest: digest(amount.String(), r.ID, fmt.Sprint(tip))}
	return asked{request: r, record: rec, sale: sale.SaleTransactionID, digits: q.Payment.digits()}, nil
}

func isZero(n json.Number) bool {
	f, err := n.Float64() // only zero or not: no amount is made of it
	return err == nil && f == 0
}

// readSaleData checks the part of SaleData, which is at a path, that is read.
func readSaleData(at string, raw json.RawMessage, needed bool) (SaleData, error) {
	var d SaleData
	if !needed && (len(raw) == 0 || isEmptyList(raw)) {
		return d, nil
	}
	var f fields
	if f.read(at, raw, reflect.ValueOf(&d).Elem()); f.wrong != nil {
		return d, f.wrong
	}
	if needed {
		missing := ""
		switch {
		case d.SaleTransactionID.TransactionID == "":
			missing = ".TransactionID"
		case d.SaleTransactionID.TimeStamp == "":
			missing = ".TimeStamp"
		}
		if missing != "" {
			return d, &fieldError{path: at + transactionAt + missing, what: "it is missing",
				send: "send TransactionID and TimeStamp, which name the sale"}
		}
	}
	if err := payment.CheckText(d.SaleTransactionID.TransactionID, payment.ReferenceMax); err != nil {
		return d, wrongField(at+transactionAt+".TransactionID", err)
	}
	return d, nil
}

// pay takes a payment and waits for its end.
func (s *Server) pay(ctx context.Context, q *Request) *PaymentResponse {
	refuse := func(r Response) *PaymentResponse { return refusedPayment(q, r) }
	till, session, r := s.forRegister(ctx, q)
	if r != nil {
		return refuse(s.unheard(q, *r))
	}
	if d := q.Payment.Data; d != nil && d.PaymentType != "" && d.PaymentType != "Normal" {
		return refuse(failure(PaymentRestriction,
			fmt.Sprintf("PaymentRequest.PaymentData.PaymentType: %q is not taken here; send Normal, or to give "+
				"money back a Reversal of the payment", shorten(d.PaymentType))))
	}
	a, err := s.readPayment(q, till.Limit)
	out := loggedOut(session)
	switch {
	case err != nil && out != nil:
		return refuse(*out)
	case err != nil:
		return refuse(refusalOf(err))
	}
	rec, no := s.begin(ctx, till, a, out)
	if no != nil {
		return refuse(*no)
	}
	p, err := s.await(ctx, a.request.ID)
	answer := s.paymentAnswer(rec, p, err)
	if errors.Is(err, payment.ErrNotFound) {
		s.neverOpened(ctx, till, a.record, answer.Response)
	}
	return answer
}

// begin notes the message and opens its payment, unless no says that it may not. What it returns in the end
// is a refusal, or nil when there is a payment to wait for.
func (s *Server) begin(ctx context.Context, till *Till, a asked, no *Response) (Record, *Response) {
	// A register that gives up now must find either nothing or a payment, not half of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	h := a.record.Header
	done, ok := s.claim(h)
	if !ok {
		r := failure(Busy, "this very message is being worked on", "serviceId", h.ServiceID)
		return Record{}, &r
	}
	defer done()
	if no == nil {
		no = aboveLimit(a, till.Limit)
	}
	if no != nil {
		return Record{}, s.noteRefused(ctx, till, a.record, *no)
	}
	if r := s.refusedBefore(a.record); r != nil {
		return Record{}, r
	}
	if r := s.notNow(ctx, till, a); r != nil {
		return Record{}, r
	}
	rec, known, err := till.Records.Begin(ctx, a.record)
	if err != nil {
		r := s.unnoted(err)
		s.refused.keep(a.record.Key, h, r)
		return Record{}, &r
	}
	if known {
		if r := s.repeated(ctx, till, rec, a.record); r != nil {
			return Record{}, r
		}
	}
	p, err := till.Engine.Begin(ctx, a.request)
	if err == nil && a.digits != "" && till.Digits != nil { // or they would be another payment's
		till.Digits(a.request.ID, a.digits)
	}
	switch {
	case err == nil && p.State.Terminal():
		// The journal knows the message, the records had lost it.
		r := failure(NotAllowed, "this message has its payment already: ask for it with TransactionStatus")
		return Record{}, &r
	case err == nil, errors.Is(err, payment.ErrJournal), ctx.Err() != nil:
		return rec, nil // whether it was opened is to be waited for
	}
	return Record{}, s.noteRefused(ctx, till, a.record, s.busyWith(ctx, till, err))
}

// aboveLimit refuses more than this terminal takes at once, by its settings of today.
func aboveLimit(a asked, limit payment.Amount) *Response {
	if a.request.Amount.Minor <= limit.Minor {
		return nil
	}
	r := failure(Refusal, fmt.Sprintf("amount %s is above this terminal's limit of %s", a.request.Amount, limit),
		"refusalReason", "limit")
	return &r
}

// notNow refuses a message that is new while no payment can begin, before anything large is written down for
// it. Which message it was is noted all the same: sent again by somebody who recorded it, it must begin
// nothing.
func (s *Server) notNow(ctx context.Context, till *Till, a asked) *Response {
	why := till.Engine.Ready(ctx)
	if why == nil || errors.Is(why, payment.ErrJournal) || ctx.Err() != nil {
		return nil
	}
	if _, known, err := till.Records.Known(ctx, a.record.Header); known || err != nil {
		return nil // Begin looks again, and says so
	}
	if _, err := till.Journal.Find(ctx, a.record.ID); !errors.Is(err, payment.ErrNotFound) {
		return nil // the journal knows more than the records
	}
	return s.noteRefused(ctx, till, a.record, s.busyWith(ctx, till, why))
}

// settled waits while the payment of a message is being opened this moment.
func (s *Server) settled(ctx context.Context, ref MessageReference) {
	for s.claimed(ref) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// busyWith is the refusal of an error; of a payment that runs it names the message.
func (s *Server) busyWith(ctx context.Context, till *Till, err error) Response {
	var busy *payment.BusyError
	if !errors.As(err, &busy) {
		return refusalOf(err)
	}
	running, findErr := till.Records.FindID(ctx, busy.Running)
	if findErr != nil {
		return failure(Busy, "another payment is running, which no register began")
	}
	return failure(Busy, "another payment is running", "serviceId", running.Header.ServiceID, "saleId",
		running.Header.SaleID)
}

// repeated answers a message whose SaleID and ServiceID are known. nil: nothing came of it before (the
// terminal was killed between the note and the payment), so that it may go on.
func (s *Server) repeated(ctx context.Context, till *Till, before, now Record) *Response {
	h := before.Header
	used := usedOnce(h)
	if before.Refused != nil || before.Digest != now.Digest || before.ID != now.ID {
		return &used
	}
	var state payment.State
	var err error
	if h.MessageCategory == CategoryReversal {
		_, err = till.Journal.FindReversal(ctx, before.ID)
		state = payment.StateApproved
	} else {
		var p payment.Payment
		p, err = till.Journal.Find(ctx, before.ID)
		state = p.State
	}
	switch {
	case errors.Is(err, payment.ErrNotFound):
		return nil
	case errors.Is(err, payment.ErrUnsure):
		return &used
	case err != nil:
		r := failure(InProgress, "the outcome can't be read now: ask for it with TransactionStatus; "+textOf(err))
		return &r
	case !state.Terminal():
		r := failure(Busy, "the payment of this message is running", "serviceId", h.ServiceID)
		return &r
	}
	return &used
}

// claim marks a message as being worked on; ok is false if it is already.
func (s *Server) claim(h Header) (done func(), ok bool) {
	k := claimKey(h.SaleID, h.ServiceID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[k] {
		return nil, false
	}
	s.claims[k] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.claims, k)
	}, true
}

func claimKey(sale, service string) string { return sale + "\x00" + service }

func (s *Server) claimed(ref MessageReference) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims[claimKey(ref.SaleID, ref.ServiceID)]
}

// await waits for a payment's end, over an outcome that is not known yet and over parts that are opened anew.
// Errors: payment.ErrNotFound (it was never opened), ErrUnsure, or what was last in the way.
func (s *Server) await(ctx context.Context, id string) (payment.Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, s.until)
	defer cancel()
	for {
		till, err := s.opt.Till()
		if err == nil {
			var p payment.Payment
			p, err = till.Engine.Wait(ctx, id)
			if err == nil || errors.Is(err, payment.ErrNotFound) || errors.Is(err, payment.ErrUnsure) {
				return p, err
			}
		}
		select {
		case <-ctx.Done():
			return payment.Payment{}, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// paymentAnswer is the response of a payment that was begun, as its end in the journal says. err is await's.
func (s *Server) paymentAnswer(rec Record, p payment.Payment, err error) *PaymentResponse {
	answer := &PaymentResponse{SaleData: rec.SaleData, Receipts: []Receipt{},
		POIData: POIData{TransactionID: TransactionID{TransactionID: rec.ID, TimeStamp: stamp(time.Now())},
			ReconciliationID: fmt.Sprint(rec.Period)}}
	switch {
	case rec.Refused != nil:
		answer.Response = *rec.Refused
		return answer
	case errors.Is(err, payment.ErrNotFound):
		answer.Response = failure(UnavailableService, "the payment could not be opened; nothing was charged")
		return answer
	case errors.Is(err, payment.ErrUnsure):
		answer.Response = refusalOf(err)
		return answer
	case err != nil:
		answer.Response = failure(InProgress, "the outcome is not known yet: ask for it with TransactionStatus")
		return answer
	}
	answer.POIData.TransactionID.TimeStamp = stamp(p.OpenedAt)
	answer.Receipts = s.paymentReceipts(rec, p, false)
	if p.State != payment.StateApproved {
		why := p.Reason.Text()
		if p.Detail != "" {
			why += " (" + p.Detail + ")"
		}
		answer.Response = failure(conditionOfEnd(p.Reason), string(p.State)+": "+why+"; nothing was charged",
			"refusalReason", string(p.Reason))
		return answer
	}
	answer.Response = Response{Result: Success}
	authentication := "UnknownMethod"
	if p.PIN {
		authentication = "OfflinePIN"
	}
	answer.Result = &PaymentResult{
		PaymentType: "Normal", Instrument: Instrument{instrumentFace},
		Amounts:        AmountResp{Currency: p.Amount.Currency, Authorized: major(p.Amount)},
		Authentication: []string{authentication},
		Acquirer: Acquirer{AcquirerID: s.opt.Tenant, MerchantID: s.opt.Tenant, AcquirerPOIID: s.opt.POIID,
			TransactionID: answer.POIData.TransactionID},
	}
	if rec.Tip > 0 {
		answer.Result.Amounts.Tip = major(payment.Amount{Minor: rec.Tip, Currency: p.Amount.Currency})
	}
	return answer
}
