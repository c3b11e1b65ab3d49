package screen

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// TestDisplay: the program that looks after the display is told at once what is shown, and whether the page
// is there; others are told nothing.
func TestDisplay(t *testing.T) {
	s := newServer(t, Options{})
	s.heart = 30 * time.Second // what comes, comes of a change
	web := serve(t, s)
	open := func(path string) (*bufio.Scanner, func()) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop(); _ = res.Body.Close() })
		return bufio.NewScanner(res.Body), stop
	}
	lines, _ := open("/display")
	wants := func(state State, pages int) {
		t.Helper()
		for want := (displayLine{state, pages}); ; {
			var got displayLine
			if !lines.Scan() {
				t.Fatalf("the stream ended: %v", lines.Err())
			}
			if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
		}
	}
	wants("starting", 0)
	s.Show(View{State: Idle})
	wants(Idle, 0)
	_, leave := open("/events")
	wants(Idle, 1)
	s.Show(View{State: LookHere, Amount: "3.50", Currency: "EUR"})
	wants(LookHere, 1)
	leave()
	wants(LookHere, 0)

	res := get(s, func(r *http.Request) { r.URL.Path, r.RemoteAddr = "/display", "192.168.1.7:1234" })
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another machine: %d", res.StatusCode)
	}
	for range displayStreams - 1 {
		open("/display")
	}
	res = get(s, func(r *http.Request) { r.URL.Path, r.RemoteAddr = "/display", "127.0.0.1:1234" })
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", res.StatusCode)
	}
}
