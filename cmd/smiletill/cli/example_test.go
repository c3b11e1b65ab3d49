package cli_test

import (
	"context"
	"fmt"
	"os"

	"smiletill/cmd/smiletill/cli"
)

// A command line that nobody understands ends with exit code 2, and says what to do.
func ExampleRun() {
	code := cli.Run(
		context.Background(),
		"v1",
		[]string{"frobnicate"},
		cli.Streams{Out: os.Stdout, Err: os.Stdout},
	)
	fmt.Println("exit code", code)
	// Output:
	// error: unknown command "frobnicate" for "smiletill"
	// hint:  `smiletill --help` lists the commands; `--help` explains each
	// exit code 2
}
