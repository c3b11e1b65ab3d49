package erasure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/register"
)

// erased is what a receipt says: what there was, and is erased.
type erased struct {
	What      string       `json:"what"` // "factory-reset" or "decommission"
	By        payment.Who  `json:"by"`
	Presence  string       `json:"presence"` // how it was known that somebody was there
	Faces     int          `json:"faces"`
	PINs      int          `json:"pins"` // of customers, and of people who work here
	Registers int          `json:"registers"`
	Payments  int          `json:"payments"`
	LastSeq   int64        `json:"last_seq"` // of the journal
	LastHash  string       `json:"last_hash,omitempty"`
	Lost      *lostReports `json:"lost,omitempty"` // nil: all was reported
	Alarm     bool         `json:"alarm,omitempty"`
	Network   bool         `json:"network,omitempty"` // Wi-Fi and the way in stay
}

// lostReports are what the cloud never acknowledged.
type lostReports struct {
	Reports int      `json:"reports"`        // of payments and what was given back
	Facts   int      `json:"facts"`          // of what was done with the terminal
	Paid    string   `json:"paid,omitempty"` // sum of the payments among them
	IDs     []string `json:"ids,omitempty"`  // of the payments, up to idsMax
	Unknown string   `json:"unknown,omitempty"`
}

// idsMax bounds how many ids a receipt names.
const idsMax = 200

// words are what is lost, in a line.
func (l *lostReports) words() string {
	if l.Unknown != "" {
		return "the journal can't be read (" + l.Unknown + "): nobody knows what is lost"
	}
	s := fmt.Sprintf("%d reports of payments", l.Reports)
	if l.Paid != "" {
		s += ", " + l.Paid + " in all"
	}
	return s + fmt.Sprintf(", and %d of what was done with the terminal, were never acknowledged by a cloud",
		l.Facts)
}

// typed is what has to be typed to lose it.
func (l *lostReports) typed() string {
	if l.Unknown != "" {
		return "lose all"
	}
	return fmt.Sprintf("lose %d", l.Reports+l.Facts)
}

// same tells whether what is lost is still what somebody has typed.
func (l *lostReports) same(other *lostReports) bool {
	if l == nil || other == nil {
		return l == other
	}
	return l.Reports == other.Reports && l.Facts == other.Facts && l.Paid == other.Paid &&
		(l.Unknown == "") == (other.Unknown == "") && slices.Equal(l.IDs, other.IDs)
}

// errRuns is that a payment has no end yet.
var errRuns = errors.New("a payment runs")

// look counts what there is. It opens nothing that a running terminal would miss.
func look(ctx context.Context, cfg config.Config) (e erased, err error) {
	if e.Faces, err = files(cfg.GalleryDir(), ".face"); err != nil {
		return e, err
	}
	e.Alarm = alarm.Stands(cfg.TamperPath())
	if some, err := register.LoadPairings(cfg.PairingsPath()); err == nil {
		e.Registers = len(some)
	}
	err = withPINs(ctx, cfg, func(s *pin.Store) error {
		customers, err := s.Customers(ctx)
		if err != nil {
			return err
		}
		clerks, err := s.Clerks(ctx)
		e.PINs = len(customers)
		for _, c := range clerks {
			if c.PIN {
				e.PINs++
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.PINs = 0 // a damaged file of PINs is erased as any
	}
	return e, e.journal(ctx, cfg)
}

// journal reads what the journal says, and fails while a payment runs.
func (e *erased) journal(ctx context.Context, cfg config.Config) (err error) {
	j, err := journal.OpenReader(ctx, cfg.JournalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		e.Lost = &lostReports{Unknown: err.Error()}
		return nil
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	all, err := j.List(ctx, journal.Filter{Limit: -1})
	var head journal.Head
	if err == nil {
		head, err = j.Head(ctx)
	}
	var rows []journal.Row
	if err == nil {
		rows, err = j.Unreported(ctx)
	}
	if err != nil {
		e.Lost = &lostReports{Unknown: err.Error()}
		return nil
	}
	e.Payments, e.LastSeq, e.LastHash = len(all), head.Seq, head.Hash
	for _, p := range all {
		if !p.Payment.State.Terminal() {
			return payment.WithHint(fmt.Errorf("%w: %s over %s", errRuns, p.Payment.ID, p.Payment.Amount),
				"wait for its end, or cancel it; one that was cut off ends when the terminal starts")
		}
	}
	e.Lost = lost(rows, all)
	return nil
}

// lost sums up rows that are not acknowledged.
func lost(rows []journal.Row, all []journal.Entry) *lostReports {
	if len(rows) == 0 {
		return nil
	}
	of := map[string]payment.Amount{}
	for _, p := range all {
		of[p.Payment.ID] = p.Payment.Amount
	}
	var l lostReports
	sums := map[string]int64{}
	for _, r := range rows {
		if r.Kind == "audit" {
			l.Facts++
			continue
		}
		l.Reports++
		if a, ok := of[r.PaymentID]; ok && r.Kind == string(payment.StateApproved) {
			sums[a.Currency] += a.Minor
		}
		if len(l.IDs) < idsMax && r.PaymentID != "" {
			l.IDs = append(l.IDs, r.PaymentID)
		}
	}
	var words []string
	for currency, minor := range sums {
		words = append(words, payment.Amount{Minor: minor, Currency: currency}.String())
	}
	slices.Sort(words)
	l.Paid = strings.Join(words, " and ")
	return &l
}

// files counts the files of a folder that end so.
func files(dir, end string) (n int, err error) {
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("count what is to be erased: %w", err)
	}
	for _, one := range all {
		if strings.HasSuffix(one.Name(), end) {
			n++
		}
	}
	return n, nil
}

// withPINs opens the PINs, where there are any, with the journal's own clock: wrong ones are counted.
func withPINs(ctx context.Context, cfg config.Config, use func(*pin.Store) error) error {
	if _, err := os.Stat(cfg.PINsPath()); err != nil {
		return err
	}
	clock := func(context.Context) (time.Duration, error) { return 0, nil } // without a journal no time passes
	if j, err := journal.OpenReader(ctx, cfg.JournalPath()); err == nil {
		defer func() { _ = j.Close() }() // it was only read
		clock = j.Elapsed
	}
	s, err := vault.Of(cfg).OpenPINs(ctx, clock)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// print writes what a receipt says, for people.
func (e erased) print(w io.Writer, source, id, at string) {
	fmt.Fprintf(w, "%s: %s on %s, by %s (%s)\nreceipt %s\n", source, e.What, at, e.By.Name, e.Presence, id)
	fmt.Fprintf(w, "erased: the keys, %d faces, %d PINs, %d registers' keys, the journal with %d payments up "+
		"to fact %d %s\n", e.Faces, e.PINs, e.Registers, e.Payments, e.LastSeq, e.LastHash)
	if e.Lost != nil {
		fmt.Fprintf(w, "lost: %s\n", e.Lost.words())
		for _, id := range e.Lost.IDs {
			fmt.Fprintf(w, "  %s\n", id)
		}
	}
	if e.Alarm {
		fmt.Fprintln(w, "the alarm of the case stood")
	}
	if e.Network {
		fmt.Fprintln(w, "Wi-Fi, addresses and the technicians' keys for ssh stayed")
	}
}

// outside are the files with secrets that settings name and that lie outside the data folder.
func outside(cfg config.Config) (all []string) {
	for _, f := range []string{cfg.MQTT.PasswordFile, cfg.MQTT.KeyFile, cfg.MQTT.CertFile, cfg.Register.KeyFile,
		cfg.Register.CertFile} {
		if rel, err := filepath.Rel(cfg.Paths.DataDir, f); f != "" && (err != nil || strings.HasPrefix(rel, "..")) {
			all = append(all, f)
		}
	}
	return all
}

func decode(data json.RawMessage) (e erased, err error) {
	err = json.Unmarshal(data, &e)
	return e, err
}
