package trial_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
)

// The models in force are the embedded ones where a shop brought none of its own.
func ExampleOpenModels() {
	cfg := config.Default()
	cfg.Paths.DataDir = "/nowhere"
	set, err := trial.OpenModels(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, task := range models.Tasks() {
		fmt.Println(task, set.Embedded(task))
	}
	// Output:
	// detect true
	// mesh true
	// embed true
	// liveness true
}
