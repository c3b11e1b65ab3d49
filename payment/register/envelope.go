package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrMessage marks what is no message of the protocol. Its text goes back to the register.
var ErrMessage = errors.New("input is no message of the protocol")

const (
	// BodyMax is the largest body in bytes: a sealed Payment with a long list of items takes some 30 KiB.
	BodyMax = 128 << 10
	// depthMax is how deep a message may be nested; those of the protocol are 8 deep.
	depthMax = 32

	serviceIDMax = 10  // characters, of the protocol
	saleIDMax    = 100 // bytes
)

// parse reads a body. Errors are ErrMessage.
func parse(body []byte) (*Request, error) {
	if err := checkJSON(body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrMessage, strings.TrimPrefix(err.Error(), "json: "))
	}
	if m.Request == nil {
		return nil, fmt.Errorf("%w: there is no SaleToPOIRequest in it", ErrMessage)
	}
	return m.Request, nil
}

// checkJSON refuses what two readers could understand differently (a key that comes twice, in whatever case,
// or bytes that are no UTF-8) and what is nested too deep. encoding/json takes either.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	type level struct {
		keys map[string]bool // of an object
		key  bool            // the next token is a key
	}
	var stack []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(stack) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is not JSON: %w", err)
		}
		top := len(stack) - 1
		if top >= 0 && stack[top].keys != nil && stack[top].key {
			if name, ok := token.(string); ok {
				name = strings.ToLower(strings.ToUpper(name)) // as encoding/json folds: the long s is an S
				if stack[top].keys[name] {
					return fmt.Errorf("the key %.40q comes twice", name)
				}
				stack[top].keys[name], stack[top].key = true, false
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

// check reports a header that is not one of a request to a terminal. Errors are ErrMessage.
func (h Header) check() error {
	switch {
	case h.MessageClass != classService:
		return fmt.Errorf("%w: MessageClass must be Service", ErrMessage)
	case h.MessageType != typeRequest:
		return fmt.Errorf("%w: MessageType must be Request", ErrMessage)
	case h.ProtocolVersion != "" && !strings.HasPrefix(h.ProtocolVersion, "3."):
		return fmt.Errorf("%w: ProtocolVersion must be 3.0", ErrMessage)
	case h.SaleID == "" || len(h.SaleID) > saleIDMax || !printable(h.SaleID):
		return fmt.Errorf("%w: SaleID must be 1 to %d printable characters", ErrMessage, saleIDMax)
	case h.ServiceID == "" || utf8.RuneCountInString(h.ServiceID) > serviceIDMax || !printable(h.ServiceID):
		return fmt.Errorf("%w: ServiceID must be 1 to %d printable characters", ErrMessage, serviceIDMax)
	case h.POIID == "":
		return fmt.Errorf("%w: POIID is missing", ErrMessage)
	}
	return nil
}

// response is the header of the answer to a request.
func (h Header) response() Header {
	h.MessageType = typeResponse
	if h.ProtocolVersion == "" {
		h.ProtocolVersion = protocolVersion
	}
	return h
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
}
