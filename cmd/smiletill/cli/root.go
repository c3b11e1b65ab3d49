package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/till"
	"smiletill/payment"
)

// Exit codes, so that a script can tell a refused payment from a broken terminal.
const (
	exitOK       = 0
	exitFailed   = 1 // something is broken: the error and its hint say what
	exitUsage    = 2 // the command line or the configuration is wrong
	exitNotPayed = 3 // `smiletill pay`: the terminal works, the payment was not approved
)

// exitError carries an exit code other than exitFailed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader // nil: nothing is read
	Out, Err io.Writer
}

// Run runs one command line of a program of some version and returns the process's exit code.
func Run(ctx context.Context, version string, args []string, s Streams) int {
	root := rootCommand(version)
	root.SetArgs(args)
	if s.In == nil {
		s.In = strings.NewReader("")
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	understood := false
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		understood = true
		return checkGiven(cmd, args)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if payment.HintOf(err) == "" && (!understood || missing.MatchString(err.Error())) {
		err = config.Usage(misused(cmd, err)) // an unknown command, too many or too few arguments, no such flag
	}
	fmt.Fprintf(s.Err, "error: %v\n", err)
	if h := hintOf(cmd, err); h != "" {
		fmt.Fprintf(s.Err, "hint:  %s\n", h)
	}
	return codeOfError(err)
}

// hintOf is what to do about an error. Where the system refused a file it is not the file that is to be
// changed: settings, payments and faces are the terminal's alone on purpose.
func hintOf(cmd *cobra.Command, err error) string {
	h := config.PermissionHint(err)
	switch {
	case h == "":
		return payment.HintOf(err)
	case cmd.Name() == "run" && os.Geteuid() != 0:
		return "the installed terminal is started by `sudo systemctl start smiletill`; one of your own needs its " +
			"own settings and folder (--config, --paths-data-dir)"
	}
	return h
}

// codeOfError is the exit code that an error stands for.
func codeOfError(err error) int {
	var (
		own     *exitError
		usage   *config.UsageError
		notDone *till.NotDoneError
	)
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &notDone):
		return exitNotPayed
	}
	return exitFailed
}

// app is what the subcommands share: what they are part of, and where the configuration comes from.
type app struct {
	version    string // of the program
	configPath string
}

func rootCommand(version string) *cobra.Command {
	a := &app{version: version}
	root := &cobra.Command{
		Use:   "smiletill",
		Short: "A payment terminal that takes payment with a face",
		Long: "smiletill is a payment terminal that takes payment with a face: the customer looks at the\n" +
			"camera, sees the amount, smiles, and has paid. Faces stay on the device, encrypted; money is\n" +
			"journalled before anything blinks.",
		Example: "  smiletill demo           # a shop day on a simulated board\n" +
			"  smiletill run            # be the terminal\n" +
			"  smiletill pay 1.50 EUR   # take a payment on the running terminal",
		SilenceUsage:  true,
		SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{
			HiddenDefaultCmd: true,
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVarP(&a.configPath, "config", "c", os.Getenv("SMILETILL_CONFIG"),
		"configuration file (default /etc/smiletill/smiletill.toml where it exists)")
	root.AddGroup(
		&cobra.Group{ID: "till", Title: "At the till:"},
		&cobra.Group{ID: "desk", Title: "Behind the counter:"},
		&cobra.Group{ID: "tech", Title: "For the technician:"},
	)
	root.AddCommand(
		runCommand(a),
		demoCommand(a),
		payCommand(a),
		reverseCommand(a),
		counterCommand(a),
		clerksCommand(a),
		enrolCommand(a),
		customersCommand(a),
		journalCommand(a),
		totalsCommand(a),
		modelsCommand(a),
		cameraCommand(a),
		boardCommand(a),
		kioskCommand(a),
		statusCommand(a),
		tamperCommand(a),
		keyCommand(a),
		registerCommand(a),
		vendingCommand(a),
		cloudCommand(),
		accuracyCommand(a),
		attackCommand(a),
		benchCommand(a),
		setupCommand(a),
		flashCommand(),
		updateCommand(a),
		backupCommand(a),
		restoreCommand(a),
		grouped("tech", bound(configCommand(a.load))),
		cropsCommand(),
		versionCommand(a),
		probeCommand(),
	)
	root.AddCommand(doctorCommands(a)...)
	root.AddCommand(eraseCommands(a)...)
	return root
}

func bound(c *cobra.Command) *cobra.Command {
	config.BindFlags(c.Flags())
	return c
}

func grouped(id string, c *cobra.Command) *cobra.Command {
	c.GroupID = id
	return c
}

// load reads the configuration with the command's flags. What is wrong with it is the command line's fault.
func (a *app) load(cmd *cobra.Command) (config.Config, error) {
	c, err := config.Load(a.configPath, cmd.Flags(), os.Environ())
	if err != nil {
		return config.Config{}, config.Usage(err)
	}
	return c, nil
}

// bindHidden lets a command take every configuration flag, but shows only those that say where the terminal's
// files are: `smiletill run --help` lists them all.
func bindHidden(cmd *cobra.Command) {
	config.BindFlags(cmd.Flags())
	config.HideFlags(cmd.Flags())
}
