package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

const (
	// waitFor is how long a terminal is kept waiting before it asks again: below what routers forget.
	waitFor = 25 * time.Second
	// lookEvery is how often the database is asked whether a code was typed, by whichever process.
	lookEvery = 500 * time.Millisecond
	// waitingMax is how many terminals wait at once, and waitingHost how many of one address.
	waitingMax, waitingHost = 64, 16
	// plateFor is how long a terminal that does not ask keeps its half of the code for itself.
	plateFor = time.Minute
	// runsMax is how many runs are remembered, and runFor for how long: an answer may have been lost.
	runsMax, runFor = 64, 10 * time.Minute
	// doorPatience is how long one may take to send a request.
	doorPatience = 10 * time.Second
)

// DoorOptions are what a Door is given. All must be given but Vouch.
type DoorOptions struct {
	Authority   *Authority
	Certificate *tls.Certificate // that the server shows at this door
	Key         *signature.Key   // of the cloud
	// Broker says where a terminal finds the broker that has come to the cloud by the name host.
	Broker func(host string) (string, error)
	Vouch  string // certificates that sign the broker's, in PEM; "": the system's
	Log    *slog.Logger
}

// Waiting is a terminal that shows a code.
type Waiting struct {
	Plate, Host string // the half of its code that is said openly, and its address
	Key         string // signature.ID of its key
	Program     string
	Since       time.Time

	heard time.Time
	busy  bool
}

// run is a run that was begun.
type run struct {
	typed typed
	name  report.Address
	hello claim.Hello
	proof *claim.Proof
	at    time.Time
	grant *claim.Grant // what it was given; nil: not yet
}

// Door is where terminals ask: an http.Handler for a server with TLS.
type Door struct {
	fleet *Fleet
	o     DoorOptions
	print [sha256.Size]byte
	mux   *http.ServeMux

	mu      sync.Mutex
	waiting map[string]*Waiting
	runs    map[string]*run
}

// NewDoor makes the door of a fleet.
func NewDoor(f *Fleet, o DoorOptions) *Door {
	d := &Door{fleet: f, o: o, print: Fingerprint(o.Certificate), mux: http.NewServeMux(),
		waiting: map[string]*Waiting{}, runs: map[string]*run{}}
	for path, do := range map[string]func(http.ResponseWriter, *http.Request, []byte) error{
		claim.PathWait: d.wait, claim.PathAnswer: d.answer, claim.PathRenew: d.renew, claim.PathLeave: d.leave,
	} {
		d.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, q *http.Request) {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(doorPatience))
			body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, claim.MaxMessage))
			if err == nil {
				w.Header().Set("Cache-Control", "no-store")
				err = do(w, q, body)
			}
			d.fail(w, q, err)
		})
	}
	return d
}

func (d *Door) ServeHTTP(w http.ResponseWriter, q *http.Request) { d.mux.ServeHTTP(w, q) }

// refusal is an answer that is none that was wanted.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

// fail tells what went wrong, in as many words as whoever asks may hear.
func (d *Door) fail(w http.ResponseWriter, q *http.Request, err error) {
	var r *refusal
	switch {
	case err == nil, q.Context().Err() != nil:
	case errors.As(err, &r):
		http.Error(w, r.why, r.status)
	case errors.Is(err, claim.ErrMessage), errors.As(err, new(*http.MaxBytesError)):
		http.Error(w, "this is no request of a terminal", http.StatusBadRequest)
	default:
		d.o.Log.Error("a terminal could not be answered", "remote", q.RemoteAddr, "err", err)
		http.Error(w, "the cloud could not answer; its log says why", http.StatusInternalServerError)
	}
}

// Waiting lists the terminals that show a code now, by their plates.
func (d *Door) Waiting() []Waiting {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tidy(time.Now())
	var all []Waiting
	for _, one := range d.waiting {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Waiting) int { return strings.Compare(a.Plate, b.Plate) })
	return all
}

// tidy forgets who has not come for a while. The caller holds mu.
func (d *Door) tidy(now time.Time) {
	for plate, one := range d.waiting {
		if !one.busy && now.Sub(one.heard) > plateFor {
			delete(d.waiting, plate)
		}
	}
	for id, one := range d.runs {
		if now.Sub(one.at) > runFor {
			delete(d.runs, id)
		}
	}
}

// enter has a terminal wait. Its half of the code is its own as long as it comes.
func (d *Door) enter(h claim.Hello, host string) (leave func(), err error) {
	now, key := time.Now(), signature.ID(h.Key)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tidy(now)
	one := d.waiting[h.Plate]
	if one == nil {
		same := 0
		for _, other := range d.waiting {
			if other.Host == host {
				same++
			}
		}
		if len(d.waiting) >= waitingMax || same >= waitingHost {
			return nil, &refusal{http.StatusServiceUnavailable, "too many terminals wait here"}
		}
		one = &Waiting{Plate: h.Plate, Host: host, Key: key, Since: now}
		d.waiting[h.Plate] = one
	}
	if one.Key != key {
		return nil, &refusal{http.StatusConflict, "another terminal shows a code that begins so"}
	}
	if one.busy {
		return nil, &refusal{http.StatusTooManyRequests, "this terminal waits here already"}
	}
	one.busy, one.Program = true, h.Program
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		one.busy, one.heard = false, time.Now()
	}, nil
}

// wait keeps a terminal until its code was typed, and makes it an offer.
func (d *Door) wait(w http.ResponseWriter, q *http.Request, body []byte) error {
	h, err := claim.ParseHello(body)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(q.RemoteAddr)
	leave, err := d.enter(h, host)
	if err != nil {
		return err
	}
	defer leave()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Now().Add(waitFor + doorPatience))
	ctx, cancel := context.WithTimeout(q.Context(), waitFor)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		t, err := d.fleet.open(ctx, h.Plate)
		if err == nil && t != nil {
			return d.offer(q.Context(), w, q.Host, *t, h, body)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			w.WriteHeader(http.StatusNoContent)
			return nil
		case <-tick.C:
		}
	}
}

// offer begins a run with the terminal that has come for a claim.
func (d *Door) offer(
	ctx context.Context, w http.ResponseWriter, host string, t typed, h claim.Hello, hello []byte,
) error {
	again := &refusal{http.StatusGone, "the claim is over"}
	if t.wish.Key != "" && t.wish.Key != signature.ID(h.Key) {
		d.o.Log.Error("a terminal has another key than the picture of its code says: somebody may stand between",
			"plate", h.Plate)
		return errors.Join(again, d.fleet.End(ctx, t.id, Refused,
			"the terminal that came has another key than the picture says: somebody may stand between"))
	}
	if good, err := d.fleet.count(ctx, t.id); err != nil || !good {
		return errors.Join(err, again)
	}
	name, err := d.fleet.name(ctx, t.wish, h)
	if err == nil {
		err = nameFree(ctx, d.fleet.db, name.Source(), t.wish.Replace, h.Key)
	}
	if errors.Is(err, ErrClaim) {
		return errors.Join(again, d.fleet.End(ctx, t.id, Refused, err.Error()))
	}
	if err != nil {
		return err
	}
	broker, err := d.o.Broker(hostOf(host))
	if err != nil { // nothing is offered that leads nowhere
		return errors.Join(again, d.fleet.End(ctx, t.id, Refused, err.Error()))
	}
	keys, err := signature.EncodePublic(d.o.Key.Public())
	if err != nil {
		return err
	}
	terms, err := json.Marshal(claim.Terms{Name: name, Keys: string(keys), Broker: broker,
		Vouch: d.o.Vouch, Signers: string(d.o.Authority.PEM())})
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(rand.Reader, id); err != nil {
		return err
	}
	o, proof, err := claim.Meet(t.wish.Code, d.print, hello, h, terms, hex.EncodeToString(id))
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.tidy(time.Now())
	full := len(d.runs) >= runsMax
	if !full {
		d.runs[o.Run] = &run{typed: t, name: name, hello: h, proof: proof, at: time.Now()}
	}
	d.mu.Unlock()
	if full {
		return &refusal{http.StatusServiceUnavailable, "too many terminals are being claimed"}
	}
	return say(w, o)
}

// hostOf is the name by which somebody asked, without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

func say(w http.ResponseWriter, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(doorPatience))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // whoever has gone asks again
	return nil
}

// answer ends a run: the terminal is known after it, or the claim is over.
func (d *Door) answer(w http.ResponseWriter, q *http.Request, body []byte) error {
	a, err := claim.ParseAnswer(body)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock() // one answer at a time: what is granted is granted once
	r := d.runs[a.Run]
	if r == nil {
		return &refusal{http.StatusNotFound, "this run is not known here any more"}
	}
	ctx := context.WithoutCancel(q.Context()) // whoever goes now comes again for what is being done
	if r.grant != nil {
		if r.proof.Holds(a, r.hello) != nil {
			return &refusal{http.StatusForbidden, "this is not the answer that was granted"}
		}
		return say(w, r.grant)
	}
	delete(d.runs, a.Run) // whatever comes of it, nobody tries it twice
	if a.Wrong {
		w.WriteHeader(http.StatusNoContent)
		return d.fleet.End(ctx, r.typed.id, Wrong, "the terminal shows another code; type it anew")
	}
	if err := r.proof.Holds(a, r.hello); err != nil {
		d.o.Log.Error("a terminal's answer does not hold: a wrong code, or somebody stands between",
			"plate", r.hello.Plate, "remote", q.RemoteAddr)
		return errors.Join(&refusal{http.StatusForbidden, "the proof does not hold"},
			d.fleet.End(ctx, r.typed.id, Wrong, "the terminal shows another code, or somebody stands between"))
	}
	if a.Refused != "" {
		w.WriteHeader(http.StatusNoContent)
		return d.fleet.End(ctx, r.typed.id, Refused, "the terminal says: "+a.Refused)
	}
	grant, err := d.grant(ctx, r)
	if errors.Is(err, ErrClaim) {
		return errors.Join(&refusal{http.StatusGone, "the claim is over"},
			d.fleet.End(ctx, r.typed.id, Refused, err.Error()))
	}
	if err != nil {
		return err
	}
	r.grant = &grant
	d.runs[a.Run] = r // for a terminal that did not hear it
	delete(d.waiting, r.hello.Plate)
	d.o.Log.Info("a terminal is claimed", "source", r.name.Source(), "by", r.typed.wish.By,
		"key", signature.ID(r.hello.Key))
	return say(w, grant)
}

func (d *Door) grant(ctx context.Context, r *run) (claim.Grant, error) {
	request, err := claim.ParseRequest(r.hello.Request)
	if err != nil {
		return claim.Grant{}, err
	}
	c, text, err := d.o.Authority.issue(request, r.name.Source(), nameOf(r.name))
	if err != nil {
		return claim.Grant{}, err
	}
	if err := d.fleet.accept(ctx, r.typed, r.name, r.hello, c, text); err != nil {
		return claim.Grant{}, err
	}
	return r.proof.Grant(text), nil
}

// nameOf is a terminal's name at a broker that knows it by its certificate (mosquitto's %u).
func nameOf(a report.Address) string { return a.Tenant + "/" + a.Site + "/" + a.Terminal }
