package screen

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// counterFound bounds what a search gives: more nobody reads, and a further word narrows it down.
	counterFound = 50
	// counterTextMax bounds what is searched for, in bytes.
	counterTextMax = 100
)

// routeShop adds what the counter's page has besides the till.
func (s *Server) routeShop(mux *http.ServeMux) {
	mux.HandleFunc("GET /counter/day", s.counterRead(s.day))
	mux.HandleFunc("POST /counter/close", counterWrite(s, s.closeDay))
	mux.HandleFunc("GET /counter/search", s.counterRead(s.search))
	mux.HandleFunc("GET /counter/receipt", s.counterRead(s.receipt))
	mux.HandleFunc("GET /counter/table", s.counterRead(s.table))
}

type closingMessage struct {
	Number   int64        `json:"number"`
	At       string       `json:"at"` // RFC 3339
	AtUnsure bool         `json:"at_unsure,omitempty"`
	By       string       `json:"by,omitempty"`
	Sums     []CounterSum `json:"sums"`
}

func closing(c CounterClosing) closingMessage {
	return closingMessage{c.Number, c.At.UTC().Format(time.RFC3339), c.AtUnsure, c.By, c.Sums}
}

func (s *Server) day(ctx context.Context, _ *http.Request) (any, error) {
	d, err := s.opt.Counter.Day(ctx)
	if err != nil {
		return nil, err
	}
	closings := make([]closingMessage, 0, len(d.Closings))
	for _, c := range d.Closings {
		closings = append(closings, closing(c))
	}
	return map[string]any{"today": d.Today, "sums": d.Sums, "open": d.Open, "closings": closings}, nil
}

func (s *Server) closeDay(ctx context.Context, q struct {
	ID string `json:"id"`
}) (any, error) {
	c, err := s.opt.Counter.CloseDay(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	return closing(c), nil
}

func (s *Server) search(ctx context.Context, r *http.Request) (any, error) {
	text := r.URL.Query().Get("text")
	if len(text) > counterTextMax {
		text = strings.ToValidUTF8(text[:counterTextMax], "")
	}
	found, all, err := s.opt.Counter.Search(ctx, text, counterFound)
	if err != nil {
		return nil, err
	}
	payments := make([]*paymentMessage, 0, len(found))
	for _, p := range found {
		payments = append(payments, s.payment(p))
	}
	return map[string]any{"payments": payments, "all": all}, nil
}

// receiptMessage is a receipt as the page shows and prints it, and as a code that a phone reads: the same
// words, and no link, so that nobody needs to be asked for it again.
type receiptMessage struct {
	Title string     `json:"title"`
	Rows  [][]string `json:"rows"` // name and value
	Note  string     `json:"note"`
	Code  []string   `json:"code,omitempty"` // rows of 0 and 1
}

func (s *Server) receipt(ctx context.Context, r *http.Request) (any, error) {
	p, err := s.opt.Counter.Payment(ctx, r.URL.Query().Get("id"))
	if err != nil {
		return nil, err
	}
	v, _ := s.current()
	m := s.words[s.language(r, v)]
	row := func(key, value string) []string { return []string{m["counter.receipt."+key], value} }
	at := p.At.Local()
	rows := [][]string{}
	if v.Merchant != "" {
		rows = append(rows, row("shop", v.Merchant))
	}
	if v.Terminal != "" {
		rows = append(rows, row("terminal", v.Terminal))
	}
	rows = append(rows, row("date", at.Format(m["counter.receipt.date_form"])),
		row("time", at.Format("15:04:05")), row("payment", p.ID))
	if p.Reference != "" {
		rows = append(rows, row("reference", p.Reference))
	}
	rows = append(rows, row("amount", localAmount(p.Amount, m)+" "+p.Currency),
		row("state", m["state."+string(p.State)]))
	if p.Returned != "" {
		rows = append(rows, row("returned", localAmount(p.Returned, m)+" "+p.Currency))
	}
	if p.AtUnsure {
		rows = append(rows, row("clock", m["counter.clock"]))
	}
	answer := receiptMessage{Title: m["counter.receipt.title"], Rows: rows, Note: m["counter.receipt.note"]}
	answer.Code = codeRows(receiptText(answer))
	return answer, nil
}

// localAmount is a decimal string with the language's own sign.
func localAmount(amount string, m map[string]string) string {
	return strings.Replace(amount, ".", m["counter.receipt.point"], 1)
}

func receiptText(r receiptMessage) string {
	var b strings.Builder
	b.WriteString(r.Title + "\n")
	for _, row := range r.Rows {
		b.WriteString(row[0] + ": " + row[1] + "\n")
	}
	b.WriteString(r.Note)
	return b.String()
}

// codeRows is a text as a code's rows, nil if it is too long for one.
func codeRows(text string) []string {
	var rows []string
	for _, line := range CodeOf(text) {
		var b strings.Builder
		for _, black := range line {
			if black {
				b.WriteByte('1')
			} else {
				b.WriteByte('0')
			}
		}
		rows = append(rows, b.String())
	}
	return rows
}

// file is an answer that a browser keeps.
type file struct {
	name, kind string
	data       []byte
}

func (s *Server) table(ctx context.Context, r *http.Request) (any, error) {
	v, _ := s.current()
	q, lang := r.URL.Query(), s.language(r, v)
	from, to := q.Get("from"), q.Get("to")
	for _, day := range []string{from, to} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return nil, &CounterError{Why: RefusedDays, What: day + " is no day"}
		}
	}
	if from != "" && to != "" && from > to {
		return nil, &CounterError{Why: RefusedDays, What: "no day is from " + from + " and to " + to}
	}
	var b bytes.Buffer
	if err := s.opt.Counter.Table(ctx, &b, from, to, lang); err != nil {
		return nil, err
	}
	name := strings.Trim(s.words[lang]["counter.table_name"]+"_"+from+"_"+to, "_") + ".csv"
	return file{name, "text/csv; charset=utf-8", b.Bytes()}, nil
}

// give writes what a read gave: JSON, or a file.
func give(w http.ResponseWriter, v any) {
	f, ok := v.(file)
	if !ok {
		reply(w, http.StatusOK, v)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(f.name))
	_, _ = w.Write(f.data) // a reader that has gone needs no answer
}
