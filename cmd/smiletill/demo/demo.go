package demo

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/terminal"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/journal"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// demo is a whole shop in one process: terminal, board, camera, broker and cloud.
type demo struct {
	version string
	cfg     config.Config
	out     io.Writer
	shop    *Director
	mirror  Mirror
	street  *street
	term    *terminal.Terminal
	changes chan payment.Status // what the engine says last
	opened  chan struct{}       // closed when it says something for the first time
	open    sync.Once
	events  chan cloud.Event
	full    bool        // an event was shown in full already
	unsure  atomic.Bool // a consent was not taken for a living person's

	mu   sync.Mutex
	note *notes
}

// notes is what happened in one visit.
type notes struct {
	started time.Time
	asked   []string
	last    string
}

func newNotes(started time.Time) *notes { return &notes{started: started} }

// Run plays a shop day, and keeps the shop open after it until ctx ends unless it is to be played once.
func Run(ctx context.Context, cfg config.Config, version string, once bool, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "smiletill-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// What a technician wants to read of a demo is its story; only what goes wrong is logged beside it.
	if cfg.Log.Level == "info" {
		cfg.Log.Level = "error"
	}
	cfg.Security.TPM = config.TPMOff // it leaves nothing behind
	log := config.Logger(cfg.Log, os.Stderr)
	d := &demo{cfg: cfg, out: out, events: make(chan cloud.Event, 64), changes: make(chan payment.Status, 1),
		opened:  make(chan struct{}),
		version: version, note: newNotes(time.Now())}
	if d.shop, err = NewDirector(1); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b, err := broker.Start("127.0.0.1:0", log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	done, err := d.startCloud(ctx, b.URL(), dir, log)
	if err != nil {
		return err
	}
	defer func() { stop(nil); err = errors.Join(err, <-done) }()
	d.startMachine(ctx, dir)
	ended, err := d.startTerminal(ctx, stop, b.URL(), dir, log)
	if err != nil {
		return err
	}
	defer func() {
		stop(nil)
		if why := <-ended; !errors.Is(err, why) { // the story has told it, else
			err = errors.Join(err, why)
		}
	}()
	return d.story(ctx, once, b.Addr())
}

func (d *demo) story(ctx context.Context, once bool, brokerAddr string) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.say("smiletill demo: a shop day on a simulated board\n")
	d.say("  customer's screen   http://%s/         open it in a browser", d.term.Addresses().Screen)
	d.say("  technician's page   http://%s/status", d.term.Addresses().Screen)
	if url, err := d.registerURL(ctx); err == nil {
		d.say("  cash registers      %s", url)
	}
	d.say("  broker and cloud    %s, in this process", brokerAddr)
	if err := d.enrol(ctx); err != nil {
		return err
	}
	err := d.day(ctx)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if once || err != nil {
		return err
	}
	url, err := d.registerURL(ctx)
	if err != nil {
		return err
	}
	certFile, _ := d.cfg.RegisterCertificate()
	d.say("\nThe terminal stays up. In a second terminal, directly and as a cash register:\n\n"+
		"  %[1]s pay 1.50 EUR\n"+
		"  %[1]s register pay 1.50 EUR --url %[2]s \\\n      --certificate %[3]s\n\nCtrl-C ends the demo.",
		programName(), url, certFile)
	return d.keepOpen(ctx)
}

// interrupted tells Ctrl-C, which is no error, from a part that failed.
func interrupted(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// keepOpen sends the smiling customer to whatever is to be paid, until Ctrl-C.
func (d *demo) keepOpen(ctx context.Context) error {
	before := ""
	for {
		select {
		case <-ctx.Done():
			d.say("\nThe shop is closed.")
			return interrupted(ctx)
		case e := <-d.events:
			d.step("the cloud received the approval of payment %s", e.PaymentID)
		case s := <-d.changes:
			pay := s.Payment
			if pay.State.Terminal() {
				d.shop.Leave()
				if pay.ID == before {
					d.step("%s", control.Told(pay).Text())
					before = ""
				}
				continue
			}
			if pay.ID != "" && pay.ID != before {
				before = pay.ID
				d.mu.Lock()
				d.note = newNotes(time.Now())
				d.mu.Unlock()
				d.say("\n%s is to be paid: the enrolled customer walks up", pay.Amount)
				if err := d.shop.Enter("customer_smile"); err != nil {
					return err
				}
			}
		}
	}
}

func (d *demo) startCloud(ctx context.Context, url, dir string, log *slog.Logger) (<-chan error, error) {
	key, err := signature.OpenKey(filepath.Join(dir, "cloud.key"), cryptorand.Reader)
	if err != nil {
		return nil, err
	}
	r, err := cloud.Open(ctx, cloud.Options{
		Broker: url, File: filepath.Join(dir, "cloud.db"), Key: key, Log: log,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		OnEvent: func(e cloud.Event) {
			select {
			case d.events <- e:
			default: // the story has stopped listening
			}
		},
	})
	if err != nil {
		return nil, err
	}
	if err := Introduce(ctx, r, d.cfg, filepath.Join(dir, "data")); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	done := make(chan error, 1)
	go func() { done <- errors.Join(r.Run(ctx), r.Close()) }()
	return done, nil
}

func (d *demo) startTerminal(
	ctx context.Context,
	stop context.CancelCauseFunc,
	url, dir string,
	log *slog.Logger,
) (<-chan error, error) {
	c := &d.cfg
	c.Paths.DataDir = filepath.Join(dir, "data")
	c.MQTT = config.MQTTConfig{Broker: url}
	c.Board.Kind = "simulated"
	c.Camera = config.CameraConfig{Source: camera.ReplayPrefix + " the demo's visits", Realtime: true}
	c.Terminal.Name, c.Terminal.Currency = "The Corner Shop", "EUR"
	c.Payment.Timeout = demoTimeout
	c.Liveness.Mode, c.Liveness.PassiveMax, c.Liveness.Light = "on", "0", "on"
	c.Register = config.RegisterConfig{Listen: "127.0.0.1:0"} // nothing else is in its way there
	var err error
	d.term, err = terminal.New(
		*c,
		terminal.Options{Version: d.version, Log: log, OnView: d.watch, OnPayment: d.changed,
			OpenCamera: func() (camera.Source, error) { return d.mirror.Before(d.shop.live), nil },
			Light:      d.mirror.Light},
	)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		err := d.term.Run(ctx)
		stop(err) // the story can't go on without its terminal
		ended <- err
	}()
	return ended, nil
}

// ready waits until payments can be taken, or says why not. What this process's own terminal tells counts:
// another one may answer at the socket.
func (d *demo) ready(ctx context.Context) error {
	select {
	case <-d.opened:
	case <-ctx.Done():
		return interrupted(ctx)
	case <-time.After(30 * time.Second):
	}
	_, err := control.NewClient(d.cfg.Paths.ControlSocket).Customers(ctx)
	return err
}

// changed keeps the latest change of the terminal's payments.
func (d *demo) changed(s payment.Status) {
	d.open.Do(func() { close(d.opened) })
	if s.Payment.Reason == payment.ReasonNotSure {
		d.unsure.Store(true)
	}
	select {
	case <-d.changes: // an older one that nobody has asked for
	default:
	}
	d.changes <- s
}

func (d *demo) enrol(ctx context.Context) error {
	q := control.EnrolRequest{Name: "Grace Hopper"}
	var photos []enrolment.File
	for i := 1; i <= gallery.TemplatesMax; i++ {
		name := fmt.Sprintf("enrol_%d", i)
		data, err := visits.Photo(name)
		if err != nil {
			return err
		}
		photos = append(photos, enrolment.Held(name+".jpg", data))
	}
	var err error
	if q.Photos, err = files.Photos(d.cfg, photos); err != nil {
		return fmt.Errorf("enrol the demo's customer: %w", err)
	}
	socket := control.NewClient(d.cfg.Paths.ControlSocket)
	texts, err := socket.Texts(ctx)
	if err != nil || len(texts) == 0 {
		return fmt.Errorf("enrol the demo's customer: no text to agree to: %w", err)
	}
	q.Agreed = &control.Agreed{Version: texts[0].Version, Lang: texts[0].Lang}
	c, err := socket.Enrol(ctx, q, func(string) {})
	if err != nil {
		return fmt.Errorf("enrol the demo's customer: %w", err)
	}
	d.say("  enrolled            %s, %d photos became %d encrypted templates, no photo was kept",
		c.Name, len(q.Photos), c.Templates)
	return nil
}

// waiting is the number of approvals that the cloud has not acknowledged.
func (d *demo) waiting(ctx context.Context) (int, error) {
	r, err := journal.OpenReader(ctx, d.cfg.JournalPath())
	if err != nil {
		return 0, err
	}
	b, err := r.Backlog(ctx)
	return b.Count, errors.Join(err, r.Close())
}

// watch writes down what the customer is told, and tells it when it changes.
func (d *demo) watch(v screen.View, signal string) {
	plain := strings.NewReplacer("_", " ").Replace
	text := plain(string(v.State))
	if v.Instruction != "" {
		text += ": " + plain(string(v.Instruction))
	}
	d.mu.Lock()
	n := d.note
	n.asked = append(n.asked, string(v.Instruction))
	changed := text != n.last && v.State != screen.Idle
	n.last = text
	d.mu.Unlock()
	if changed {
		d.step("screen: %s lamps and buzzer: %s", columns.Pad(text, 28), plain(signal))
	}
}

func (d *demo) shown(instruction string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.note.asked, instruction)
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) step(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, "  %5.1f s  %s\n", time.Since(d.note.started).Seconds(), fmt.Sprintf(format, args...))
}

// programName is how this program was called, for commands to copy.
func programName() string {
	if exe, err := os.Executable(); err == nil {
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, exe); err == nil && filepath.IsLocal(rel) {
				return rel
			}
		}
		return exe
	}
	return "smiletill"
}

// Introduce makes a terminal and a cloud of one machine known to each other, before either runs.
func Introduce(ctx context.Context, r *cloud.Receiver, cfg config.Config, dataDir string) error {
	cfg.Paths.DataDir = dataDir
	if err := config.PreparePrivateDir(dataDir); err != nil {
		return err
	}
	k, err := signature.OpenKey(cfg.TerminalKeyPath(), cryptorand.Reader) // a start seals it, if it is to be
	if err != nil {
		return err
	}
	text, err := signature.EncodePublic(r.Key())
	if err != nil {
		return err
	}
	return errors.Join(
		r.Trust(ctx, reporting.Address(cfg), k.Public()),
		os.WriteFile(cfg.CloudKeyPath(), text, 0o644),
	)
}
