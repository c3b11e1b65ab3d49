package trial

import (
	"context"
	"fmt"
	"io"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/models"
)

// VerifySet tells what was verified of a set that was opened from dir, and has it tried out.
func VerifySet(ctx context.Context, set models.Set, dir string, out io.Writer) error {
	t := columns.New(out)
	for _, task := range set.Tasks() {
		mod := set.Model(task)
		fmt.Fprintf(t, "%s\t%s\t%.12s\t%s\thash and length are the manifest's\n", task, mod.File, mod.SHA256,
			whence(set, task))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	got, err := tryModels(ctx, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "all load in the runtime with the manifest's shapes and types\n"+
		"on test pictures: one person's cosine is %.3f or more, another person's %.3f or less; threshold %.3f\n"+
		"the models are good\n", got.Same, got.Other, set.Model(models.Embed).Thresholds.Verify)
	return err
}

func whence(set models.Set, task models.Task) string {
	if set.Embedded(task) {
		return "built in"
	}
	return set.Dir
}

// OpenModels reads and verifies the models in force.
func OpenModels(cfg config.Config) (models.Set, error) {
	dir, err := cfg.ModelsDir()
	if err != nil {
		return models.Set{}, err
	}
	return models.Open(dir)
}
