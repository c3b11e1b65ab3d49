package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/payment"
	"smiletill/payment/pin"
)

func customersPINCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "pin ID", Short: "Give a customer a PIN, or take it away",
		Long: "Give a customer a PIN, which the terminal asks for where a face alone is not enough\n" +
			"(section [pin] of the configuration). The customer types it here, unseen, twice;\n" +
			"from a pipe one line is read. It is kept as an Argon2id hash. A new PIN ends a lock.",
		Example: "  smiletill customers pin c4f1\n  smiletill customers pin c4f1 --remove",
		Args:    cobra.ExactArgs(1),
	}
	a.changesPIN(cmd, func(args []string) string { return "customer " + args[0] },
		func(ctx context.Context, cfg config.Config, args []string, digits string) error {
			return files.DeskOf(ctx, cfg).SetPIN(ctx, args[0], digits)
		})
	return cmd
}

// askNewPIN reads a PIN twice from a terminal, without showing it, or one line of a pipe.
func askNewPIN(in io.Reader, out io.Writer) (string, error) {
	return unseen{"PIN", "New PIN: ", true, pin.Check}.ask(in, out)
}

// unseen is what is typed without being shown.
type unseen struct {
	name, prompt string
	again        bool // it is typed twice
	check        func(string) error
}

// ask reads it from a terminal, or one line of a pipe.
func (u unseen) ask(in io.Reader, out io.Writer) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !typesHere(in) {
		line, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the %s: %w", u.name, err)
		}
		line = strings.TrimRight(line, "\r\n")
		return line, u.check(line)
	}
	first, err := u.read(f, out, u.prompt)
	if err == nil {
		err = u.check(first)
	}
	if err != nil || !u.again {
		return first, err
	}
	second, err := u.read(f, out, "The same again: ")
	if err == nil && second != first {
		err = payment.WithHintf(fmt.Errorf("the two %ss differ", u.name),
			"run the command again; nothing was changed")
	}
	return first, err
}

// typesHere tells whether somebody sits at what a command reads from.
func typesHere(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (u unseen) read(f *os.File, out io.Writer, prompt string) (string, error) {
	fmt.Fprint(out, prompt)
	digits, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(out)
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", u.name, err)
	}
	return string(digits), nil
}

// changesPIN has a command ask for a new PIN, or take it away with --remove.
func (a *app) changesPIN(cmd *cobra.Command, of func(args []string) string,
	change func(ctx context.Context, cfg config.Config, args []string, digits string) error,
) {
	remove := cmd.Flags().Bool("remove", false, "take the PIN away")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd)
		if err != nil {
			return err
		}
		digits, said := "", "removed"
		if !*remove {
			said = "set"
			if digits, err = askNewPIN(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
				return err
			}
		}
		if err := change(cmd.Context(), cfg, args, digits); err != nil {
			return fmt.Errorf("PIN of %s: %w", of(args), err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s the PIN of %s\n", said, of(args))
		return nil
	}
}
