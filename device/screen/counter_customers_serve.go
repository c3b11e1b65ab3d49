package screen

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// routeCustomers adds what the counter's page does with customers.
func (s *Server) routeCustomers(mux *http.ServeMux) {
	mux.HandleFunc("GET /counter/customers", s.counterRead(s.customers))
	mux.HandleFunc("GET /counter/extract", s.counterRead(s.extract))
	mux.HandleFunc("POST /counter/customers/pin", counterWrite(s, s.customerPIN))
	mux.HandleFunc("POST /counter/customers/block", counterWrite(s, s.blockCustomer))
	mux.HandleFunc("GET /counter/consent", s.counterRead(s.consent))
	mux.HandleFunc("POST /counter/enrol", counterWrite(s, s.enrol))
	mux.HandleFunc("POST /counter/enrolment", counterWrite(s, s.enrolment))
	mux.HandleFunc("POST /counter/vouch", counterWrite(s, s.vouch))
	mux.HandleFunc("POST /counter/customers/forget", counterWrite(s, s.forgetCustomer))
}

func (s *Server) customers(ctx context.Context, _ *http.Request) (any, error) {
	all, err := s.opt.Counter.Customers(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b CounterCustomer) int {
		if (a.Name == "") != (b.Name == "") { // what has no name comes last
			return strings.Compare(b.Name, a.Name)
		}
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			strings.Compare(a.ID, b.ID))
	})
	if all == nil {
		all = []CounterCustomer{}
	}
	return map[string]any{"customers": all}, nil
}

// customerEntry is what the page sends to do something to a customer.
type customerEntry struct {
	ID   string `json:"id"`
	PIN  string `json:"pin,omitempty"`  // of the PIN
	Lang string `json:"lang,omitempty"` // of what is printed
}

func (s *Server) customerPIN(ctx context.Context, q customerEntry) (any, error) {
	if len(q.PIN) > pinMax || strings.Trim(q.PIN, "0123456789") != "" {
		return nil, &CounterError{Why: RefusedPIN, What: "not 4 to 12 digits"}
	}
	return nothing{}, s.opt.Counter.SetCustomerPIN(ctx, q.ID, q.PIN)
}

func (s *Server) blockCustomer(ctx context.Context, q struct {
	ID      string `json:"id"`
	Blocked bool   `json:"blocked"`
	Why     string `json:"why"`
}) (any, error) {
	return nothing{}, s.opt.Counter.BlockCustomer(ctx, q.ID, q.Blocked, q.Why)
}

// erasedMessage is a receipt as the page shows and prints it, and the signed one as a file.
type erasedMessage struct {
	Title string          `json:"title"`
	Rows  [][]string      `json:"rows"` // name and value
	Note  string          `json:"note"`
	Name  string          `json:"name"` // of the file
	File  json.RawMessage `json:"file"`
}

func (s *Server) forgetCustomer(ctx context.Context, q customerEntry) (any, error) {
	e, err := s.opt.Counter.ForgetCustomer(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	v, _ := s.current()
	m := s.words[s.words.pick(q.Lang, "", "")]
	at := e.At.Local()
	var rows [][]string
	row := func(key, value string) { rows = append(rows, []string{m[key], value}) }
	if v.Merchant != "" {
		row("counter.receipt.shop", v.Merchant)
	}
	if v.Terminal != "" {
		row("counter.receipt.terminal", v.Terminal)
	}
	row("counter.receipt.date", at.Format(m["counter.receipt.date_form"]))
	row("counter.receipt.time", at.Format("15:04:05"))
	row("counter.erased.customer", e.Customer)
	row("counter.erased.face",
		strings.Replace(m["counter.erased.templates"], "{n}", strconv.Itoa(e.Templates), 1))
	row("counter.erased.name", m["counter.erased.gone"])
	for _, part := range []struct {
		key string
		was bool
	}{{"smile", e.Smile}, {"consent", e.Consent}, {"pin", e.PIN}, {"digits", e.Digits}} {
		if part.was {
			row("counter.erased."+part.key, m["counter.erased.gone"])
		}
	}
	row("counter.erased.payments", strconv.Itoa(e.Payments))
	if e.Unreported > 0 {
		row("counter.erased.unreported", strconv.Itoa(e.Unreported))
	}
	return erasedMessage{Title: m["counter.erased.title"], Rows: rows, Note: m["counter.erased.note"],
		Name: m["counter.erased.file"] + "_" + at.Format("2006-01-02_150405") + ".json", File: e.Receipt}, nil
}

func (s *Server) extract(ctx context.Context, r *http.Request) (any, error) {
	id := r.URL.Query().Get("id")
	text, err := s.opt.Counter.ExtractOf(ctx, id)
	if err != nil {
		return nil, err
	}
	v, _ := s.current()
	name := s.words[s.language(r, v)]["counter.extract_name"] + "_" + id + ".json"
	return file{name, "application/json", text}, nil
}
