package intent_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Somebody adds a clerk while no terminal runs, and is cut short with the next one: the next start sees both,
// and looks itself what came of the second.
func Example() {
	dir, err := os.MkdirTemp("", "intent")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := people.With(context.Background(), payment.Who{Role: "owner", Name: "berta", Door: "command"})
	for name, fault := range map[string]error{"Anna": nil, "Cleo": errors.New("cut short")} {
		_ = intent.In(dir).ByCommand(ctx, func(note func(journal.Audit) error) error {
			return errors.Join(note(journal.Audit{What: journal.ClerkAdded, Clerk: name}), fault)
		})
	}
	err = intent.In(dir).Take(func(all []intent.Note) ([]intent.Note, error) {
		for _, n := range all {
			fmt.Println(n.Clerk, "by", n.Who.Name, "done:", n.Done)
		}
		return nil, nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// Anna by berta done: true
	// Cleo by berta done: false
}
