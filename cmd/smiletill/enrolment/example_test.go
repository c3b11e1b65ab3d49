package enrolment_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/payment/journal"
	"smiletill/vision/gallery"
)

// Somebody was enrolled while the terminal did not run: its start writes it down.
func ExampleTrail_Customers() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, quiet := context.Background(), slog.New(slog.DiscardHandler)
	j, err := journal.Open(ctx, filepath.Join(dir, "journal.db"), journal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = j.Close() }()
	model := gallery.Model{SHA256: strings.Repeat("a1", 32), Agree: 0.5, Same: 0.6}
	g, err := gallery.Open(filepath.Join(dir, "gallery"), model, quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = g.Enrol("Ada", pictures(), nil)
	err = errors.Join(err, enrolment.NewTrail(j, g, enrolment.Keeps{}, quiet).Customers(ctx))
	all, also := j.Audits(ctx, 9)
	if err := errors.Join(err, also, g.Close()); err != nil || len(all) != 1 {
		fmt.Println(all, err)
		return
	}
	fmt.Println(all[0].What, all[0].Offline)
	// Output: customer_enrolled true
}

// pictures are three templates of one face.
func pictures() (all [][]float32) {
	for i := range 3 {
		v := make([]float32, 192)
		v[0], v[1+i] = 0.95, 0.3122499
		all = append(all, v)
	}
	return all
}
