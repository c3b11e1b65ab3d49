package register

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"smiletill/payment"
)

var (
	// ErrRejected says that the terminal could not read a message; the text says why.
	ErrRejected = errors.New("terminal rejected the message")
	// ErrNotSent says that no byte of a message left: the terminal can't have done anything.
	ErrNotSent = errors.New("nothing was sent")
)

// Client is a register: it sends messages to a terminal. Its methods may be called from any goroutine.
type Client struct {
	URL    string       // "https://till:8443/nexo"
	SaleID string       // the register's name
	POIID  string       // the terminal's
	Key    *Key         // seals messages; nil sends them plain
	HTTP   *http.Client // Pinned gives one
	// Raw, if it is set, is told each reply as it came, opened if it was sealed.
	Raw func(reply []byte)
}

// NewServiceID gives a ServiceID that no message has had lately: 10 letters and digits.
func NewServiceID() (string, error) {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	id := make([]byte, serviceIDMax)
	for i := range id {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", fmt.Errorf("choose a ServiceID: %w", err)
		}
		id[i] = letters[n.Int64()]
	}
	return string(id), nil
}

// Send sends a request and gives the reply; nil for Abort, which has none. It fills in the header but its
// ServiceID and MessageCategory. Errors are ErrNotSent, ErrRejected, or others, such as the connection's:
// then it is not known what became of the message, and TransactionStatus tells.
func (c *Client) Send(ctx context.Context, q Request) (*Reply, error) {
	q.Header = Header{ProtocolVersion: protocolVersion, MessageClass: classService, MessageType: typeRequest,
		MessageCategory: q.Header.MessageCategory, ServiceID: q.Header.ServiceID, SaleID: c.SaleID, POIID: c.POIID}
	body, err := json.Marshal(message{Request: &q})
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", q.Header.MessageCategory, err)
	}
	if c.Key != nil {
		sealed := Request{Header: q.Header}
		if sealed.NexoBlob, sealed.SecurityTrailer, err = c.Key.seal(body, rand.Reader); err == nil {
			body, err = json.Marshal(message{Request: &sealed})
		}
		if err != nil {
			return nil, fmt.Errorf("send %s: %w", q.Header.MessageCategory, err)
		}
	}
	var connected atomic.Bool // the handshake is over, too
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", q.Header.MessageCategory, err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(r)
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address once more
	}
	if err != nil && !connected.Load() {
		err = fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", q.Header.MessageCategory, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 8*BodyMax))
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", q.Header.MessageCategory, err)
	}
	if resp.StatusCode != http.StatusOK {
		err := fmt.Errorf("it answered %s: %.200s", resp.Status, bytes.TrimSpace(answer))
		if resp.StatusCode < http.StatusInternalServerError {
			err = fmt.Errorf("%w: %w", ErrRejected, err)
		}
		return nil, fmt.Errorf("send %s: %w", q.Header.MessageCategory, err)
	}
	switch {
	case len(answer) == 0 && q.Header.MessageCategory == CategoryAbort:
		return nil, nil
	case len(answer) == 0:
		return nil, fmt.Errorf("read the answer to %s: %w", q.Header.MessageCategory, io.ErrUnexpectedEOF)
	}
	return c.read(q.Header, answer)
}

// read takes the reply out of an answer.
func (c *Client) read(h Header, answer []byte) (*Reply, error) {
	var m message
	if err := json.Unmarshal(answer, &m); err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", h.MessageCategory, err)
	}
	if m.Request != nil && m.Request.Event != nil {
		c.raw(answer)
		return nil, payment.WithHint(
			fmt.Errorf("%w: %s", ErrRejected, Message(Response{AdditionalResponse: m.Request.Event.Details})),
			"compare address, key and POIID with the terminal's technician's page")
	}
	if m.Reply == nil {
		return nil, fmt.Errorf("read the answer to %s: %w", h.MessageCategory, ErrMessage)
	}
	if m.Reply.SecurityTrailer != nil {
		if c.Key == nil {
			return nil, fmt.Errorf("read the answer to %s: %w: it is sealed, and no key was given", h.MessageCategory,
				ErrSealed)
		}
		plain, err := c.Key.open(m.Reply.NexoBlob, *m.Reply.SecurityTrailer)
		if err != nil {
			return nil, fmt.Errorf("read the answer to %s: %w", h.MessageCategory, err)
		}
		answer = plain
		m = message{}
		if err := json.Unmarshal(plain, &m); err != nil || m.Reply == nil {
			return nil, fmt.Errorf("read the answer to %s: %w", h.MessageCategory, ErrMessage)
		}
	} else if c.Key != nil {
		return nil, fmt.Errorf("read the answer to %s: %w: it is not sealed", h.MessageCategory, ErrSealed)
	}
	got := m.Reply.Header
	if got.SaleID != h.SaleID || got.ServiceID != h.ServiceID || got.MessageCategory != h.MessageCategory {
		return nil, fmt.Errorf("read the answer to %s: %w: it answers another message", h.MessageCategory,
			ErrMessage)
	}
	c.raw(answer)
	return m.Reply, nil
}

func (c *Client) raw(reply []byte) {
	if c.Raw != nil {
		c.Raw(reply)
	}
}

// Pay asks for a payment and waits for its end; its amounts are in major units ("4.20"). transaction is the
// register's own name of it (a receipt's number).
func (c *Client) Pay(
	ctx context.Context, serviceID, transaction string, amounts AmountsReq, at time.Time,
) (*PaymentResponse, error) {
	sale, err := json.Marshal(SaleData{SaleTransactionID: TransactionID{transaction, stamp(at)}})
	if err != nil {
		return nil, fmt.Errorf("pay: %w", err)
	}
	p := &PaymentRequest{SaleData: sale}
	p.Transaction.Amounts = amounts
	return askFor(ctx, c, CategoryPayment, serviceID, Request{Payment: p},
		func(r *Reply) *PaymentResponse { return r.Payment })
}
