package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Held is said when no payment is taken any more.
const Held = "held"

// hold keeps payments away as long as the caller stays: one that was killed keeps nothing closed.
func hold(w http.ResponseWriter, r *http.Request, s Service) {
	told(w, "let_go", func(say func(string)) (bool, error) {
		wait, err := time.ParseDuration(r.URL.Query().Get("wait"))
		if err != nil || wait < 0 {
			return false, errors.New("hold: ?wait= must be a duration")
		}
		return true, s.Hold(r.Context(), wait, say)
	})
}

// Hold has the terminal take no payments, until ctx ends or the terminal has had enough of it. It waits for
// the running payment to end, for so long at most. progress is told Held when it begins.
func (c *Client) Hold(ctx context.Context, wait time.Duration, progress func(string)) error {
	_, err := follow[bool](ctx, c, "/v1/update/hold?wait="+url.QueryEscape(wait.String()), nil, "let_go", progress)
	if err != nil {
		return fmt.Errorf("keep payments away: %w", err)
	}
	return nil
}
