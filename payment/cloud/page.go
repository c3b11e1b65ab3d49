package cloud

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html page.css page.js
var pageFiles embed.FS

// pageEvents is how many events the page shows, the newest first.
const pageEvents = 100

// shown is one event as the page tells it.
type shown struct {
	Received, Source, Kind, Payment, Amount, Customer, Time string
	Models                                                  string // that decided, and their manifest
	Seq                                                     int64
}

// pageAudits is how many changes of who may pay the page shows, the newest first.
const pageAudits = 20

// audited is one event about a terminal as the page tells it.
type audited struct {
	Received, Source, What, Whom, By, How string
	Seq                                   int64
}

// Page serves what came in: GET / for people, GET /events.json for programs, and GET /changes, which says
// when the page is to be renewed. It shows amounts and pseudonyms, so it answers programs of this machine
// alone, whatever it listens on, and only to the names of loopback addresses: a page of another site can't
// read it through a name of its own.
func (r *Receiver) Page() http.Handler {
	page := template.Must(template.ParseFS(pageFiles, "page.html"))
	mux := http.NewServeMux()
	for _, name := range []string{"page.css", "page.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, q *http.Request) {
			http.ServeFileFS(w, q, pageFiles, name)
		})
	}
	mux.HandleFunc("GET /changes", r.changes)
	mux.HandleFunc("POST /claim", r.claim)
	mux.HandleFunc("POST /revoke", r.revoke)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, q *http.Request) {
		view, err := r.view(q)
		var b bytes.Buffer
		if err == nil {
			err = page.Execute(&b, view)
		}
		if err != nil {
			r.o.Log.Error("page", "err", err)
			http.Error(w, "the page could not be made; the log says why", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // a reader that has gone needs no answer
	})
	mux.HandleFunc("GET /events.json", func(w http.ResponseWriter, q *http.Request) {
		skip, _ := strconv.Atoi(q.URL.Query().Get("after"))
		events, err := r.store.list(q.Context(), max(skip, 0), 1000)
		if err != nil {
			http.Error(w, "the events can't be read; the log says why", http.StatusInternalServerError)
			return
		}
		raw := make([]json.RawMessage, len(events))
		for i, e := range events {
			raw[i] = e.Payload
		}
		w.Header().Set("Content-Type", "application/cloudevents-batch+json")
		_ = json.NewEncoder(w).Encode(raw) // as above
	})
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !local(q.Host) || !local(q.RemoteAddr) {
			http.Error(w, "this page shows amounts and pseudonyms, and answers on its own machine alone, by a "+
				"loopback address. From elsewhere: ssh -L 8090:127.0.0.1:8090 MACHINE, then http://127.0.0.1:8090/",
				http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "+
			"require-trusted-types-for 'script'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, q)
	})
}

func local(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func (r *Receiver) view(q *http.Request) (map[string]any, error) {
	ctx := q.Context()
	count, err := r.store.count(ctx)
	if err != nil {
		return nil, err
	}
	terminals, err := r.Terminals(ctx)
	if err != nil {
		return nil, err
	}
	alarms, err := r.Alarms(ctx, 20)
	if err != nil {
		return nil, err
	}
	newest, err := r.store.newest(ctx, pageEvents)
	if err != nil {
		return nil, err
	}
	changes, err := r.Audits(ctx, pageAudits)
	if err != nil {
		return nil, err
	}
	audits := make([]audited, len(changes))
	for i, e := range changes {
		audits[i] = e.audited()
	}
	events := make([]shown, len(newest))
	for i, e := range newest {
		events[i] = e.shown(r.o.Money)
	}
	claims, err := r.claims(q)
	if err != nil {
		return nil, err
	}
	warning := ""
	if e := r.o.Files.Ending(time.Now()); e != nil {
		warning = e.What + ": " + e.Advice
	}
	return map[string]any{
		"Count": count, "Terminals": terminals, "Alarms": alarms, "Events": events, "Audits": audits,
		"Warning": warning, "Claims": claims, "Waiting": r.waiting(), "Claiming": r.o.Waiting != nil,
	}, nil
}

// shown reads the few members that a person looks for.
func (e Event) shown(money func(int64, string) string) shown {
	var d struct {
		Minor    int64  `json:"amount_minor"`
		Currency string `json:"currency"`
		Customer string `json:"customer"`
		Kind     string `json:"kind"`
		By       person
		Models   map[string]string
	}
	s := shown{Source: e.Source, Payment: e.PaymentID, Seq: e.Seq, Kind: e.Type,
		Received: e.Received.Local().Format(time.DateTime)}
	if !e.Time.IsZero() {
		s.Time = e.Time.Local().Format(time.DateTime)
	}
	if json.Unmarshal(e.Data, &d) == nil {
		s.Amount, s.Customer = money(d.Minor, d.Currency), d.Customer
		if d.Kind != "" {
			s.Kind = d.Kind
		}
		if by := d.By.words(); by != "" {
			s.Kind += " by " + by
		}
		for _, task := range slices.Sorted(maps.Keys(d.Models)) {
			s.Models += fmt.Sprintf("%s %.8s ", task, d.Models[task])
		}
	}
	return s
}

// audited reads what a person looks for. What a newer terminal says beyond it, the event has.
func (e Event) audited() audited {
	var d struct {
		Audit                       string
		Offline, Unmatched, Carried bool
		Keys, Consent, Why          string
		By, Second                  person
		OtherFace                   bool `json:"other_face"`

		Version int `json:"key_version"`
	}
	a := audited{Source: e.Source, What: e.Type, Whom: e.PaymentID, Seq: e.Seq,
		Received: e.Received.Local().Format(time.DateTime)}
	if json.Unmarshal(e.Data, &d) != nil || d.Audit == "" {
		return a
	}
	a.What = strings.ReplaceAll(d.Audit, "_", " ")
	var how []string
	if d.Version > 0 {
		how = append(how, fmt.Sprintf("key version %d", d.Version))
	}
	if d.Unmatched {
		how = append(how, "the new face was not compared with the old one")
	}
	if d.Carried {
		how = append(how, "another model; by the one before the face is the same")
	}
	if d.OtherFace {
		how = append(how, "another face; "+d.Second.words()+" stood by it")
	}
	if d.Why != "" {
		how = append(how, d.Why)
	}
	if d.Keys != "" {
		how = append(how, d.Keys)
	}
	if d.Consent != "" {
		how = append(how, "agreed to "+d.Consent)
	}
	if d.Offline {
		how = append(how, "not by the running terminal")
	}
	a.How, a.By = strings.Join(how, "; "), d.By.words()
	return a
}

// person is who did something, as a fact says it.
type person struct{ Role, Name, Door string }

func (p person) words() string {
	text := strings.TrimSpace(p.Role + " " + p.Name)
	if p.Door != "" {
		text += " (" + p.Door + ")"
	}
	return text
}
