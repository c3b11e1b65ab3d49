package screen

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// customer gives one who is enrolled, or says that there is none.
func (l *shopTill) customer(id string) (*CounterCustomer, error) {
	i := slices.IndexFunc(l.folk, func(c CounterCustomer) bool { return c.ID == id })
	if i < 0 {
		return nil, &CounterError{Why: RefusedCustomer, What: "no such customer"}
	}
	return &l.folk[i], nil
}

func (l *shopTill) Customers(context.Context) ([]CounterCustomer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble != nil {
		return nil, l.trouble
	}
	return slices.Clone(l.folk), nil
}

func (l *shopTill) SetCustomerPIN(_ context.Context, id, pin string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "customer pin "+id)
	if l.trouble != nil {
		return l.trouble
	}
	c, err := l.customer(id)
	if err != nil {
		return err
	}
	if pin == "1234" {
		return &CounterError{Why: RefusedPIN, What: "not a usable PIN"}
	}
	c.PIN = pin != ""
	return nil
}

func (l *shopTill) ForgetCustomer(_ context.Context, id string) (CounterErased, error) {
	l.mu.Lock()
	slow := l.slow
	l.asked = append(l.asked, "forget "+id)
	e := CounterErased{Receipt: json.RawMessage(`{"signature":"abc"}`), Customer: id,
		At: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Templates: 5, Smile: true, Consent: true, PIN: true,
		Payments: 3, Unreported: 1}
	var err error
	if l.running() != nil {
		err = &CounterError{Why: RefusedBusy, What: "another payment is running"}
	} else if !slices.Contains(l.forgotten, id) {
		if _, err = l.customer(id); err == nil {
			l.folk = slices.DeleteFunc(l.folk, func(c CounterCustomer) bool { return c.ID == id })
			l.forgotten = append(l.forgotten, id)
		}
	}
	l.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return e, err
}

func (l *shopTill) BlockCustomer(_ context.Context, id string, blocked bool, why string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, fmt.Sprintf("block %s %t %s", id, blocked, why))
	c, err := l.customer(id)
	if err == nil {
		c.Blocked = blocked
	}
	return err
}

func (l *shopTill) ExtractOf(_ context.Context, id string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.customer(id); err != nil {
		return nil, err
	}
	return []byte(`{"id":"` + id + `"}`), nil
}

func (l *shopTill) Consent(context.Context) (CounterConsent, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body := "What you agree to\n\n" + strings.Repeat("This shop can take payments by your face. ", 12) +
		"\n\nYou can take it back at any time."
	return CounterConsent{Clerk: l.clerk, Digits: l.narrow, Pictures: 5, Texts: []CounterText{
		{Lang: "en", Version: "aa01", Body: body},
		{Lang: "de", Version: "bb02", Body: "Worin Sie einwilligen\n\n" + body}}}, nil
}

func (l *shopTill) Enrol(ctx context.Context, e CounterEnrol) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.page = ctx
	if e.Token == l.begun {
		return nil
	}
	pin := e.PIN
	if pin != "" {
		pin = "a PIN"
	}
	l.asked = append(l.asked, strings.TrimSpace(fmt.Sprintf("enrol %s %s %s %s %s %s", e.Name+e.Again,
		e.Version, e.Lang, e.Explained, pin, e.Digits)))
	for _, c := range l.folk {
		if e.Name != "" && c.Name == e.Name {
			return &CounterError{Why: RefusedTaken, What: "the name is taken"}
		}
	}
	l.begun, l.enrols = e.Token, CounterEnrolment{State: EnrolLook}
	return nil
}

func (l *shopTill) Enrolment(_ context.Context, token string, stop bool) (CounterEnrolment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token != l.begun {
		return CounterEnrolment{}, &CounterError{Why: RefusedNotBegun, What: "nobody is being enrolled"}
	}
	if stop && !l.enrols.Ended && !l.tooLate {
		l.asked = append(l.asked, "withdrawn")
		l.enrols = CounterEnrolment{Ended: true, Failed: &CounterError{Why: RefusedWithdrawn, What: "taken back"}}
	}
	return l.enrols, nil
}

func (l *shopTill) Vouch(_ context.Context, id, name, pin string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "vouch "+id+" "+name)
	if pin != "915372" {
		return &CounterError{Why: RefusedSecond, What: "PIN is wrong"}
	}
	return nil
}
