package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// checkGiven refuses arguments and flags that are given and empty: a variable of a script that was not set
// must not mean "all that is left" or "a new id". A line of the display may be empty, a reference, and a
// setting; and what the program says to itself, where an empty folder of models is the built-in set.
func checkGiven(cmd *cobra.Command, args []string) error {
	if cmd.Hidden {
		return nil
	}
	names := strings.Fields(cmd.Use)[1:]
	for i, a := range args {
		if a == "" && cmd.Name() != "display" {
			name := fmt.Sprintf("argument %d", i+1)
			if i < len(names) {
				name = strings.Trim(names[i], "[].")
			}
			return emptyGiven(name)
		}
	}
	settings := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.BindFlags(settings)
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" && f.Name != "reference" &&
			f.Name != "config" && settings.Lookup(f.Name) == nil {
			err = emptyGiven("--" + f.Name)
		}
	})
	return err
}

func emptyGiven(name string) error {
	return config.Usage(payment.WithHint(fmt.Errorf("%s is given and empty", name),
		"leave it out, or write what is meant; in a script look whether its variable is set"))
}

// missing is what cobra says of flags without which a command does nothing.
var missing = regexp.MustCompile(`^required flag\(s\) "([^"]+)"`)

// misused says in the user's words what cobra says of a number of arguments, or of a flag that is missing.
func misused(cmd *cobra.Command, err error) error {
	if m := missing.FindStringSubmatch(err.Error()); m != nil {
		return payment.WithHintf(fmt.Errorf("%s wants --%s", cmd.CommandPath(), m[1]), "`%s --help` explains it",
			cmd.CommandPath())
	}
	if !strings.Contains(err.Error(), "arg(s)") {
		return payment.WithHint(err, "`smiletill --help` lists the commands; `--help` explains each")
	}
	given := "nothing was given"
	switch n := cmd.Flags().NArg(); {
	case n == 1:
		given = "one word was given"
	case n > 1:
		given = fmt.Sprintf("%d words were given", n)
	}
	_, takes, _ := strings.Cut(cmd.Use, " ")
	return payment.WithHintf(fmt.Errorf("%s takes %s, and %s", cmd.CommandPath(), takes, given),
		"words with a space in them stand in quotes; `%s --help` explains it", cmd.CommandPath())
}

var negative = regexp.MustCompile(` in (-[0-9.,]+)$`)

// flagError says in the user's words what is wrong with a flag. -1 is no flag, but an amount that can't be.
func flagError(cmd *cobra.Command, err error) error {
	if m := negative.FindStringSubmatch(err.Error()); m != nil && errors.As(err, new(*pflag.NotExistError)) {
		return config.Usage(payment.WithHint(fmt.Errorf("%s is negative", m[1]),
			"write the amount without a sign: `reverse` gives back, `pay` charges"))
	}
	return config.Usage(payment.WithHintf(err, "`%s --help` shows what it takes", cmd.CommandPath()))
}
