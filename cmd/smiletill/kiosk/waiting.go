package kiosk

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"time"
)

//go:embed waiting.html
var waitingHTML string

// patience is how long a terminal may take to start before the waiting page says that something is wrong: the
// check of a large journal on a slow card, and of the models, take less.
const patience = 3 * time.Minute

// waiting is the page that is shown until the terminal's own answers.
type waiting struct {
	page  string
	of    *follower
	now   func() time.Time
	since time.Time
	html  *template.Template
}

func newWaiting(page string, of *follower, now func() time.Time) http.Handler {
	w := &waiting{page: page, of: of, now: now, since: now(),
		html: template.Must(template.New("").Parse(waitingHTML))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.serve)
	mux.HandleFunc("GET /there", w.there)
	return mux
}

func (w *waiting) serve(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	_ = w.html.Execute(rw, map[string]string{"Ground": ground, "Page": w.page}) // whoever went away asks again
}

// there tells whether the terminal's page answers; else for how many seconds it has not, and whether that is
// too long.
func (w *waiting) there(rw http.ResponseWriter, _ *http.Request) {
	waited := w.now().Sub(w.since)
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(rw).Encode(map[string]any{"there": w.of.state().Linked,
		"seconds": int(waited / time.Second), "late": waited >= patience})
}
