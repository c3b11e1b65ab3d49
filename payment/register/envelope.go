package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"smiletill/payment"
)

// ErrMessage marks what is no message of the protocol. Its text goes back to the register.
var ErrMessage = errors.New("input is no message of the protocol")

const (
	// BodyMax is the largest body in bytes: a sealed Payment with a long list of items takes some 30 KiB.
	BodyMax = 128 << 10
	// depthMax is how deep a message may be nested; those of the protocol are 8 deep.
	depthMax = 32

	// Characters are Unicode's code points, here and in payment.CheckText.
	serviceIDMax = 10 // of the protocol
	saleIDMax    = 100
)

// parse reads a body. An error is ErrMessage. The request that comes with it, if any, has the header and the
// rest as far as they could be read; none means that nobody can tell what was asked.
func parse(body []byte) (*Request, error) {
	body = bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")) // some write a byte order mark before UTF-8
	if err := checkJSON(body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, payment.WithHint(fmt.Errorf("%w: it is no object", ErrMessage), sendRequest)
	}
	for key, raw := range m {
		if strings.EqualFold(key, "SaleToPOIRequest") && raw[0] == '{' {
			q, f := &Request{}, fields{}
			f.read("", raw, reflect.ValueOf(q).Elem())
			return q, f.wrong
		}
	}
	return nil, payment.WithHint(fmt.Errorf("%w: there is no SaleToPOIRequest in it", ErrMessage), sendRequest)
}

const sendRequest = `send {"SaleToPOIRequest": {"MessageHeader": {...}, ...}}`

// checkJSON refuses what two readers could understand differently (a key that comes twice, in whatever case,
// or bytes that are no UTF-8) and what is nested too deep. encoding/json takes either.
func checkJSON(body []byte) error {
	if err := checkEncoding(body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		keys map[string]bool // of an object
		key  bool            // the next token is a key
	}
	var stack []level
	tokens := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(stack) == 0 {
			return nil
		}
		if err != nil {
			return notJSON(body, d.InputOffset(), err)
		}
		top := len(stack) - 1
		if tokens++; top < 0 && tokens > 1 {
			return notJSON(body, d.InputOffset()-1, nil)
		}
		if top >= 0 && stack[top].keys != nil && stack[top].key {
			if name, ok := token.(string); ok {
				folded := strings.ToLower(strings.ToUpper(name)) // as encoding/json folds: the long s is an S
				if stack[top].keys[folded] {
					return fmt.Errorf("the key %q comes twice", shorten(name))
				}
				stack[top].keys[folded], stack[top].key = true, false
				continue
			}
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if len(stack) == depthMax {
				return fmt.Errorf("it is nested deeper than %d", depthMax)
			}
			if top >= 0 {
				stack[top].key = true
			}
			next := level{}
			if token == json.Delim('{') {
				next = level{keys: map[string]bool{}, key: true}
			}
			stack = append(stack, next)
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		default:
			if top >= 0 {
				stack[top].key = true
			}
		}
	}
}

// checkEncoding reports bytes that are no UTF-8, and what they look like.
func checkEncoding(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("it is empty")
	case bytes.HasPrefix(body, []byte{0x1F, 0x8B}):
		return payment.WithHint(errors.New("it is compressed"), "send it as it is, without gzip")
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}), bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		return payment.WithHint(errors.New("it is UTF-16"), "send UTF-8")
	}
	for at := 0; at < len(body); {
		c, size := utf8.DecodeRune(body[at:])
		if c == utf8.RuneError && size == 1 {
			return payment.WithHint(fmt.Errorf("it is not UTF-8: byte %d is %02X", at+1, body[at]), "send UTF-8")
		}
		at += size
	}
	return nil
}

// notJSON says where JSON ends: near is how far it was read before err.
func notJSON(body []byte, near int64, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset > near && syntax.Offset <= int64(len(body)) {
		near = syntax.Offset - 1
	}
	rest := bytes.TrimLeft(body[near:], " \t\r\n")
	if len(rest) == 0 || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is not JSON: it ends before its last bracket")
	}
	return fmt.Errorf("it is not JSON from byte %d on: %s", len(body)-len(rest)+1, shorten(string(rest)))
}

// check reports a header that is not one of a request to a terminal. Errors are ErrMessage.
func (h Header) check() error {
	const at = "MessageHeader."
	must := func(field, is, want string) error {
		return &fieldError{path: at + field, what: quoted(is), send: "send " + want}
	}
	switch {
	case h.MessageClass != classService:
		return must("MessageClass", h.MessageClass, classService)
	case h.MessageType != typeRequest:
		return must("MessageType", h.MessageType, typeRequest)
	case h.ProtocolVersion != "" && !strings.HasPrefix(h.ProtocolVersion, "3."):
		return must("ProtocolVersion", h.ProtocolVersion, protocolVersion)
	case h.SaleID == "":
		return must("SaleID", "", "the register's name")
	case h.ServiceID == "":
		return must("ServiceID", "", "1 to 10 characters, others for each message")
	case h.POIID == "":
		return must("POIID", "", "this terminal's name, which its technician's page shows")
	}
	if err := payment.CheckText(h.SaleID, saleIDMax); err != nil {
		return wrongField(at+"SaleID", err)
	}
	if err := payment.CheckText(h.ServiceID, serviceIDMax); err != nil {
		return wrongField(at+"ServiceID", err)
	}
	return nil
}

// quoted says what a text is that is not what it should be.
func quoted(text string) string {
	if text == "" {
		return "it is missing"
	}
	return strconv.Quote(shorten(text)) + " is not taken"
}

// response is the header of the answer to a request, which may have had faults.
func (h Header) response(poiID string) Header {
	h.MessageClass, h.MessageType = classService, typeResponse
	if !strings.HasPrefix(h.ProtocolVersion, "3.") {
		h.ProtocolVersion = protocolVersion
	}
	if h.POIID == "" {
		h.POIID = poiID
	}
	return h
}
