package claiming_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"database/sql"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// shop is a cloud with its real store and its real door over TLS.
type shop struct {
	t         *testing.T
	fleet     *fleet.Fleet
	receiver  *cloud.Receiver
	door      *fleet.Door
	key       *signature.Key
	cert      *tls.Certificate
	authority *fleet.Authority
	url, file string // where it is reached, and its database
	server    *httptest.Server
}

// db is the cloud's database.
func (s *shop) db() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

func newShop(t *testing.T) *shop {
	t.Helper()
	dir := t.TempDir()
	k, err := signature.OpenKey(filepath.Join(dir, "cloud.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, err := fleet.OpenAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := cloud.Open(t.Context(), cloud.Options{Broker: "mqtt://127.0.0.1:1", Key: k,
		File: filepath.Join(dir, "events.db"), Log: slog.New(slog.DiscardHandler),
		Rand: mathrand.New(mathrand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s := &shop{t: t, fleet: r.Fleet(), receiver: r, key: k, cert: cert, authority: a,
		file: filepath.Join(dir, "events.db")}
	s.door = fleet.NewDoor(s.fleet, fleet.DoorOptions{Authority: a, Certificate: cert, Key: k,
		Broker: func(host string) (string, error) { return "mqtts://" + net.JoinHostPort(host, "8883"), nil },
		Vouch:  string(a.PEM()), Log: slog.New(slog.DiscardHandler)})
	s.server = serve(t, s.door, cert)
	s.url = s.server.URL
	return s
}

func serve(t *testing.T, h http.Handler, cert *tls.Certificate) *httptest.Server {
	t.Helper()
	return serveAt(t, nil, h, cert)
}

// serveAt serves at an address that was taken; nil: any.
func serveAt(t *testing.T, l net.Listener, h http.Handler, cert *tls.Certificate) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if l != nil {
		_ = s.Listener.Close()
		s.Listener = l
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS13}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// till is a terminal: its settings, and what its screen shows.
type till struct {
	t     *testing.T
	cfg   config.Config
	front *front.Front
	claim *claiming.Claim
	ended chan error
	stop  context.CancelFunc
}

func newTill(t *testing.T, cloud string, settings string) *till {
	t.Helper()
	return openTill(t, t.TempDir(), cloud, settings)
}

// openTill reads the settings of a terminal whose data are in a folder.
func openTill(t *testing.T, data, cloud, settings string) *till {
	t.Helper()
	file := filepath.Join(t.TempDir(), "smiletill.toml")
	text := settings + "\n[paths]\ndata_dir = \"" + data + "\"\n[claim]\ncloud = \"" + cloud + "\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := claiming.New(cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &till{t: t, cfg: cfg, front: front.New(), claim: c, ended: make(chan error, 1)}
}

// run has it ask its cloud.
func (d *till) run() {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	d.stop = stop
	go func() { d.ended <- d.claim.Run(ctx, d.front) }()
	d.t.Cleanup(func() {
		stop()
		select {
		case err := <-d.ended:
			d.ended <- err
		case <-time.After(patience):
			d.t.Error("it does not stop")
		}
	})
}

const patience = 30 * time.Second

// until waits for what becomes true by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// shown is the code on the screen, another than before.
func (d *till) shown(before string) string {
	d.t.Helper()
	code := ""
	until(d.t, "a code on the screen", func() bool {
		code = d.now()
		return code != "" && code != before
	})
	return code
}

// now is the code on the screen, if there is one.
func (d *till) now() string {
	f, _ := d.front.FaultOf(front.PartsCause)
	return f.Code
}

func (d *till) scanned() string {
	d.shown("")
	f, _ := d.front.FaultOf(front.PartsCause)
	return f.Scan
}

// claimed waits for the end of a terminal's claim.
func (d *till) claimed() error {
	d.t.Helper()
	select {
	case err := <-d.ended:
		d.ended <- err
		return err
	case <-time.After(patience):
		d.t.Fatal("the terminal is not claimed")
		return nil
	}
}

// again is the terminal as it is after its next start.
func (d *till) again() *till {
	d.t.Helper()
	return openTill(d.t, d.cfg.Paths.DataDir, "", "")
}

// wish types a code.
func (s *shop) wish(text, name string) fleet.Wish {
	s.t.Helper()
	c, key, err := claim.ParseCode(text)
	if err != nil {
		s.t.Fatal(err)
	}
	w := fleet.Wish{Code: c, Key: key, By: "anna"}
	if name != "" {
		w.Name = address(name)
	}
	return w
}

func address(name string) report.Address {
	parts := strings.Split(name, "/")
	return report.Address{Tenant: parts[0], Site: parts[1], Terminal: parts[2]}
}

func (s *shop) typed(w fleet.Wish) int64 {
	s.t.Helper()
	id, err := s.fleet.Claim(s.t.Context(), w)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// end is how a claim ended.
func (s *shop) end(id int64) fleet.Claim {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	c, err := s.fleet.Await(ctx, id)
	if err != nil {
		s.t.Fatalf("claim %d has not ended: %+v, %v", id, c, err)
	}
	return c
}
