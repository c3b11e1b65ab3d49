package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
)

const (
	// pageClaims is how many claims the page shows, the newest first.
	pageClaims = 5
	// pageRequest bounds what the page sends, in bytes.
	pageRequest = 4 << 10
)

// claimed is a claim as the page tells it.
type claimed struct {
	At, What, By string
	Good         bool
}

// claims are the latest, as the page tells them.
func (r *Receiver) claims(q *http.Request) ([]claimed, error) {
	all, err := r.fleet.Latest(q.Context(), pageClaims)
	if err != nil {
		return nil, err
	}
	told := make([]claimed, len(all))
	for i, c := range all {
		one := claimed{At: c.At.Local().Format("2006-01-02 15:04:05"), By: c.By, Good: c.State == fleet.Done}
		switch c.State {
		case fleet.Done:
			one.What = c.Source + " is claimed"
		case fleet.Open:
			one.What = "waiting for the terminal that shows " + c.Plate + "-..."
		case fleet.Wrong, fleet.Refused, fleet.Expired:
			one.What = c.Plate + "-...: not claimed: " + c.Why
		}
		told[i] = one
	}
	return told, nil
}

// claimRequest is what is typed on the page.
type claimRequest struct {
	Code, Tenant, Site, Name string
	Replace                  bool
}

// sent reads a request of the page itself: as JSON, which a page of another site can't send without asking.
func sent(w http.ResponseWriter, q *http.Request, into any) bool {
	origin := strings.TrimPrefix(q.Header.Get("Origin"), "http://")
	if q.Header.Get("Content-Type") != "application/json" || origin != q.Host {
		http.Error(w, "this is for the page itself", http.StatusForbidden)
		return false
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, q.Body, pageRequest))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		http.Error(w, "this is no request of the page", http.StatusBadRequest)
	}
	return err == nil
}

// byPage is who did something on the page: all that is known is that it was this machine.
const byPage = "somebody (the cloud's page)"

// claim takes a code that was typed on the page.
func (r *Receiver) claim(w http.ResponseWriter, q *http.Request) {
	var c claimRequest
	if !sent(w, q, &c) {
		return
	}
	if r.o.Waiting == nil {
		http.Error(w, "terminals are claimed where `smiletill cloud up` runs; this is `smiletill cloud run`",
			http.StatusConflict)
		return
	}
	code, key, err := claim.ParseCode(c.Code)
	if err != nil {
		http.Error(w, err.Error()+": type it as the terminal shows it", http.StatusUnprocessableEntity)
		return
	}
	_, err = r.fleet.Claim(q.Context(), fleet.Wish{Code: code, Key: key, By: byPage, Replace: c.Replace,
		Name: report.Address{Tenant: strings.TrimSpace(c.Tenant), Site: strings.TrimSpace(c.Site),
			Terminal: strings.TrimSpace(c.Name)}})
	r.done(w, err)
}

// revoke takes a terminal's keys away, as the page asks.
func (r *Receiver) revoke(w http.ResponseWriter, q *http.Request) {
	var c struct{ Source string }
	if !sent(w, q, &c) {
		return
	}
	a, err := report.ParseSource(c.Source)
	if err == nil {
		err = r.fleet.Revoke(q.Context(), a, byPage)
	}
	r.done(w, err)
}

// done answers the page.
func (r *Receiver) done(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, fleet.ErrClaim), errors.Is(err, fleet.ErrNotKnown), errors.Is(err, report.ErrAddress):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		r.o.Log.Error("page", "err", err)
		http.Error(w, "it could not be done; the log says why", http.StatusInternalServerError)
	}
}

// waiting are the terminals that show a code now.
func (r *Receiver) waiting() []fleet.Waiting {
	if r.o.Waiting == nil {
		return nil
	}
	return r.o.Waiting()
}

// waitingVersion names who waits: it is another when somebody else does.
func (r *Receiver) waitingVersion() string {
	text := ""
	for _, w := range r.waiting() {
		text += fmt.Sprintf("-%s", w.Plate)
	}
	return text
}
