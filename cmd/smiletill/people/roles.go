package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"smiletill/payment"
)

// Role is what somebody works at a terminal as.
type Role string

// The roles. Whoever has several may do what each of them may.
const (
	Owner      Role = "owner"
	Technician Role = "technician"
	Clerk      Role = "clerk"
)

// Roles gives all of them, the one that may do the least with people's data and money last.
func Roles() []Role { return []Role{Owner, Clerk, Technician} }

// RoleOf reads a role.
func RoleOf(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", payment.WithHint(fmt.Errorf("%w: %q", errNoRole, text), "there are owner, technician and clerk")
}

// Act is something that is done with a terminal, in words.
type Act string

// The acts.
const (
	SeeStatus      Act = "see how it does"
	Pay            Act = "take payments"
	GiveBack       Act = "give back"
	SeePayments    Act = "see payments"
	SeeCustomers   Act = "see customers"
	Enrol          Act = "enrol and renew"
	Vouch          Act = "vouch for a renewal"
	Remove         Act = "remove and forget"
	SetPIN         Act = "set customers' PINs"
	Block          Act = "block and unblock"
	EndAlarm       Act = "end an alarm"
	Serve          Act = "reload, calibrate, unpark"
	SendAsRegister Act = "send as a register"
	PairRegisters  Act = "pair registers"
	ManageClerks   Act = "change clerks"
	Erase          Act = "erase the terminal"
)

// acts gives all of them.
func acts() []Act {
	return []Act{SeeStatus, Pay, GiveBack, SeePayments, SeeCustomers, Enrol, Vouch, Remove, SetPIN,
		Block, EndAlarm, Serve, SendAsRegister, PairRegisters, ManageClerks, Erase}
}

// May is the table of who may do what: the only one. A technician mends the machine, and has no business with
// customers' names and the till's money; a clerk works with both, and not on the machine.
func (r Role) May(a Act) bool {
	switch r {
	case Owner:
		return slices.Contains(acts(), a)
	case Technician:
		return slices.Contains([]Act{SeeStatus, Pay, EndAlarm, Serve, SendAsRegister,
			PairRegisters, Erase}, a)
	case Clerk:
		return slices.Contains([]Act{SeeStatus, Pay, GiveBack, SeePayments, SeeCustomers, Enrol, Vouch,
			Remove, SetPIN, Block}, a)
	}
	return false
}

// Sentence is what a role may do, as ARCHITECTURE.md says it.
func (r Role) Sentence() string {
	var all []string
	for _, a := range acts() {
		if r.May(a) {
			all = append(all, string(a))
		}
	}
	return strings.Join(all, ", ")
}

var (
	// errNoRole is of somebody, or of a word, that has no role here.
	errNoRole = errors.New("no such role")
	// ErrNotAllowed is of somebody whose roles don't do it.
	ErrNotAllowed = errors.New("not allowed")
)

// Someone is who asks for something, and what they are here.
type Someone struct {
	Name  string // a Unix user's, or a clerk's
	Door  string // by which they are known: see payment.Who
	Roles []Role
}

// The doors of payment.Who.
const (
	Socket = "socket"
	Page   = "page"
	Screen = "screen"

	command = "command" // on the terminal's files: see Here
)

// As gives who does an act, in the role that suffices for it: the least of them. ErrNotAllowed if none does.
func (s Someone) As(a Act) (payment.Who, error) {
	for i := range Roles() {
		r := Roles()[len(Roles())-1-i]
		if slices.Contains(s.Roles, r) && r.May(a) {
			return payment.Who{Role: string(r), Name: s.Name, Door: s.Door}, nil
		}
	}
	var enough []string
	for _, r := range Roles() {
		if r.May(a) {
			enough = append(enough, string(r))
		}
	}
	is := "has no role at this terminal"
	if len(s.Roles) > 0 {
		is = fmt.Sprintf("is %s", joined(s.Roles))
	}
	do := fmt.Sprintf("it takes one who is %s: put sudo before the command, or have the owner put the user "+
		"into the group %s%s (usermod -aG), then log in again",
		strings.Join(enough, " or "), groupPrefix, enough[0])
	if s.Door != Socket {
		do = fmt.Sprintf("it takes one who is %s: `smiletill clerks add NAME --role ROLE` gives a role",
			strings.Join(enough, " or "))
	}
	return payment.Who{}, payment.WithHint(fmt.Errorf("%s: %w: %s %s", a, ErrNotAllowed, s.Name, is), do)
}

func joined(all []Role) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = string(r)
	}
	return strings.Join(words, " and ")
}

type contextKey int

const (
	whoKey contextKey = iota
	someoneKey
)

// With gives a request the one who does it, for the fact that it leaves.
func With(ctx context.Context, w payment.Who) context.Context {
	return context.WithValue(ctx, whoKey, w)
}

// From gives who does a request; nobody where that is not known: the terminal itself, or one of its files.
func From(ctx context.Context) payment.Who {
	w, _ := ctx.Value(whoKey).(payment.Who)
	return w
}

// Arrived gives a request the one who asks.
func Arrived(ctx context.Context, s Someone) context.Context {
	return context.WithValue(ctx, someoneKey, s)
}

// Asking gives who asks; of nobody who arrived, someone without a role.
func Asking(ctx context.Context) Someone {
	s, _ := ctx.Value(someoneKey).(Someone)
	return s
}
