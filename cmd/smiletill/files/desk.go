package files

import (
	"context"
	"os"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
)

// Desk is where enrolled customers and clerks are kept.
type Desk interface {
	control.Clerks
	Customers(ctx context.Context) ([]control.Customer, error)
	Enrol(ctx context.Context, q control.EnrolRequest, progress func(text string)) (control.Customer, error)
	Remove(ctx context.Context, id string) error
	SetPIN(ctx context.Context, id, digits string) error
}

// DeskOf gives the desk of the running terminal, or that of its files while none runs.
func DeskOf(ctx context.Context, cfg config.Config) Desk {
	if c := control.NewClient(cfg.Paths.ControlSocket); c.Running(ctx) {
		return c
	}
	return New(cfg, config.Logger(cfg.Log, os.Stderr))
}
