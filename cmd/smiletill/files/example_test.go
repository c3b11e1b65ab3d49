package files_test

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/models"
)

// The models in force are the built-in ones where a shop brought none of its own.
func ExampleOpenModels() {
	cfg := config.Default()
	cfg.Paths.DataDir = "/nowhere"
	set, err := files.OpenModels(cfg)
	fmt.Println(set.Embedded(models.Embed), err)
	// Output: true <nil>
}
