package screen

import (
	"context"
	"slices"
)

// staffed makes the shop's till one of some people, of whom the first is the owner.
func (l *shopTill) staffed(clerks ...CounterClerk) *shopTill {
	l.clerks, l.owner = clerks, clerks[0].Name
	return l
}

func (l *shopTill) Clerks(ctx context.Context) (CounterStaff, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := CounterStaff{Me: ClerkOf(ctx), Unnamed: "counter"}
	if s.May = s.Me != "" && s.Me == l.owner; s.May {
		s.Clerks = slices.Clone(l.clerks)
	}
	return s, nil
}

func (l *shopTill) may(ctx context.Context, asked string) error {
	l.asked = append(l.asked, asked)
	if ClerkOf(ctx) != l.owner || l.owner == "" {
		return &CounterError{Why: RefusedRole}
	}
	return nil
}

func (l *shopTill) at(name string) int {
	return slices.IndexFunc(l.clerks, func(c CounterClerk) bool { return c.Name == name })
}

func (l *shopTill) AddClerk(ctx context.Context, name, role, pin string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.may(ctx, "add "+name+" "+role+" "+pin); err != nil {
		return err
	}
	switch {
	case l.at(name) >= 0:
		return &CounterError{Why: RefusedKnown}
	case pin == "1234":
		return &CounterError{Why: RefusedPIN}
	}
	l.clerks = append(l.clerks, CounterClerk{name, role, true})
	return nil
}

func (l *shopTill) SetClerkRole(ctx context.Context, name, role string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.may(ctx, "role "+name+" "+role); err != nil {
		return err
	}
	switch {
	case l.at(name) < 0:
		return &CounterError{Why: RefusedGone}
	case name == l.owner && role != "owner":
		return &CounterError{Why: RefusedLastOwner}
	}
	l.clerks[l.at(name)].Role = role
	return nil
}

func (l *shopTill) SetClerkPIN(ctx context.Context, name, pin string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.may(ctx, "clerk pin "+name+" "+pin); err != nil {
		return err
	}
	if l.at(name) < 0 {
		return &CounterError{Why: RefusedGone}
	}
	l.clerks[l.at(name)].PIN = true
	return nil
}

func (l *shopTill) RemoveClerk(ctx context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.may(ctx, "remove "+name); err != nil {
		return err
	}
	if name == l.owner {
		return &CounterError{Why: RefusedLastOwner}
	}
	l.clerks = slices.Delete(l.clerks, l.at(name), l.at(name)+1)
	return nil
}
