package register

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smiletill/payment"
)

// reverse gives a payment back, in whole or in part.
func (s *Server) reverse(ctx context.Context, q *Request) *ReversalResponse {
	refuse := func(r Response) *ReversalResponse { return refusedReversal(q, r) }
	till, session, r := s.forRegister(ctx, q)
	if r != nil {
		return refuse(s.unheard(q, *r))
	}
	// A register that gives up now must find either nothing or a reversal.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	want, rec, err := s.readReversal(ctx, till, q)
	done, ok := s.claim(q.Header)
	if !ok {
		return refuse(failure(Busy, "this very message is being worked on", "serviceId", q.Header.ServiceID))
	}
	defer done()
	if r := s.noReversal(ctx, till, session, rec, err); r != nil {
		return refuse(*r)
	}
	if r := s.notBack(ctx, till, want, rec); r != nil {
		return refuse(*r)
	}
	rec, known, err := till.Records.Begin(ctx, rec)
	if err != nil {
		return refuse(s.unheard(q, s.unnoted(err)))
	}
	if known {
		now := Record{Digest: digest(want.ID), ID: want.ID}
		if r := s.repeated(ctx, till, rec, now); r != nil {
			return refuse(*r)
		}
	} else if _, err := till.Journal.FindReversal(ctx, want.ID); err == nil {
		// The journal knows the message, the records had lost it.
		return refuse(failure(NotAllowed,
			"this message has its reversal already: ask for it with TransactionStatus"))
	}
	rec.Key = q.from.key // a record that was known has none
	want.Who = payment.Who{Role: "register", Name: cmp.Or(q.from.key, q.Header.SaleID), Door: "register"}
	made, err := till.Engine.Reverse(ctx, want)
	switch {
	case err == nil:
		return s.reversalAnswer(ctx, till, rec, made)
	case errors.Is(err, payment.ErrJournal), ctx.Err() != nil:
		return refuse(failure(InProgress, "the outcome is not known yet: ask for it with TransactionStatus"))
	}
	return refuse(*s.noteRefused(ctx, till, rec, refusalOf(err)))
}

// noReversal refuses what was refused before, what comes after a Logout, and what can't be read (why); nil:
// it may go on.
func (s *Server) noReversal(
	ctx context.Context, till *Till, session Session, rec Record, why error,
) *Response {
	r := loggedOut(session)
	if r == nil && why != nil {
		no := refusalOf(why)
		if no.ErrorCondition == MessageFormat { // as it is it never acts, and mended it is another
			return &no
		}
		r = &no
	}
	if r != nil {
		return s.noteRefused(ctx, till, rec, *r)
	}
	return s.refusedBefore(rec)
}

// notBack refuses a message that is new and asks for more than is left, as notNow does a payment.
func (s *Server) notBack(ctx context.Context, till *Till, q payment.ReversalRequest, rec Record) *Response {
	if _, known, err := till.Records.Known(ctx, rec.Header); known || err != nil {
		return nil // Begin looks again, and says so
	}
	if _, err := till.Journal.FindReversal(ctx, q.ID); !errors.Is(err, payment.ErrNotFound) {
		return nil // the journal knows more than the records
	}
	paid, err := till.Journal.Find(ctx, q.PaymentID)
	if err != nil {
		return nil
	}
	_, why := payment.OpenReversal(q, paid, time.Now())
	if why == nil {
		return nil
	}
	return s.noteRefused(ctx, till, rec, refusalOf(why))
}

// readReversal checks a Reversal message. What it finds no reversal in is a record all the same, without an
// id.
func (s *Server) readReversal(
	ctx context.Context, till *Till, q *Request,
) (payment.ReversalRequest, Record, error) {
	fail := func(err error) (payment.ReversalRequest, Record, error) {
		return payment.ReversalRequest{}, Record{Header: q.Header, Key: q.from.key}, err
	}
	r := q.Reversal
	reasons := []string{"CustCancel", "Malfunction", "MerchantCancel", "Unable2Compl"}
	if !slices.Contains(reasons, r.Reason) {
		return fail(&fieldError{path: "ReversalRequest.ReversalReason", what: quoted(r.Reason),
			send: "send " + strings.Join(reasons, ", ")})
	}
	sale, err := readSaleData("ReversalRequest.SaleData", r.SaleData, false)
	if err != nil {
		return fail(err)
	}
	id := r.Original.POITransactionID.TransactionID
	if !payment.ValidID(id) {
		return fail(payment.WithHint(fmt.Errorf("payment %.64q: %w", id, payment.ErrNotFound),
			"send the POITransactionID of the payment's response"))
	}
	paid, err := till.Journal.Find(ctx, id)
	if err != nil {
		return fail(err)
	}
	var minor int64
	if r.Amount != "" {
		a, err := Minor(r.Amount, paid.Amount.Currency)
		if err != nil {
			return fail(wrongField("ReversalRequest.ReversedAmount", err))
		}
		minor = a.Minor
	}
	want := payment.ReversalRequest{ID: reversalID(q.Header, id, fmt.Sprint(minor), sale.SaleTransactionID),
		PaymentID: id, Minor: minor, Reference: r.Reason}
	return want, Record{Header: q.Header, Key: q.from.key, ID: want.ID, SaleData: r.SaleData, Original: id,
		Digest: digest(want.ID)}, nil
}

// reversalAnswer is the response of a reversal that was made.
func (s *Server) reversalAnswer(
	ctx context.Context, till *Till, rec Record, r payment.Reversal,
) *ReversalResponse {
	answer := &ReversalResponse{
		Response: Response{Result: Success}, Amount: major(r.Amount), Receipts: s.reversalReceipts(r, false),
		Original: s.original(ctx, till, r.PaymentID),
		POIData: &POIData{TransactionID: TransactionID{TransactionID: r.ID, TimeStamp: stamp(r.At)},
			ReconciliationID: fmt.Sprint(rec.Period)},
	}
	return answer
}

// original names the payment of a reversal; nil if there is none, or it can't be read: without its time it
// would be none that libraries read.
func (s *Server) original(ctx context.Context, till *Till, id string) *OriginalTransaction {
	paid, err := till.Journal.Find(ctx, id)
	if err != nil {
		return nil
	}
	return &OriginalTransaction{POITransactionID: TransactionID{id, stamp(paid.OpenedAt)}}
}

// status repeats the response of an earlier Payment or Reversal.
func (s *Server) status(ctx context.Context, q *Request) *TransactionStatusResponse {
	ref := MessageReference{}
	if q.TransactionStatus.Reference != nil {
		ref = *q.TransactionStatus.Reference
	}
	if ref.SaleID == "" {
		ref.SaleID = q.Header.SaleID
	}
	answer := &TransactionStatusResponse{Reference: &ref}
	if r := s.elsewhere(q.Header); r != nil {
		answer.Response = *r
		return answer
	}
	till, err := s.opt.Till()
	if err != nil {
		answer.Response = failure(UnavailableService,
			"the terminal is opening its journal: ask again; "+err.Error())
		return answer
	}
	for _, sale := range []string{q.Header.SaleID, ref.SaleID} { // what another took is told to nobody else
		if _, r := s.owned(ctx, till, q, sale); r != nil {
			answer.Response = *r
			return answer
		}
	}
	rec, err := till.Records.Find(ctx, ref)
	if kept, ok := s.refused.find(q.from.key, ref); ok && errors.Is(err, payment.ErrNotFound) {
		rec, err = kept, nil
	}
	switch {
	case errors.Is(err, payment.ErrNotFound) && s.claimed(ref):
		answer.Response = failure(InProgress, "the payment is being opened")
		return answer
	case errors.Is(err, payment.ErrNotFound):
		answer.Response = failure(NotFound, "no such message is known here; records are kept for three days")
		return answer
	case err != nil:
		s.log.Error("the register's records can't be read", "err", err)
		answer.Response = failure(UnavailableService, "the terminal can't read its records: ask again")
		return answer
	}
	answer.Reference = &MessageReference{MessageCategory: rec.Header.MessageCategory, SaleID: rec.Header.SaleID,
		ServiceID: rec.Header.ServiceID, POIID: rec.Header.POIID}
	repeated := &RepeatedMessage{Header: rec.Header.response(s.opt.POIID)}
	if rec.Header.MessageCategory == CategoryReversal {
		answer.Response = s.reversalStatus(ctx, till, rec, q, repeated)
	} else {
		answer.Response = s.paymentStatus(ctx, till, rec, q, repeated)
	}
	if answer.Response.Result == Success {
		answer.Repeated = repeated
	}
	return answer
}

// statusWait is how long TransactionStatus looks whether a payment that runs has ended. One that had ended
// before is told, however slow the machine is.
const statusWait = 20 * time.Millisecond

func (s *Server) paymentStatus(
	ctx context.Context, till *Till, rec Record, q *Request, into *RepeatedMessage,
) Response {
	if rec.Refused == nil {
		wait, cancel := context.WithTimeout(ctx, statusWait)
		defer cancel()
		p, err := till.Engine.Wait(wait, rec.ID)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			if kept, findErr := till.Journal.Find(ctx, rec.ID); findErr == nil && kept.State.Terminal() {
				p, err = kept, nil
			}
		}
		switch {
		case errors.Is(err, payment.ErrNotFound) && s.claimed(referTo(rec)):
			return failure(InProgress, "the payment is being opened")
		case errors.Is(err, payment.ErrNotFound):
			return failure(NotFound, "the payment was never opened; nothing was charged")
		case errors.Is(err, payment.ErrUnsure):
			return refusalOf(err)
		case err != nil:
			return failure(InProgress, "the payment has not ended, or its end is not known yet: ask again")
		}
		into.Body.Payment = s.paymentAnswer(rec, p, nil)
		into.Body.Payment.Receipts = s.reprint(q, s.paymentReceipts(rec, p, true))
		return Response{Result: Success}
	}
	into.Body.Payment = s.paymentAnswer(rec, payment.Payment{}, nil)
	return Response{Result: Success}
}

func referTo(rec Record) MessageReference {
	return MessageReference{MessageCategory: rec.Header.MessageCategory, SaleID: rec.Header.SaleID,
		ServiceID: rec.Header.ServiceID}
}

func (s *Server) reversalStatus(
	ctx context.Context, till *Till, rec Record, q *Request, into *RepeatedMessage,
) Response {
	if rec.Refused != nil {
		into.Body.Reversal = &ReversalResponse{Response: *rec.Refused, Receipts: []Receipt{},
			Original: s.original(ctx, till, rec.Original)}
		return Response{Result: Success}
	}
	r, err := till.Journal.FindReversal(ctx, rec.ID)
	switch {
	case errors.Is(err, payment.ErrNotFound) && s.claimed(referTo(rec)):
		return failure(InProgress, "the reversal is being made")
	case errors.Is(err, payment.ErrNotFound):
		return failure(NotFound, "the reversal was never made; nothing was given back")
	case err != nil:
		s.log.Error("a reversal can't be looked up", "err", err)
		return failure(UnavailableService, "the terminal can't read its journal: ask again")
	}
	into.Body.Reversal = s.reversalAnswer(ctx, till, rec, r)
	into.Body.Reversal.Receipts = s.reprint(q, s.reversalReceipts(r, true))
	return Response{Result: Success}
}

// reprint chooses the receipts that a TransactionStatus asks for.
func (s *Server) reprint(q *Request, all []Receipt) []Receipt {
	chosen := []Receipt{}
	for _, r := range all {
		documents := q.TransactionStatus.Documents
		if q.TransactionStatus.Reprint && (len(documents) == 0 || slices.Contains(documents, r.Document)) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}
