package screen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// defaultClients is enough for the terminal's own display and a few technicians; each stream holds a
// goroutine and a connection, so there has to be some limit.
const defaultClients = 8

// Options of a Server. The zero value serves this machine only.
type Options struct {
	Hosts       []string  // host names (no ports) that browsers may use, besides the loopback names
	AllowRemote bool      // listen on other than loopback addresses, and be addressed by IP address
	Keypad      Keypad    // takes the PIN; nil: none can be entered
	Lights      Lights    // hears what became of a Light; nil: none is played
	Forget      Forgetter // erases who wants it; nil: nobody here
	// ForgetFor is how long the page waits for a touch of somebody who reads what is stored or wants to be
	// forgotten; 0: a minute.
	ForgetFor  time.Duration
	Contact    string       // whom to ask about what is stored; "": the staff
	Metrics    http.Handler // numbers for programs of this machine, at /metrics; nil: none
	Counter    Counter      // takes and gives back payments, behind the clerk's PIN; nil: there is no such page
	MaxClients int          // event streams at a time, 0: 8; this machine's own are not put out for another's
	Log        *slog.Logger // nil discards
}

// Server serves the customer's page and the technician's. It is an http.Handler, safe for concurrent use.
type Server struct {
	opt      Options
	log      *slog.Logger
	words    catalogues
	pages    *template.Template
	version  string // of the embedded files: a page of another version reloads itself
	hosts    map[string]bool
	handler  http.Handler
	heart    time.Duration // between heartbeats
	lost     time.Duration // a page's time without a heartbeat
	patience time.Duration // a browser's time to take one event

	sessions  sessions  // of the counter's page
	followers followers // which payments its pages show

	mu       sync.Mutex
	view     View
	seq      uint64 // of view, from 1: 0 is before the first
	lights   lights // of the last Light
	clients  map[*client]struct{}
	displays map[chan struct{}]struct{} // programs that look after the display, to be woken
	status   Status
	statusAt time.Time
	statuses []chan struct{} // streams of technician's pages, the longest first; closed to end one
	grumbled map[string]bool // complaints already logged
}

// New makes a Server that shows "starting" until its first View.
func New(o Options) (*Server, error) {
	words, err := loadCatalogues()
	if err != nil {
		return nil, fmt.Errorf("make screen: %w", err)
	}
	pages, err := template.New("").Option("missingkey=error").ParseFS(page, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("make screen: %w", err)
	}
	version, err := digest(page)
	if err != nil {
		return nil, fmt.Errorf("make screen: %w", err)
	}
	if o.ForgetFor <= 0 {
		o.ForgetFor = time.Minute
	}
	if o.MaxClients <= 0 {
		o.MaxClients = defaultClients
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		opt: o, log: o.Log, words: words, pages: pages, version: version, hosts: hostNames(o.Hosts),
		heart: heartbeat, lost: lostAfter, patience: writePatience,
		clients: map[*client]struct{}{}, displays: map[chan struct{}]struct{}{}, grumbled: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveCustomer)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.HandleFunc("GET /status/events", s.serveStatusEvents)
	mux.HandleFunc("GET /events", s.serveEvents)
	mux.HandleFunc("GET /display", s.serveDisplay)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	s.routeForget(mux)
	mux.HandleFunc("POST /pin", s.keypad(s.enterPIN))
	mux.HandleFunc("POST /cancel", s.keypad(s.cancelPIN))
	mux.HandleFunc("POST /light", s.serveLight)
	s.routeCounter(mux)
	s.routeAssets(mux)
	s.handler = s.guard(mux)
	return s, nil
}

func (s *Server) routeAssets(mux *http.ServeMux) {
	for _, name := range []string{"app.css", "app.js", "money.js", "keypad.css", "keypad.js", "light.css",
		"light.js", "icon.svg", "status.css", "status.js", "counter.css", "counter.js", "counter_list.js",
		"counter_shop.css", "counter_shop.js", "counter_paper.js", "counter_print.css",
		"counter_customers.css", "counter_customers.js", "forget.css", "forget.js", "counter_clerks.css",
		"counter_clerks.js", "counter_enrol.js"} {
		mux.HandleFunc("GET /"+name, s.serveAsset(name))
	}
}

// digest is a short hash of all files, in the order of their names.
func digest(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n", path, len(raw))
		h.Write(raw)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// Show makes v what every browser shows, as soon as it can. It never blocks, keeps no reference to
// v.Lamps or v.Light, and does nothing if v is what is shown already. Whatever in v is unknown (a key
// without a message, a progress outside 0..1) or must not be shown (a Light that flashes) is left out and
// logged once; an unknown State is shown as OutOfOrder.
func (s *Server) Show(v View) {
	v, complaint := v.checked(s.words)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grumble(complaint)
	if s.seq > 0 && s.view.same(v) {
		return
	}
	v.Lamps, v.Light = maps.Clone(v.Lamps), v.Light.clone()
	s.grumble(s.lights.follow(s.view, &v, s.seq+1))
	s.view = v
	s.seq++
	s.wake()
}

// grumble logs once what of a View is left out, "" for nothing. The caller holds mu.
func (s *Server) grumble(complaint string) {
	if complaint != "" && !s.grumbled[complaint] && len(s.grumbled) < 64 {
		s.grumbled[complaint] = true
		s.log.Warn("screen: something of a view is left out", "what", complaint)
	}
}

// wake has every stream look at what is shown. The caller holds mu.
func (s *Server) wake() {
	for c := range s.clients {
		select {
		case c.wake <- struct{}{}:
		default: // it has yet to look; it will see the newest
		}
	}
	s.wakeDisplays()
}

// current returns what is shown, and its number.
func (s *Server) current() (View, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view, s.seq
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// language of the reader of r.
func (s *Server) language(r *http.Request, v View) string {
	return s.words.pick(r.URL.Query().Get("lang"), v.Lang, r.Header.Get("Accept-Language"))
}

func (s *Server) serveCustomer(w http.ResponseWriter, r *http.Request) {
	v, _ := s.current()
	lang := s.language(r, v)
	s.render(w, "index.html", map[string]any{
		"Lang": lang, "Version": s.version, "Page": s.words.fixed(lang),
		"Lost": s.lost.Milliseconds(), "Forget": s.words.begin("forget."), "Contact": s.opt.Contact,
	})
}

// serveHealth says 200 only if payments can be taken, as far as the screen knows.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	switch v, _ := s.current(); v.State {
	case starting:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "starting")
	case OutOfOrder:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, v.State)
	default:
		fmt.Fprintln(w, "ok")
	}
}

// serveMetrics answers this machine alone, however the page is shown: another's collector has its agent here.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.opt.Metrics == nil:
		http.NotFound(w, r)
	case !ofThisMachine(r.RemoteAddr):
		http.Error(w, "metrics are for programs on the terminal itself", http.StatusForbidden)
	default:
		w.Header().Set("Cache-Control", "no-store")
		s.opt.Metrics.ServeHTTP(w, r)
	}
}

func (s *Server) serveAsset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := page.ReadFile("page/" + name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", `"`+s.version+`"`)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(raw))
	}
}

// render writes a whole page or, if the template fails, a plain error: never half a page.
func (s *Server) render(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("screen: render page", "page", name, "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // a reader that has gone needs no answer
}
