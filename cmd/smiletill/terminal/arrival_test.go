//go:build !notflite

package terminal_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending/machine"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// TestCustomerComesOver: a customer of the small set pays by it when the default one is in force. A payment
// by face alone changes nothing; one with the PIN, in the light, enrols the customer for the set in force.
// The facts say which model knew the customer, and that the faces were compared.
func TestCustomerComesOver(t *testing.T) {
	t.Parallel()
	s := beforeTheSwap(t)
	s.answersTheLight()
	s.Open()
	s.Opened()
	s.pays("alone", "4.20", false, models.Small)
	s.galleryRow("1 customer was enrolled with the model before")

	customer := s.Term.Gallery().Stale()[0].ID
	s.Stdin(terminaltest.RightPIN + "\n")
	s.does("customers", "pin", customer)
	s.pays("with PIN", "6.00", true, models.Small)
	s.Eventually("the customer to come over", func() bool { return len(s.Term.Gallery().Stale()) == 0 })
	last, err := s.reader().Customers(t.Context())
	if a := last[customer]; err != nil || a.What != journal.CustomerRenewed || !a.Carried || a.Unmatched ||
		a.Record == "" {
		t.Errorf("the journal has %+v, %v", a, err)
	}
	s.pays("by the new model", "4.30", false, "")
	if out := s.does("customers", "list"); !strings.Contains(out, "yes  can pay\n") {
		t.Errorf("customers list:\n%s", out)
	}
}

// beforeTheSwap is a shop with a customer of the small set, and the default set in force.
func beforeTheSwap(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	cfg := s.Config()
	if err := errors.Join(config.PreparePrivateDir(cfg.Paths.DataDir),
		os.Symlink(models.Small, cfg.InstalledModels())); err != nil { // as `smiletill models swap` does
		t.Fatal(err)
	}
	s.EnrolCustomer()
	if err := os.Remove(cfg.InstalledModels()); err != nil {
		t.Fatal(err)
	}
	return s
}

// answersTheLight has payments demand the light, and the customer's film answer it.
func (s *shop) answersTheLight() {
	s.T.Helper()
	s.Flags = append(s.Flags, "--liveness-mode", "on", "--camera-realtime=false",
		"--camera-source", "replay:visit", "--pin-amount-max", "5.00")
	s.Mirror = &demo.Mirror{}
	s.Source = film(s.T, "customer_smile", func(f []byte) []byte { return f }).Play(
		camera.Playback{Clock: visits.FPS, Loop: true})
}

// sells serves a machine in a mode, with products of up to 7.00.
func (s *shop) sells(mode string) *street {
	s.T.Helper()
	link := filepath.Join(s.Dir, "adapter")
	m, _ := newStreet(s.T, link, machine.Options{Decimals: 2, Motor: 200 * time.Millisecond,
		AuthoriseFirst: mode == "authorise-first"})
	s.Flags = append(s.Flags, "--vending-port", link, "--vending-mode", mode, "--payment-amount-max", "7.00")
	return m
}

// sold waits for the approval of a machine's only payment.
func (s *shop) sold() (p payment.Payment) {
	s.T.Helper()
	cfg := s.Config()
	var all []journal.Entry
	defer func() {
		if s.T.Failed() {
			s.T.Logf("what was paid: %+v", all)
		}
	}()
	s.Eventually("its approval", func() bool {
		all = vends(s.T, cfg.JournalPath())
		if len(all) != 1 || all[0].Payment.State != payment.StateApproved {
			return false
		}
		p = all[0].Payment
		return true
	})
	return p
}

// TestVendingByTheModelBefore: a customer of the model before pays at a machine with the PIN, in the light,
// and comes over by it; and one is offered at a machine that wants the customer first.
func TestVendingByTheModelBefore(t *testing.T) {
	t.Parallel()
	s := beforeTheSwap(t)
	s.answersTheLight()
	m := s.sells("always-idle")
	s.Open()
	s.Opened()
	s.Stdin(terminaltest.RightPIN + "\n" + terminaltest.RightPIN + "\n")
	s.does("customers", "pin", s.Term.Gallery().Stale()[0].ID)
	m.choose(t, "6.00", "10")
	s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
	s.typePIN(s.View().Asked, terminaltest.RightPIN)
	if p := s.sold(); !p.PIN || p.Amount.Minor != 600 {
		t.Errorf("sold: %+v", p)
	}
	s.Eventually("the customer to come over", func() bool { return len(s.Term.Gallery().Stale()) == 0 })

	s = beforeTheSwap(t)
	m = s.sells("authorise-first")
	s.Open()
	s.Opened()
	s.Eventually("an offer", func() bool { return m.said(`"c,STATUS,IDLE,7.00"`) })
	m.choose(t, "1.20", "10")
	s.sold()
	if len(s.Term.Gallery().Stale()) != 1 {
		t.Error("the face alone brought the customer over")
	}
}

// TestModelThatIsGone: of customers of a model that isn't on the device everybody who looks is told, and they
// are charged nothing.
func TestModelThatIsGone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cfg := s.Config()
	g, err := gallery.Open(cfg.GalleryDir(), gallery.Model{SHA256: strings.Repeat("ab", 32), Agree: 0.5,
		Same: 0.6}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var templates [][]float32
	for i := range 3 {
		v := make([]float32, 64)
		v[0], v[1+i] = 0.96, 0.28
		templates = append(templates, v)
	}
	if _, err := g.Enrol("Grace Hopper", templates, nil); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Pay("p1", "4.20")
	s.WantEnd("p1", "declined", "not_recognised")
	s.galleryRow("1 customer was enrolled with another model and must be enrolled again")
}

// TestEnrolAgainComparesByTheModelBefore: a customer who is left under the model before and is enrolled
// again, from photos or by camera, by a terminal that runs or by the command alone, is compared by that
// model.
func TestEnrolAgainComparesByTheModelBefore(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"photos", "camera", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			cfg := s.Config()
			if err := errors.Join(config.PreparePrivateDir(cfg.Paths.DataDir),
				os.Symlink(models.Small, cfg.InstalledModels())); err != nil {
				t.Fatal(err)
			}
			s.EnrolCustomer()
			if err := os.Remove(cfg.InstalledModels()); err != nil {
				t.Fatal(err)
			}
			if how != "stopped" {
				s.Open()
				s.Opened()
			}
			customer := strings.Fields(strings.Split(s.does("customers", "list"), "\n")[1])[0]
			args := []string{"enrol", "--again", customer, "--no-smile"}
			if how != "camera" {
				args = append(args, s.Photos("enrol_1", "enrol_2", "enrol_4")...)
			}
			if out := s.does(args...); strings.Contains(out, "nothing could tell") {
				t.Errorf("it was not compared: %s", out)
			}
			if out := s.does("customers", "list"); !strings.Contains(out, "can pay\n") {
				t.Errorf("customers list:\n%s", out)
			}
			if how == "stopped" {
				return // the journal finds it at the next start, and can't know
			}
			last, err := s.reader().Customers(t.Context())
			if a := last[customer]; err != nil || a.What != journal.CustomerRenewed || !a.Carried || a.Unmatched {
				t.Errorf("the journal has %+v, %v", a, err)
			}
		})
	}
}

// kept puts a set into the data folder, as `smiletill models swap` keeps one, and enrols customers with it
// who look like nobody.
func (s *shop) kept(customers int, change func(m *models.Model, data []byte) []byte) {
	s.T.Helper()
	cfg := s.Config()
	dir := terminaltest.CopyModels(s.T)
	terminaltest.Remake(s.T, dir, models.Embed, func(m *models.Model, data []byte) []byte {
		t := &m.Thresholds // of a network that nobody knows
		t.Match, t.Verify, t.SameFace = 0.61, 0.54, 0.46
		return change(m, data)
	})
	set, err := models.Open(dir)
	if err := errors.Join(err, config.PreparePrivateDir(cfg.Paths.DataDir),
		os.CopyFS(filepath.Join(cfg.Paths.DataDir, config.KeptModels+"1"), os.DirFS(dir))); err != nil {
		s.T.Fatal(err)
	}
	s.strangers(set.Model(models.Embed).SHA256, customers)
}

// TestModelBeforeCannotBeOpened: a network of customers who are left that the runtime refuses keeps nobody
// else from paying; its own customers are not recognised, and the terminal says so and what to do.
func TestModelBeforeCannotBeOpened(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.kept(1, func(_ *models.Model, data []byte) []byte { return data[:len(data)/2] })
	s.Open()
	s.Opened()
	s.EnrolCustomer()
	s.Pay("p1", "4.20")
	s.WantEnd("p1", "approved", "")
	s.galleryRow("1 customer was enrolled with another model and must be enrolled again")
	if out := s.does("customers", "list"); !strings.Contains(out, "must be enrolled again") {
		t.Errorf("customers list:\n%s", out)
	}
}

// does runs a command that has to work.
func (s *shop) does(args ...string) string {
	s.T.Helper()
	code, out, errs := s.Cli(args...)
	if code != 0 {
		s.T.Fatalf("%q: %d: %s%s", args, code, out, errs)
	}
	return out
}

func (s *shop) galleryRow(says string) {
	s.T.Helper()
	for _, row := range s.Term.StatusRows(s.T.Context()) {
		if row.Name == "gallery" && strings.Contains(row.Value, says) {
			return
		}
	}
	s.T.Errorf("no row of the gallery says %q: %+v", says, s.Term.StatusRows(s.T.Context()))
}

func (s *shop) reader() *journal.Reader {
	s.T.Helper()
	cfg := s.Config()
	r, err := journal.OpenReader(s.T.Context(), cfg.JournalPath())
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = r.Close() })
	return r
}

// pays pays in the light, and wants the fact to name the embedding of a set.
func (s *shop) pays(id, amount string, pin bool, set string) {
	s.T.Helper()
	id = strings.ReplaceAll(id, " ", "-")
	s.Pay(id, amount)
	if pin {
		s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
		s.typePIN(id, terminaltest.RightPIN)
	}
	s.WantEnd(id, "approved", "")
	known, err := models.Open(set)
	if err != nil {
		s.T.Fatal(err)
	}
	cfg := s.Config()
	db, err := sql.Open("sqlite", "file:"+cfg.JournalPath()+"?mode=ro")
	if err != nil {
		s.T.Fatal(err)
	}
	defer db.Close()
	var text []byte
	if err := db.QueryRowContext(context.Background(),
		`SELECT body FROM fact WHERE kind = 'approved' ORDER BY seq DESC LIMIT 1`).Scan(&text); err != nil {
		s.T.Fatal(err)
	}
	var fact struct {
		PaymentID string `json:"payment_id"`
		Models    map[string]string
	}
	if err := json.Unmarshal(text, &fact); err != nil || fact.PaymentID != id ||
		fact.Models["embed"] != known.Model(models.Embed).SHA256[:16] || fact.Models["mesh"] == "" {
		s.T.Errorf("the fact of %s: %s, %v", id, text, err)
	}
}
