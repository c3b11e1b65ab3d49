package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/files"
	"smiletill/vision/gallery"
)

func enrolCommand(a *app) *cobra.Command {
	var again, digits, lang string
	var noSmile, newPIN bool
	var agreed control.Agreed
	cmd := &cobra.Command{
		Use:     "enrol NAME [PHOTO...] | enrol --again ID [PHOTO...]",
		Aliases: []string{"enroll"},
		GroupID: "desk",
		Short:   "Enrol a customer, from photos or by the terminal's camera",
		Long: "Enrol a customer from 3 to 5 photos (JPEG, PNG or WebP: one face, looking at the camera,\n" +
			"different moments), or, without photos, by the camera of the running terminal.\n" +
			"The photos are not stored: only encrypted templates are.\n" +
			"The camera takes five pictures of the face at rest, then asks for a smile: from then on the own smile\n" +
			"counts at the till. Who does not smile is enrolled all the same; --no-smile asks for none.\n" +
			"--again gives a customer new templates under the same id and name: after a change of the embedding\n" +
			"model (`smiletill customers list` says who), or when a face has changed. The new face has to be that\n" +
			"of the templates before, by the model that they were made with. Another face, or one that nothing can\n" +
			"compare because that model is not on this device any more, is taken where a second person vouches\n" +
			"for it (`smiletill customers vouch ID`), and the customer has a new PIN (--new-pin).\n" +
			"Nobody is enrolled, nor by --again another face or who never agreed, without --agreed: in which\n" +
			"language the customer has read the text (`smiletill customers text`) and agreed. It is kept, sealed.",
		Example: "  smiletill enrol \"Grace Hopper\" --agreed en one.jpg two.jpg three.jpg\n" +
			"  smiletill enrol \"Grace Hopper\" --agreed de --explained-by Anna\n" +
			"  smiletill enrol --again c_...\n" +
			"  smiletill enrol --again c_... --digits -",
		Args: func(cmd *cobra.Command, args []string) error {
			if again != "" {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			q, named := control.EnrolRequest{Again: again, NoSmile: noSmile}, args
			if cmd.Flags().Changed("digits") {
				if q.Digits, err = digitsOf(cmd, digits, true); err != nil {
					return config.Usage(fmt.Errorf("enrol: --digits: %w", err))
				}
			}
			if err := files.Agreement(cfg, &q, agreed, lang); err != nil {
				return err
			}
			if newPIN {
				if q.PIN, err = askNewPIN(cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
					return err
				}
			}
			if again == "" {
				q.Name, named = args[0], args[1:]
			}
			e := files.Enrolment{Cfg: cfg, Desk: files.DeskOf(cmd.Context(), cfg)}
			return e.Do(cmd.Context(), q, named, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&again, "again", "", "id of a customer who gets new templates")
	cmd.Flags().StringVar(&digits, "digits", "", "3 to 12 digits that the customer is asked for when the face "+
		"alone doesn't do: the last four of a phone number, or a customer number; "+typedDigits+"; none "+
		"takes them away")
	cmd.Flags().StringVar(&lang, "agreed", "", "language in which the customer has read the text and agreed: "+
		"en or de")
	cmd.Flags().StringVar(&agreed.Explained, "explained-by", "", "who explained it; else who runs this")
	cmd.Flags().StringVar(&agreed.Paper, "paper", "", "the shop's reference of the signed paper")
	cmd.Flags().BoolVar(&newPIN, "new-pin", false, "with --again: give the customer a new PIN, typed unseen")
	cmd.Flags().BoolVar(&noSmile, "no-smile", false, "don't ask for a smile, by camera")
	bindHidden(cmd)
	return cmd
}

// typedDigits is said of the flags that take digits.
const typedDigits = "- has them typed, unseen, or reads a line: a command line is seen by who lists " +
	"processes, and kept by shells and sudo"

// digitsOf are a customer's digits as a flag gives them: "-" asks, of new ones twice; "none" of them is "".
func digitsOf(cmd *cobra.Command, given string, fresh bool) (*string, error) {
	switch given {
	case "none":
		given = ""
		return &given, nil
	case "-":
		typed, err := unseen{"number", "The customer's digits: ", fresh, gallery.CheckDigits}.ask(
			cmd.InOrStdin(), cmd.ErrOrStderr())
		return &typed, err
	}
	return &given, gallery.CheckDigits(given)
}
