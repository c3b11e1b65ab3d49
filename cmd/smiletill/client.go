package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// client talks to the running terminal over its control socket.
type client struct {
	path string
	http *http.Client
}

// errNotRunning says that no terminal listens; some commands then do their work on the files themselves.
var errNotRunning = errors.New("no smiletill is running here")

func newClient(socket string) *client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", socket)
	}
	return &client{path: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// running asks whether a terminal listens.
func (c *client) running(ctx context.Context) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", c.path)
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only a question
	return true
}

func (c *client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return nil, fmt.Errorf("ask the terminal: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://smiletill"+path, &b)
	if err != nil {
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	resp, err := c.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, withHint(fmt.Errorf("%w (nothing listens at %s)", errNotRunning, c.path),
			"start it with `smiletill run`, or `smiletill demo` to try it out")
	case errors.Is(err, fs.ErrPermission):
		return nil, withHint(fmt.Errorf("the terminal's control socket %s belongs to another user", c.path),
			"run this as the user that runs the terminal")
	case err != nil:
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	return resp, nil
}

// remoteError is the terminal's own error, with its hint.
func remoteError(e errorReply) error {
	if e.Hint == "" {
		return errors.New(e.Error)
	}
	return withHint(errors.New(e.Error), "%s", e.Hint)
}

func call[T any](ctx context.Context, c *client, method, path string, body any) (v T, err error) {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var e errorReply
		if json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&e) != nil || e.Error == "" {
			return v, fmt.Errorf("ask the terminal: it answered %s", resp.Status)
		}
		return v, remoteError(e)
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("ask the terminal: read its answer: %w", err)
	}
	return v, nil
}

func (c *client) begin(ctx context.Context, q paymentRequest) (paymentReply, error) {
	return call[paymentReply](ctx, c, http.MethodPost, "/v1/payments", q)
}

// wait gives the payment when it has ended, or as it stands after d.
func (c *client) wait(ctx context.Context, id string, d time.Duration) (paymentReply, error) {
	return call[paymentReply](ctx, c, http.MethodGet, "/v1/payments/"+url.PathEscape(id)+"?for="+d.String(), nil)
}

func (c *client) cancel(ctx context.Context, id, by string) (paymentReply, error) {
	return call[paymentReply](ctx, c, http.MethodPost, "/v1/payments/"+url.PathEscape(id)+"/cancel?by="+by, nil)
}

func (c *client) customers(ctx context.Context) ([]customerReply, error) {
	return call[[]customerReply](ctx, c, http.MethodGet, "/v1/customers", nil)
}

func (c *client) remove(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/v1/customers/"+url.PathEscape(id), nil)
	return err
}

// reload has the terminal open its files anew, the models among them.
func (c *client) reload(ctx context.Context) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/v1/models/reload", nil)
	return err
}

// enrol follows the lines of an enrolment to its end.
func (c *client) enrol(ctx context.Context, q enrolRequest, progress func(string)) (customerReply, error) {
	resp, err := c.send(ctx, http.MethodPost, "/v1/customers", q)
	if err != nil {
		return customerReply{}, err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var line struct {
			errorReply
			Progress string         `json:"progress"`
			Customer *customerReply `json:"customer"`
		}
		if err := lines.Decode(&line); err != nil {
			return customerReply{}, fmt.Errorf("enrol: the terminal stopped answering: %w", err)
		}
		switch {
		case line.Error != "":
			return customerReply{}, remoteError(line.errorReply)
		case line.Customer != nil:
			return *line.Customer, nil
		default:
			progress(line.Progress)
		}
	}
}
