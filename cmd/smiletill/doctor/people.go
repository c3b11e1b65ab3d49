package doctor

import (
	"context"
	"path/filepath"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// names are the people whom text may name: customers and staff. known: those of all customers are among
// them. Where the settings can't be read nobody knows which customers' folder is this terminal's.
func (t Terminal) names(ctx context.Context) (all []string, known bool) {
	client := control.NewClient(t.Cfg.Paths.ControlSocket)
	people, err := ask(ctx, t, client.Customers)
	known = err == nil && t.CfgErr == nil
	for _, c := range people {
		all = append(all, c.Name)
	}
	// The folder's errors are ModelsIn's.
	records, _ := filepath.Glob(filepath.Join(t.Cfg.GalleryDir(), "*.face"))
	if _, err := gallery.ModelsIn(t.Cfg.GalleryDir()); err == nil && len(records) == 0 && t.CfgErr == nil {
		known = true // there is nobody
	}
	if clerks, err := ask(ctx, t, client.Clerks); err == nil {
		for _, c := range clerks {
			all = append(all, c.Name)
		}
	} else {
		stored, _ := pin.ClerksOf(ctx, t.Cfg.PINsPath()) // what can't be read names nobody
		for _, c := range stored {
			all = append(all, c.Name)
		}
	}
	r, err := journal.OpenReader(ctx, t.Cfg.JournalPath())
	if err != nil {
		return all, known
	}
	defer func() { _ = r.Close() }() // it was only read
	clerks, _ := r.Clerks(ctx)       // what can't be read names nobody
	for name := range clerks {
		all = append(all, name)
	}
	acts, _ := r.Audits(ctx, 1000) // likewise
	for _, a := range acts {
		for _, who := range []payment.Who{a.Who, a.Second} {
			if who.Door == "page" || who.Door == "command" {
				all = append(all, who.Name)
			}
		}
	}
	return all, known
}
