package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/camera"
	"smiletill/payment"
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
			"of the templates before, by the model that they were made with; where that is not on this device\n" +
			"any more nothing can be compared, and the journal says so. Another face is taken where a second\n" +
			"person vouches for it (`smiletill customers vouch ID`), and the customer has a new PIN (--new-pin).\n" +
			"Nobody is enrolled without having agreed: --agreed says in which language the customer has read\n" +
			"the text (`smiletill customers text`) and agreed; it is kept, sealed, with who explained it.",
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
			if err := agreement(cfg, &q, agreed, lang); err != nil {
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
			return enrolCustomer(cmd.Context(), cfg, q, named, cmd.OutOrStdout(), cmd.ErrOrStderr())
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

// agreement puts what the customer agreed to into a request: the text as it is in force here, which is the
// terminal's, that has read the same settings.
func agreement(cfg config.Config, q *control.EnrolRequest, agreed control.Agreed, lang string) error {
	if lang == "" && agreed.Paper == "" {
		return nil // a renewal wants none; else it is said what is missing
	}
	if lang != "" {
		rules, err := people.ReadRules(cfg.Consent.Paper, cfg.Consent.Files())
		if err != nil {
			return err
		}
		t, err := rules.Text(lang)
		if err != nil {
			return config.Usage(err)
		}
		agreed.Version, agreed.Lang = t.Version, t.Lang
	}
	q.Agreed = &agreed
	return nil
}

func enrolCustomer(
	ctx context.Context, cfg config.Config, q control.EnrolRequest, named []string, out, progress io.Writer,
) error {
	name := q.Name + q.Again // one of them is empty
	if q.Again == "" && isPhoto(q.Name) {
		return config.Usage(payment.WithHint(
			fmt.Errorf("enrol: the customer's name is missing: %s is a file", name),
			"write the name before the photos: `smiletill enrol \"Grace Hopper\" one.jpg two.jpg three.jpg`"))
	}
	if n := len(named); n > 0 && (n < gallery.TemplatesMin || n > gallery.TemplatesMax) {
		return config.Usage(payment.WithHintf(fmt.Errorf("enrol %s: %d photos", name, n),
			"give %d to %d photos of different moments", gallery.TemplatesMin, gallery.TemplatesMax))
	}
	var photos []enrolment.File
	for _, f := range named {
		photos = append(photos, enrolment.File{Name: filepath.Base(f),
			Read: func() ([]byte, error) { return camera.ReadPhoto(f) }})
	}
	var err error
	if q.Photos, err = files.Photos(cfg, photos); err != nil {
		return fmt.Errorf("enrol %s: %w", name, err)
	}
	done, err := customersOf(ctx, cfg).Enrol(ctx, q, func(text string) { fmt.Fprintln(progress, text) })
	if err != nil {
		return fmt.Errorf("enrol %s: %w", name, err)
	}
	fmt.Fprintf(
		out,
		"enrolled %s as %s with %d templates; no photo was stored\n",
		done.Name,
		done.ID,
		done.Templates,
	)
	if done.Advice != "" {
		fmt.Fprintf(out, "%s: then `smiletill enrol --again %s` with all photos\n", done.Advice, done.ID)
	}
	if done.Unmatched {
		fmt.Fprintln(out, "the templates before were another model's: nothing could tell whether the face is the\n"+
			"same. See to it that it is; the journal and the cloud say that it was not compared")
	}
	return nil
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

// isPhoto reports that a name is that of a file that is there: nobody is called so.
func isPhoto(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
