package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"smiletill/payment"
)

// Delay is how late the light of the terminal's screen is seen by its camera, in milliseconds.
type Delay struct {
	DelayMS float64 `json:"delay_ms"`
	ApartMS float64 `json:"apart_ms"` // between the least and the most of the lights that it was measured by
}

// told answers with lines of JSON: progress while something takes its time, then what came of it under a key,
// or an error.
func told[A any](w http.ResponseWriter, key string, do func(say func(text string)) (A, error)) {
	lines := json.NewEncoder(w)
	last := ""
	say := func(text string) {
		if text == last {
			return
		}
		last = text
		_ = lines.Encode(map[string]string{"progress": text}) // a caller who left stops the work by its context
		_ = http.NewResponseController(w).Flush()
	}
	a, err := do(say)
	if err != nil {
		_ = lines.Encode(errorReply{err.Error(), payment.HintOf(err)}) // as above
		return
	}
	_ = lines.Encode(map[string]A{key: a}) // as above
}

// calibrate measures the screen's delay.
func calibrate(s Service) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		told(w, "delay", func(say func(string)) (Delay, error) { return s.Calibrate(r.Context(), say) })
	}
}

// Calibrate has the terminal measure how late its screen's light is seen, by somebody who looks at it, and
// keep that.
func (c *Client) Calibrate(ctx context.Context, progress func(string)) (Delay, error) {
	d, err := follow[Delay](ctx, c, "/v1/screen/calibrate", nil, "delay", progress)
	return d, lost(err, "when it runs again, calibrate again")
}

// follow reads what told answers to its end, and gives what came of it under its key.
func follow[A any](
	ctx context.Context, c *Client, path string, q any, key string, progress func(string),
) (done A, err error) {
	resp, err := c.send(ctx, http.MethodPost, path, q)
	if err != nil {
		return done, err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var raw json.RawMessage
		var line struct {
			errorReply
			Progress string `json:"progress"`
		}
		found := map[string]json.RawMessage{}
		if err := lines.Decode(&raw); err != nil {
			return done, fmt.Errorf("ask the terminal: %w", asLost(ctx, err))
		}
		if err := errors.Join(json.Unmarshal(raw, &line), json.Unmarshal(raw, &found)); err != nil {
			return done, fmt.Errorf("ask the terminal: read its answer: %w", err)
		}
		switch {
		case line.Error != "":
			return done, remoteError(line.errorReply)
		case found[key] != nil:
			return done, json.Unmarshal(found[key], &done)
		default:
			progress(line.Progress)
		}
	}
}
