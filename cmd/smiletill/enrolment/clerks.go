package enrolment

import (
	"context"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

// ListClerks lists who has a role at the terminal by a PIN: the clerk without a name, if its PIN is set, and
// all who have one.
func ListClerks(ctx context.Context, s *pin.Store) ([]control.Clerk, error) {
	all := []control.Clerk{}
	set, err := s.Clerk().IsSet(ctx)
	if err != nil {
		return nil, err
	}
	if set {
		all = append(all, control.Clerk{Name: pin.Unnamed, Role: string(people.Clerk), PIN: true})
	}
	named, err := s.Clerks(ctx)
	for _, n := range named {
		all = append(all, control.Clerk(n))
	}
	return all, err
}

// AddClerk gives somebody a role; note is told right before.
func AddClerk(ctx context.Context, s *pin.Store, c control.Clerk, note func(journal.Audit) error) error {
	if _, err := people.RoleOf(c.Role); err != nil {
		return err
	}
	return s.AddClerk(ctx, c.Name, c.Role, func(name string) error {
		return note(journal.Audit{What: journal.ClerkAdded, Clerk: name, Keys: c.Role})
	})
}

// RemoveClerk takes somebody's role and PIN away; note is told right before.
func RemoveClerk(ctx context.Context, s *pin.Store, name string, note func(journal.Audit) error) error {
	return s.RemoveClerk(ctx, name, func(name string) error {
		return note(journal.Audit{What: journal.ClerkRemoved, Clerk: name})
	})
}
