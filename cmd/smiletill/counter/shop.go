package counter

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/books"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
)

const (
	// closingsTold is a month of days.
	closingsTold = 31
	// searchPage is how many payments are read at once, searchMost how many are looked through: a busy shop's
	// quarter of a year. Older ones are in the bookkeeper's tables.
	searchPage, searchMost = 500, 20000
)

// Day tells what came together today, and since the last closing.
func (c Desk) Day(ctx context.Context) (screen.CounterDay, error) {
	ctx, p, err := c.allowed(ctx, people.SeePayments)
	if err != nil {
		return screen.CounterDay{}, told(err)
	}
	open, err := p.Journal.OpenDay(ctx)
	if err != nil {
		return screen.CounterDay{}, told(err)
	}
	closings, err := p.Journal.Closings(ctx, closingsTold)
	if err != nil {
		return screen.CounterDay{}, told(err)
	}
	now := time.Now()
	d := screen.CounterDay{Today: now.Format(time.DateOnly), Open: sums(open.Sums)}
	if d.Sums, err = today(ctx, p.Journal, now); err != nil {
		return screen.CounterDay{}, told(err)
	}
	for _, one := range closings {
		d.Closings = append(d.Closings, closed(one))
	}
	return d, nil
}

// today adds up the day of now, by its zone.
func today(ctx context.Context, j *journal.Journal, now time.Time) ([]screen.CounterSum, error) {
	before, err := j.Before(ctx, now)
	if err != nil {
		return nil, err
	}
	day := now.Format(time.DateOnly)
	totals, err := j.Totals(ctx, journal.Range{FirstDay: day, LastDay: day, Zone: now.Location(), After: before},
		now.Location())
	if err != nil {
		return nil, err
	}
	var all []journal.ClosingSum
	untimed := map[string]int{}
	for _, t := range totals {
		at := slices.IndexFunc(all, func(s journal.ClosingSum) bool { return s.Currency == t.Currency })
		if at < 0 {
			at, all = len(all), append(all, journal.ClosingSum{Currency: t.Currency})
		}
		untimed[t.Currency] += t.Untimed
		switch s := &all[at]; t.Result {
		case "approved":
			s.Paid, s.PaidMinor = t.Count, t.Minor
		case "reversed":
			s.Returned, s.ReturnedMinor = t.Count, t.Minor
		default:
			s.Unpaid += t.Count
		}
	}
	told := sums(all)
	for i := range told {
		told[i].Untimed = untimed[told[i].Currency]
	}
	return told, nil
}

func sums(all []journal.ClosingSum) []screen.CounterSum {
	out := make([]screen.CounterSum, 0, len(all))
	for _, s := range all {
		decimal := func(minor int64) string {
			return payment.Amount{Minor: minor, Currency: s.Currency}.Decimal()
		}
		out = append(out, screen.CounterSum{Currency: s.Currency, Paid: s.Paid, PaidAmount: decimal(s.PaidMinor),
			Returned: s.Returned, ReturnedSum: decimal(s.ReturnedMinor), Net: decimal(s.Net()), Unpaid: s.Unpaid})
	}
	return out
}

func closed(c journal.Closing) screen.CounterClosing {
	return screen.CounterClosing{Number: c.Number, At: c.At, AtUnsure: !c.TimeTrusted, By: c.Who.Name,
		Sums: sums(c.Sums)}
}

// CloseDay closes the day, once for each id.
func (c Desk) CloseDay(ctx context.Context, id string) (screen.CounterClosing, error) {
	ctx, p, err := c.allowed(ctx, people.GiveBack) // whoever answers for the till's money
	if err != nil {
		return screen.CounterClosing{}, told(err, people.ErrNotAllowed)
	}
	one, err := p.Journal.CloseDay(ctx, id, time.Now(), journal.ClockSet(), people.From(ctx))
	switch {
	case errors.Is(err, journal.ErrNothingToClose):
		return screen.CounterClosing{}, &screen.CounterError{Why: screen.RefusedNothing, What: err.Error(),
			Do: payment.HintOf(err)}
	case err != nil:
		return screen.CounterClosing{}, told(err, payment.ErrRequest)
	}
	p.Log.Info("the day was closed", "closing", one.Number)
	return closed(one), nil
}

// Search looks through the latest payments for those in which each word of text is: in the id, the reference,
// the amount, the day or the time.
func (c Desk) Search(
	ctx context.Context, text string, n int,
) (found []screen.CounterPayment, all bool, err error) {
	ctx, p, err := c.allowed(ctx, people.SeePayments)
	if err != nil {
		return nil, false, told(err)
	}
	words := strings.Fields(strings.ToLower(text))
	looked := 0
	for before := int64(0); looked < searchMost; {
		entries, err := p.Journal.List(ctx, journal.Filter{Before: before, Limit: searchPage})
		if err != nil {
			return nil, false, told(err)
		}
		for _, e := range entries {
			before = e.Seq
			if !matches(e.Payment, words, time.Local) {
				continue
			}
			if len(found) == n {
				return found, false, nil
			}
			found = append(found, entry(p, e))
		}
		if looked += len(entries); len(entries) < searchPage {
			return found, true, nil
		}
	}
	return found, false, nil
}

// matches tells whether each word is in a payment. An amount is found with a comma or a point, and without
// its decimals; a day as 24.12., 24.12.2026 or 2026-12-24; a time as 14:05.
func matches(p payment.Payment, words []string, zone *time.Location) bool {
	at, amount := p.OpenedAt.In(zone), p.Amount.Decimal()
	id, reference := strings.ToLower(p.ID), strings.ToLower(p.Reference)
	for _, w := range words {
		number := strings.Replace(w, ",", ".", 1)
		switch {
		case strings.Contains(id, w), strings.Contains(reference, w):
		case number == amount, strings.TrimRight(number, ".")+"." == amount[:strings.Index(amount, ".")+1]:
		case w == at.Format("15:04"), w == at.Format(time.TimeOnly), w == at.Format(time.DateOnly):
		case w == at.Format("2.1."), w == at.Format("02.01."), w == at.Format("2.1.2006"),
			w == at.Format("02.01.2006"):
		default:
			return false
		}
	}
	return true
}

// Table writes the payments of some days for a spreadsheet.
func (c Desk) Table(ctx context.Context, w io.Writer, from, to, lang string) error {
	ctx, p, err := c.allowed(ctx, people.SeePayments)
	if err != nil {
		return told(err)
	}
	last, err := p.Journal.Last(ctx) // and nothing that a power cut could take back
	if err != nil {
		return told(err)
	}
	days := journal.Range{FirstDay: from, LastDay: to, Zone: time.Local, Upto: cmp.Or(last, 1)}
	if err := books.Payments(ctx, w, p.Journal, days, lang); err != nil {
		return told(err)
	}
	return nil
}
