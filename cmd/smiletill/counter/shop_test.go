package counter

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

func TestMatches(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p := payment.Payment{ID: "counter-7f3a", Reference: "Tisch 4 Hinten",
		OpenedAt: time.Date(2026, 12, 24, 23, 5, 9, 0, time.UTC),
		Amount:   payment.Amount{Minor: 1250, Currency: "EUR"}}
	for text, want := range map[string]bool{
		"": true, "12,50": true, "12.50": true, "12": true, "12.5": false, "1": false, "7f3a": true, "TISCH": true,
		"hinten 12,50": true, "hinten 13": false, "25.12.": true, "24.12.": false, "2026-12-25": true,
		"25.12.2026": true, "00:05": true, "00:05:09": true, "23:05": false,
	} {
		if got := matches(p, strings.Fields(strings.ToLower(text)), berlin); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	yen := payment.Payment{Amount: payment.Amount{Minor: 500, Currency: "JPY"}}
	if !matches(yen, []string{"500"}, berlin) || matches(yen, []string{"50"}, berlin) {
		t.Error("an amount without decimals")
	}
}

// TestSearchAndDay asks a journal of 1,200 payments: pages are followed, and what is found is bounded.
func TestSearchAndDay(t *testing.T) {
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	pins, err := pin.Open(t.Context(), filepath.Join(t.TempDir(), "pins.db"), j.Elapsed, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pins.Close() }()
	d := desk(j, pins)
	for n := range 1200 {
		amount := payment.Amount{Minor: 100, Currency: "EUR"}
		if n == 3 {
			amount.Minor = 777
		}
		p, err := payment.Open(payment.Request{ID: "p" + strconv.Itoa(n),
			Amount: amount}, time.Now(), time.Minute)
		if err == nil {
			err = j.Commit(t.Context(), p)
		}
		if err == nil {
			p, err = payment.Next(p, payment.Cancelled{By: payment.ByOperator}, time.Now())
		}
		if err == nil {
			err = j.Commit(t.Context(), p)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	found, all, err := d.Search(clerk(t.Context()), "7,77", 50)
	if err != nil || !all || len(found) != 1 || found[0].Amount != "7.77" {
		t.Errorf("%+v, %t, %v", found, all, err)
	}
	found, all, err = d.Search(clerk(t.Context()), "p", 50)
	if err != nil || all || len(found) != 50 {
		t.Errorf("%d found, %t, %v", len(found), all, err)
	}
	day, err := d.Day(clerk(t.Context()))
	if err != nil || len(day.Sums) != 1 || day.Sums[0].Unpaid != 1200 || day.Sums[0].Net != "0.00" ||
		len(day.Open) != 1 || day.Open[0].Unpaid != 1200 {
		t.Errorf("%+v, %v", day, err)
	}
	var table strings.Builder
	err = d.Table(clerk(t.Context()), &table, "", "", "de")
	if err != nil || strings.Count(table.String(), "\r\n") != 1 {
		t.Errorf("%q, %v", table.String(), err)
	}
	c, err := d.CloseDay(clerk(t.Context()), "one")
	if err != nil || c.Number != 1 || c.By != pin.Unnamed {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := d.CloseDay(t.Context(), "nobody"); !strings.Contains(fmt.Sprint(err), "not allowed") {
		t.Errorf("a clerk who has left: %v", err)
	}
	if day, err = d.Day(clerk(t.Context())); err != nil || len(day.Open) != 0 || len(day.Closings) != 1 {
		t.Errorf("%+v, %v", day, err)
	}
	_, err = d.CloseDay(clerk(t.Context()), "two")
	if e, ok := err.(*screen.CounterError); !ok || e.Why != screen.RefusedNothing || e.Open {
		t.Errorf("%v", err)
	}
}

// desk is the page's terminal with a journal and no more.
func desk(j *journal.Journal, pins *pin.Store) Desk {
	p := Parts{Journal: j, PINs: pins, Log: slog.New(slog.DiscardHandler)}
	return Desk{Open: func() (Parts, error) { return p, nil }}
}

// clerk is a request from the page of the clerk without a name.
func clerk(ctx context.Context) context.Context { return screen.WithClerk(ctx, pin.Unnamed) }
