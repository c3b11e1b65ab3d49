package enrolment

import (
	"context"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
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

// AddClerk gives somebody a role; before is as pin.Store.AddClerk's.
func AddClerk(ctx context.Context, s *pin.Store, c control.Clerk, before func(name string) error) error {
	if _, err := people.RoleOf(c.Role); err != nil {
		return err
	}
	return s.AddClerk(ctx, c.Name, c.Role, before)
}
