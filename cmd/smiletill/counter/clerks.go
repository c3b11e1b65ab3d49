package counter

import (
	"context"
	"errors"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
)

// Clerks lists who works here, for who may change it.
func (c Desk) Clerks(ctx context.Context) (screen.CounterStaff, error) {
	s := screen.CounterStaff{Me: screen.ClerkOf(ctx), Unnamed: pin.Unnamed, Clerks: []screen.CounterClerk{}}
	ctx, _, err := c.allowed(ctx, people.ManageClerks)
	if errors.Is(err, people.ErrNotAllowed) {
		return s, nil
	}
	if err != nil {
		return s, told(err)
	}
	all, err := c.People.Clerks(ctx)
	if err != nil {
		return s, told(err)
	}
	for _, one := range all {
		s.Clerks = append(s.Clerks, screen.CounterClerk(one))
	}
	s.May = true
	return s, nil
}

// AddClerk gives somebody new a role, and then the PIN, which is looked at before.
func (c Desk) AddClerk(ctx context.Context, name, role, digits string) error {
	ctx, p, err := c.allowed(ctx, people.ManageClerks)
	if err != nil {
		return clerkRefused(err)
	}
	if err := errors.Join(pin.CheckName(name), pin.Check(digits)); err != nil {
		return clerkRefused(err)
	}
	if _, err := p.PINs.Find(ctx, name); !errors.Is(err, pin.ErrUnknownClerk) {
		if err == nil {
			err = errKnown
		}
		return clerkRefused(err)
	}
	err = c.People.AddClerk(ctx, control.Clerk{Name: name, Role: role})
	if err == nil {
		err = c.People.SetClerkPIN(ctx, name, digits)
	}
	return clerkRefused(err)
}

// SetClerkRole gives somebody who works here another role, but for the clerk without a name.
func (c Desk) SetClerkRole(ctx context.Context, name, role string) error {
	ctx, p, err := c.allowed(ctx, people.ManageClerks)
	if err == nil {
		_, err = p.PINs.Find(ctx, name) // nobody new comes by this
	}
	if err == nil {
		err = c.People.AddClerk(ctx, control.Clerk{Name: name, Role: role})
	}
	return clerkRefused(err)
}

// SetClerkPIN gives somebody another PIN.
func (c Desk) SetClerkPIN(ctx context.Context, name, digits string) error {
	ctx, _, err := c.allowed(ctx, people.ManageClerks)
	if err == nil {
		err = pin.Check(digits) // no digits would take it away
	}
	if err == nil {
		err = c.People.SetClerkPIN(ctx, name, digits)
	}
	return clerkRefused(err)
}

// RemoveClerk takes role and PIN away; of the clerk without a name the PIN.
func (c Desk) RemoveClerk(ctx context.Context, name string) error {
	ctx, _, err := c.allowed(ctx, people.ManageClerks)
	switch {
	case err != nil:
	case name == pin.Unnamed:
		err = c.People.SetClerkPIN(ctx, name, "")
	default:
		err = c.People.RemoveClerk(ctx, name)
	}
	return clerkRefused(err)
}

// errKnown says that somebody has the name already, whom a second entry would change.
var errKnown = errors.New("somebody of that name works here already")

// clerkRefused is an error as the owner reads it.
func clerkRefused(err error) error {
	if err == nil {
		return nil
	}
	for _, one := range []struct {
		err error
		why screen.Refusal
	}{
		{people.ErrNotAllowed, screen.RefusedRole}, {errKnown, screen.RefusedKnown},
		{pin.ErrClerkName, screen.RefusedName}, {pin.ErrPIN, screen.RefusedPIN},
		{pin.ErrUnknownClerk, screen.RefusedGone}, {pin.ErrLastOwner, screen.RefusedLastOwner},
	} {
		if errors.Is(err, one.err) {
			// The page's own words say all of it: what the terminal says is for its command line.
			return &screen.CounterError{Why: one.why, Do: payment.HintOf(err)}
		}
	}
	return told(err)
}
