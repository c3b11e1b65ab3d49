package screen

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// farewells is a Forgetter that knows one face.
type farewells struct{ err error }

func (f farewells) Look(context.Context) (string, error) { return "t1", f.err }

func (f farewells) Confirm(_ context.Context, token, pin string) (json.RawMessage, error) {
	if token != "t1" || pin != "2580" {
		return nil, ErrWrongPIN
	}
	return json.RawMessage(`{"source":"till"}`), f.err
}

// Only the terminal's own screen forgets anybody, and no page but its own may ask.
func TestForgetDoor(t *testing.T) {
	const look, confirm = "/forget/look", "/forget/confirm"
	const yes = `{"token":"t1","pin":"2580"}`
	for _, c := range []struct {
		name, path, body, from string
		header                 [2]string
		err                    error
		status                 int
		says                   string
	}{
		{"look", look, "{}", "", [2]string{}, nil, 200, `{"token":"t1"}`},
		{"confirm", confirm, yes, "", [2]string{}, nil, 200, `{"receipt":{"source":"till"},"code":["111`},
		{"a wrong PIN", confirm, `{"token":"t1","pin":"2581"}`, "", [2]string{}, nil, 422, "pin"},
		{"no PIN at all", confirm, `{"token":"t1","pin":"25x0"}`, "", [2]string{}, nil, 422, "pin"},
		{"a look-alike", look, "{}", "", [2]string{}, ErrForgetUnsure, 409, "unsure"},
		{"nobody", look, "{}", "", [2]string{}, ErrForgetNobody, 409, "nobody"},
		{"two faces", look, "{}", "", [2]string{}, ErrForgetSeveral, 409, "several"},
		{"in the dark", look, "{}", "", [2]string{}, ErrForgetPicture, 409, "picture"},
		{"too late", confirm, yes, "", [2]string{}, ErrForgetLate, 409, "late"},
		{"out of order", look, "{}", "", [2]string{}, ErrForgetClosed, 409, "closed"},
		{"a locked PIN", look, "{}", "", [2]string{}, &ForgetLocked{14*time.Minute + 1}, 409,
			`{"why":"locked","left_min":15}`},
		{"a payment", look, "{}", "", [2]string{}, ErrForgetBusy, 409, "busy"},
		{"a fault", confirm, yes, "", [2]string{}, errors.New("the disk is full"), 409, "failed"},
		{"from elsewhere", look, "{}", "192.0.2.7:5000", [2]string{}, nil, 403, ""},
		{"another page", look, "{}", "", [2]string{"Origin", "http://evil.example"}, nil, 403, ""},
		{"a form", look, "{}", "", [2]string{"Content-Type", "text/plain"}, nil, 415, ""},
		{"unknown fields", confirm, `{"customer":"c_1"}`, "", [2]string{}, nil, 400, ""},
	} {
		s := newServer(t, Options{Forget: farewells{c.err}})
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+c.path, strings.NewReader(c.body))
		r.RemoteAddr = "127.0.0.1:5000"
		if c.from != "" {
			r.RemoteAddr = c.from
		}
		r.Header.Set("Content-Type", "application/json")
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+look, strings.NewReader("{}"))
	newServer(t, Options{}).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("where nobody is forgotten: %d", w.Code)
	}
}
