package register

import (
	"context"
	"encoding/json"
	"errors"

	"smiletill/payment"
)

// act is what a message does that moves no money, once.
type act[T any] struct {
	body    any               // of the request: what the same message says again
	session Session           // what becomes of the register's session; NoSession: nothing
	answer  *T                // when it is done
	refuse  func(Response) *T // when it isn't
	do      func()            // is done after it is written down; nil: that was all
}

// once does what a message asks for, and answers the same message the same after that, without doing it
// again: also after a restart, and whoever sends it.
func once[T any](ctx context.Context, s *Server, q *Request, a act[T]) *T {
	till, _, r := s.forRegister(ctx, q)
	if r != nil {
		return a.refuse(*r)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	done, ok := s.claim(q.Header)
	if !ok {
		return a.refuse(failure(Busy, "this very message is being worked on", "serviceId", q.Header.ServiceID))
	}
	defer done()
	rec, err := recordOf(q, a.body)
	if err == nil {
		rec.Session = a.session
		rec.Answer, err = json.Marshal(a.answer)
	}
	var before Record
	known := false
	if err == nil {
		before, known, err = till.Records.Begin(ctx, rec)
	}
	if err != nil {
		return a.refuse(s.unnoted(err))
	}
	if known {
		var answer T
		if before.Digest != rec.Digest || json.Unmarshal(before.Answer, &answer) != nil {
			return a.refuse(usedBefore(q.Header))
		}
		return &answer
	}
	if a.do != nil {
		a.do()
	}
	return a.answer
}

// recordOf is the record of a message by what its body says.
func recordOf(q *Request, body any) (Record, error) {
	text, err := json.Marshal(body)
	return Record{Header: q.Header, Key: q.from.key,
		Digest: digest(string(q.Header.MessageCategory), string(text))}, err
}

// unnoted is the answer to a message that could not be written down, so that nothing was done.
func (s *Server) unnoted(err error) Response {
	if errors.Is(err, ErrForeignSale) {
		return foreignSale()
	}
	s.log.Error("a register's message could not be noted: nothing was done", "err", err)
	return failure(UnavailableService, "the terminal can't write to its disk; nothing was done")
}

// usedBefore is the answer to another message under names that were used.
func usedBefore(h Header) Response {
	return failure(NotAllowed, "this SaleID and ServiceID were used before, for something else: take a new "+
		"ServiceID", "serviceId", h.ServiceID)
}

func foreignSale() Response {
	return failure(NotAllowed, "this SaleID is another register's, which used it first with a key of its own: "+
		"take another SaleID, or unpair that register")
}

// forRegister gives the parts for a message of a register that may send it: it is for this terminal, and
// comes under a SaleID of its own, whose session it tells besides.
func (s *Server) forRegister(ctx context.Context, q *Request) (*Till, Session, *Response) {
	if r := s.elsewhere(q.Header); r != nil {
		return nil, NoSession, r
	}
	till, err := s.opt.Till()
	if err != nil {
		r := refusalOf(err)
		return nil, NoSession, &r
	}
	session, r := s.owned(ctx, till, q, q.Header.SaleID)
	return till, session, r
}

// owned tells where the session of a SaleID stands, and refuses a sender whose it isn't. A key that is paired
// no more owns nothing.
func (s *Server) owned(ctx context.Context, till *Till, q *Request, sale string) (Session, *Response) {
	owner, session, err := till.Records.Sale(ctx, sale)
	if err == nil && owner != "" && owner != q.from.key && !q.from.own {
		pairings, unread := s.opt.Pairings()
		if unread != nil { // whose key it is can't be known
			r := failure(UnavailableService, "the terminal can't read its registers' keys; nothing was done")
			return session, &r
		}
		if pairings.paired(owner) {
			s.log.Warn("a register spoke in another's name", "sale", sale, "key", q.from.key, "owner", owner)
			r := foreignSale()
			return session, &r
		}
		err = till.Records.Free(ctx, owner)
	}
	if err != nil {
		s.log.Error("the register's records can't be read", "err", err)
		r := failure(UnavailableService, "the terminal can't read its records; nothing was done")
		return session, &r
	}
	return session, nil
}

// abort ends the payment of a message, if it runs. There is no answer to it.
func (s *Server) abort(ctx context.Context, q *Request) {
	ref := q.Abort.Reference
	if ref.SaleID == "" {
		ref.SaleID = q.Header.SaleID
	}
	ref.MessageCategory = CategoryPayment
	if q.Header.POIID != s.opt.POIID || ref.ServiceID == "" {
		s.log.Warn("an abort names no payment of this terminal", "sale", q.Header.SaleID)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	s.settled(ctx, ref)
	till, _, r := s.forRegister(ctx, q)
	if r == nil && ref.SaleID != q.Header.SaleID {
		_, r = s.owned(ctx, till, q, ref.SaleID)
	}
	if r != nil {
		s.log.Warn("an abort was not followed", "sale", q.Header.SaleID, "why", Message(*r))
		return
	}
	err := s.cancelOnce(ctx, till, q, ref)
	if err != nil && !errors.Is(err, payment.ErrClosed) && !errors.Is(err, payment.ErrNotFound) {
		s.log.Error("a register's abort failed", "sale", ref.SaleID, "service", ref.ServiceID, "err", err)
	}
}

// cancelOnce cancels the payment of a message if it runs, and notes the Abort that did it: one that found
// nothing to cancel has changed nothing.
func (s *Server) cancelOnce(ctx context.Context, till *Till, q *Request, ref MessageReference) error {
	paying, err := till.Records.Find(ctx, ref)
	if err != nil {
		return err
	}
	now, err := till.Engine.Status(ctx)
	if err != nil || now.Payment.ID != paying.ID || now.Payment.State.Terminal() {
		return err
	}
	rec, err := recordOf(q, q.Abort)
	if err != nil {
		return err
	}
	switch _, known, err := till.Records.Begin(ctx, rec); {
	case known, errors.Is(err, ErrForeignSale):
		return err
	case err != nil: // nothing is charged by cancelling: better twice than never
		s.log.Error("a register's abort could not be noted", "err", err)
	}
	_, err = till.Engine.Cancel(ctx, paying.ID, payment.ByRegister)
	return err
}
