package register

import (
	"context"
	"errors"
	"sync"

	"smiletill/payment"
)

// refusedMax is how many refusals are remembered that could not be noted: of a register that sends four a
// second, for a quarter of an hour; some 2 MB.
const refusedMax = 4096

// refused remembers the messages that would have moved money, were refused, and could not be noted: the
// records were closed, or their disk did not write. Sent again, they must begin nothing. They are forgotten
// with the process, and the oldest when there are too many.
type refused struct {
	mu    sync.Mutex
	known map[refusedKey]Record
	order []refusedKey // the oldest first
}

// refusedKey names a message. What is refused to one key is no other's: a SaleID may be another register's.
type refusedKey struct {
	key           string
	sale, service string
	category      Category
}

// keep remembers the answer to a message.
func (m *refused) keep(key string, h Header, r Response) {
	k := refusedKey{key, h.SaleID, h.ServiceID, h.MessageCategory}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[k]; known {
		return
	}
	if len(m.order) >= refusedMax {
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
	if m.known == nil {
		m.known = map[refusedKey]Record{}
	}
	m.known[k] = Record{Header: refusedHeader(h), Refused: &r}
	m.order = append(m.order, k)
}

// find gives what a key was refused under the names of a reference, whose category may be missing.
func (m *refused) find(key string, ref MessageReference) (Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range []Category{CategoryPayment, CategoryReversal} {
		rec, ok := m.known[refusedKey{key, ref.SaleID, ref.ServiceID, c}]
		if ok && (ref.MessageCategory == "" || ref.MessageCategory == c) {
			return rec, true
		}
	}
	return Record{}, false
}

// refusedHeader is what is kept of a refused message's: nobody reads more than which message it was.
func refusedHeader(h Header) Header {
	return Header{ProtocolVersion: protocolVersion, MessageClass: h.MessageClass, MessageType: h.MessageType,
		MessageCategory: h.MessageCategory, SaleID: h.SaleID, ServiceID: h.ServiceID, POIID: h.POIID}
}

// unheard is a refusal to a message that can't be noted, and is remembered.
func (s *Server) unheard(q *Request, r Response) Response {
	s.refused.keep(q.from.key, q.Header, r)
	return r
}

// loggedOut refuses a message that would move money to a register that has logged out; nil: it hasn't.
func loggedOut(session Session) *Response {
	if session != LoggedOff {
		return nil
	}
	r := failure(LoggedOut, "this register has logged out: send Login first")
	return &r
}

// noteRefused notes the refusal of a message that is claimed, or remembers it: sent again by a register or
// by somebody who recorded it, it must begin nothing, whatever is different by then. A message of which
// something came is noted without: the journal tells its end.
func (s *Server) noteRefused(ctx context.Context, till *Till, rec Record, r Response) *Response {
	err := cameOf(ctx, till, rec)
	switch {
	case err == nil: // the records had lost it
		_, _, err = till.Records.Begin(ctx, rec)
	case errors.Is(err, payment.ErrNotFound):
		err = s.writeRefused(ctx, till, rec, r)
	}
	if err != nil {
		s.log.Error("a refusal could not be noted", "err", err)
		s.refused.keep(rec.Key, rec.Header, r)
	}
	return &r
}

// writeRefused writes the refusal of a message of which nothing came.
func (s *Server) writeRefused(ctx context.Context, till *Till, rec Record, r Response) error {
	rec.Refused = &r
	before, known, err := till.Records.Begin(ctx, rec)
	if err == nil && known && before.Refused == nil && nothingCameOf(ctx, till, before) {
		err = till.Records.Refuse(ctx, rec.Header, r)
	}
	return err
}

// neverOpened notes that a message whose payment was not opened was refused: it must not be opened when the
// message comes again, after a restart neither. One that comes again this moment is left to itself.
func (s *Server) neverOpened(ctx context.Context, till *Till, rec Record, r Response) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	done, ok := s.claim(rec.Header)
	if !ok {
		s.refused.keep(rec.Key, rec.Header, r)
		return
	}
	defer done()
	s.noteRefused(ctx, till, rec, r)
}

// nothingCameOf reports a message that was noted, and of which the journal knows nothing: the terminal was
// killed between the two.
func nothingCameOf(ctx context.Context, till *Till, rec Record) bool {
	return errors.Is(cameOf(ctx, till, rec), payment.ErrNotFound)
}

// cameOf is nil if the journal knows a payment or a reversal of the message, payment.ErrNotFound if it
// doesn't.
func cameOf(ctx context.Context, till *Till, rec Record) error {
	var err error
	if rec.Header.MessageCategory == CategoryReversal {
		_, err = till.Journal.FindReversal(ctx, rec.ID)
	} else {
		_, err = till.Journal.Find(ctx, rec.ID)
	}
	return err
}

// refusedBefore refuses a message that was refused before, and could not be noted then.
func (s *Server) refusedBefore(rec Record) *Response {
	if _, ok := s.refused.find(rec.Key, referTo(rec)); !ok {
		return nil
	}
	r := usedOnce(rec.Header)
	return &r
}

// usedOnce is the answer to a message that comes again.
func usedOnce(h Header) Response {
	return failure(NotAllowed, "this SaleID and ServiceID were used before: ask for the result with "+
		"TransactionStatus, or take a new ServiceID", "serviceId", h.ServiceID)
}
