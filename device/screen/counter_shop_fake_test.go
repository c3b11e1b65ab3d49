package screen

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"
)

// sums adds up what no closing has, or all of it.
func (l *shopTill) sums() []CounterSum {
	s := CounterSum{Currency: l.currency}
	paid, returned := 0, 0
	for _, p := range l.payments {
		switch {
		case p.State == Approved:
			s.Paid, paid, returned = s.Paid+1, paid+cents(p.Amount), returned+cents(p.Returned)
			if p.Returned != "" {
				s.Returned++
			}
		case p.State.result():
			s.Unpaid++
		}
	}
	if s.Paid+s.Unpaid == 0 {
		return nil
	}
	zero := func(text string) string {
		if text == "" {
			return "0.00"
		}
		return text
	}
	s.PaidAmount, s.ReturnedSum = zero(decimals(paid)), zero(decimals(returned))
	s.Net = zero(decimals(paid - returned))
	return []CounterSum{s}
}

func (l *shopTill) Day(context.Context) (CounterDay, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble != nil {
		return CounterDay{}, l.trouble
	}
	d := CounterDay{Today: time.Now().Format(time.DateOnly), Sums: l.sums(), Closings: slices.Clone(l.closings)}
	if len(l.closings) == 0 {
		d.Open = l.sums()
	}
	return d, nil
}

func (l *shopTill) CloseDay(_ context.Context, id string) (CounterClosing, error) {
	l.mu.Lock()
	slow := l.slow
	l.asked = append(l.asked, "close")
	var c CounterClosing
	var err error
	if !l.closed[id] && len(l.closings) > 0 || len(l.sums()) == 0 {
		err = &CounterError{Why: RefusedNothing, What: "nothing to close"}
	} else {
		if len(l.closings) == 0 {
			l.closings = []CounterClosing{{Number: 7, At: time.Now(), By: "Anna", Sums: l.sums()}}
			l.closed = map[string]bool{id: true}
		}
		c = l.closings[0]
	}
	l.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return c, err
}

func (l *shopTill) Search(_ context.Context, text string, n int) ([]CounterPayment, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "search "+text)
	var found []CounterPayment
	for _, id := range slices.Backward(l.order) {
		p := l.payments[id]
		if strings.Contains(p.ID+" "+p.Reference+" "+p.Amount, text) && len(found) < n {
			found = append(found, *p)
		}
	}
	return found, text != "more", nil
}

func (l *shopTill) Table(_ context.Context, w io.Writer, from, to, lang string) error {
	_, err := io.WriteString(w, "table "+from+" "+to+" "+lang)
	return err
}
