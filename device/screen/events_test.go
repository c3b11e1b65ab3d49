package screen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections hold nothing: what is not read is not yet written.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// start serves s on pipes until the returned function is called.
func start(t *testing.T, s *Server) (*pipes, func()) {
	t.Helper()
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, p) }()
	return p, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}

// reader is a browser's end of an event stream.
type reader struct {
	net.Conn
	in *bufio.Reader
}

func (p *pipes) connect(t *testing.T, query string) *reader {
	t.Helper()
	near, far := net.Pipe()
	p.conns <- far
	_, err := io.WriteString(near, "GET /events"+query+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	return &reader{near, bufio.NewReader(near)}
}

// block reads up to the next empty line.
func (r *reader) block() (string, error) {
	var b strings.Builder
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return b.String(), err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return b.String(), nil
		}
		b.WriteString(line + "\n")
	}
}

// next returns the next event that has a view.
func (r *reader) next(t *testing.T) message {
	t.Helper()
	for {
		b, err := r.block()
		if err != nil {
			t.Fatalf("read event: %v (after %q)", err, b)
		}
		lines := strings.Split(b, "\n")
		if len(lines) < 3 || lines[1] != "event: view" {
			continue
		}
		var m message
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &m); err != nil {
			t.Fatalf("event %q: %v", b, err)
		}
		return m
	}
}

func TestFraming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		s.heart = heartbeat
		s.Show(View{State: OutOfOrder, Detail: Detail{What: "one\ntwo\r\n\nevent: view\ndata: {}"}})
		p, stop := start(t, s)
		r := p.connect(t, "")
		head, _ := r.block()
		if !strings.Contains(head, "200 OK") || !strings.Contains(head, "Content-Type: text/event-stream") {
			t.Errorf("head: %s", head)
		}
		if b, _ := r.block(); b != "retry: 1000\n" {
			t.Errorf("first block %q", b)
		}
		b, _ := r.block()
		lines := strings.Split(strings.TrimRight(b, "\n"), "\n")
		if len(lines) != 3 || lines[0] != "id: 1" || lines[1] != "event: view" ||
			!strings.HasPrefix(lines[2], "data: {") {
			t.Errorf("view in lines %q", lines)
		}
		before := time.Now()
		if b, _ := r.block(); b != "event: beat\ndata:\n" {
			t.Errorf("heartbeat %q", b)
		}
		if d := time.Since(before); d != heartbeat {
			t.Errorf("first heartbeat after %v", d)
		}
		time.Sleep(time.Millisecond)
		r.Close()
		stop()
	})
}

// A browser that doesn't read gets the event that was on its way, and then the newest; Show never waits
// for it.
func TestNewestWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		s.heart = time.Hour
		s.Show(View{State: LookHere})
		p, stop := start(t, s)
		r := p.connect(t, "")
		if m := r.next(t); m.State != LookHere {
			t.Errorf("first %q", m.State)
		}
		synctest.Wait()
		before := time.Now()
		for i := range 1000 {
			s.Show(View{State: Smile, Progress: float64(i) / 1000})
			if i == 0 {
				synctest.Wait() // on its way now, and stuck
			}
		}
		s.Show(View{State: Approved})
		if time.Since(before) != 0 {
			t.Error("Show waited")
		}
		if m := r.next(t); m.State != Smile || m.Progress != 0 {
			t.Errorf("then %q %v", m.State, m.Progress)
		}
		if m := r.next(t); m.State != Approved || m.Seq != 1002 {
			t.Errorf("at last %q, number %d", m.State, m.Seq)
		}
		r.Close()
		stop()
	})
}

func (s *Server) streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients)
}

func TestSlowBrowserIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{MaxClients: 1})
		s.heart = heartbeat
		p, stop := start(t, s)
		r := p.connect(t, "")
		_ = r.next(t)
		time.Sleep(heartbeat + writePatience - time.Millisecond)
		if n := s.streams(); n != 1 {
			t.Errorf("dropped too early: %d streams", n)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if n := s.streams(); n != 0 {
			t.Errorf("%d streams after the time-out", n)
		}
		r.Close()
		stop()
	})
}

func TestClientLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{MaxClients: 2})
		p, stop := start(t, s)
		a := p.connect(t, "")
		_ = a.next(t)
		time.Sleep(10 * time.Millisecond)
		b := p.connect(t, "")
		_ = b.next(t)
		c := p.connect(t, "")
		if m := c.next(t); m.State != "starting" {
			t.Errorf("third: %q", m.State)
		}
		// The one that was open longest has gone, and does not put out the next at once.
		if last, err := a.block(); err != nil || !strings.Contains(last, "retry: 10000") {
			t.Errorf("first: %v %s", err, last)
		}
		if _, err := a.block(); err == nil {
			t.Error("the first is still open")
		}
		if n := s.streams(); n != 2 {
			t.Errorf("%d streams", n)
		}
		for _, r := range []*reader{a, b, c} {
			r.Close()
		}
		stop()
	})
}

// TestOwnStreamsStay has other machines open more streams than there are places: the terminal's own display
// keeps its place and finds one when it comes back, and other machines get the one that nobody else needs.
func TestOwnStreamsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{MaxClients: 3})
		gone := func(c *client) bool {
			select {
			case <-c.out:
				return true
			default:
				return false
			}
		}
		join := func(own, want bool) *client {
			t.Helper()
			time.Sleep(time.Second)
			c, ok := s.join(own)
			if ok != want {
				t.Errorf("of this machine %t: let in %t", own, ok)
			}
			return c
		}
		display := join(true, true)
		for range 20 {
			join(false, true)
		}
		if gone(display) {
			t.Error("others have blinded the display")
		}
		s.leave(display)
		join(false, true) // a stranger takes its place while it is away
		if display = join(true, true); s.streams() != 3 {
			t.Errorf("%d streams", s.streams())
		}
		second := join(true, true)
		join(true, true)
		join(false, false) // all are this machine's
		join(true, true)   // for this machine the one that is open longest goes
		if !gone(display) || gone(second) {
			t.Errorf("the oldest of its own gone: %t, the next: %t", gone(display), gone(second))
		}
	})
}

// Serve ends its streams when its context does, at once.
func TestServeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		s.heart = heartbeat
		p, stop := start(t, s)
		r := p.connect(t, "")
		_ = r.next(t)
		before := time.Now()
		go stop()
		for {
			if _, err := r.block(); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("stream ended with %v", err)
				}
				break
			}
		}
		synctest.Wait()
		if d := time.Since(before); d > time.Second {
			t.Errorf("ended after %v", d)
		}
		time.Sleep(3 * time.Second) // let Serve return before the bubble does
	})
}

// What a state has no place for is not even sent.
func TestMessage(t *testing.T) {
	s := newServer(t, Options{})
	now := time.Now()
	full := View{Amount: "12.50", Currency: "EUR", Instruction: StepCloser, Reason: NoSmile, Progress: 0.5,
		Deadline: now.Add(1500 * time.Millisecond), Lamps: map[string]bool{"red": true}, Buzzer: 440,
		Detail: Detail{What: "what", Do: "do"}}
	for _, c := range []struct {
		state                  State
		amount, title, help    string
		act, what              string
		left                   int64
		simulated, board, late bool
	}{
		{"nonsense", "", "Out of order", "Please pay another way.", "",
			"The screen was given an unknown state.", -1, false, false, false},
		{Idle, "", "Pay with a smile", "No card, no phone: just you.", "", "", -1, false, false, false},
		{OutOfOrder, "", "Out of order", "There was no smile. You have not paid.", "", "what", -1,
			false, false, false},
		{LookHere, "12.50", "Come a little closer", "", "step_closer", "", 0, false, false, true},
		{LookHere, "12.50", "Come a little closer", "", "step_closer", "", 1500, true, true, false},
		{Expired, "12.50", "Time is up", "There was no smile. You have not paid.", "", "", -1,
			false, false, false},
	} {
		v := full
		v.State, v.Simulated = c.state, c.simulated
		if c.late {
			v.Deadline = now.Add(-time.Hour)
		}
		v, _ = v.checked(s.words)
		m := s.message(v, 1, "en", now)
		if m.Amount != c.amount || m.Words["title"] != c.title || m.Words["help"] != c.help ||
			string(m.Act) != c.act || m.Words["what"] != c.what || m.LeftMS != c.left ||
			(m.Lamps != nil) != c.board {
			t.Errorf("%q: %+v", c.state, m)
		}
	}
}
