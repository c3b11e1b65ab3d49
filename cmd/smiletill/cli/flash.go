package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/flash"
	"smiletill/cmd/smiletill/setup"
)

func flashCommand() *cobra.Command {
	var words setup.Words
	var job flash.Job
	var yes bool
	cmd := &cobra.Command{
		Use: "flash IMAGE DEVICE", GroupID: "tech",
		Short: "Write a card's image, compare it, and put first settings on it",
		Long: "Write a card's image (.img, also compressed with xz, zstd or gzip) on a card, read it back and\n" +
			"compare it, then put first settings into its first partition. The disk that this machine runs\n" +
			"from, disks that are in use and single partitions are refused; what is erased is shown and asked\n" +
			"about. IMAGE.sha256, SHA256SUMS or the manifest beside the image is held against it first.\n\n" +
			"The Wi-Fi's password is asked for, or read from --wifi-password-file or from the variable\n" +
			setup.PasswordVariable + "; it is never an argument, which others on this machine could see.",
		Example: "  sudo smiletill flash smiletill-pi4.img.xz /dev/sdb\n" +
			"  sudo smiletill flash smiletill-pi4.img.xz /dev/sdb --name acme/berlin-1/till-3 --wifi Shop\n" +
			"  smiletill flash smiletill-pi4.img.xz card.img --file --yes --name acme/berlin-1/till-3",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, errs := cmd.InOrStdin(), cmd.ErrOrStderr()
			s, err := words.Settings(in, errs)
			if err != nil {
				return err
			}
			job.Image, job.Device, job.Step = args[0], args[1], flash.Steps(errs)
			if len(s.Lines()) > 0 {
				job.Files = []flash.File{{Name: setup.FileName, Data: s.Text()}}
			}
			for _, f := range s.Files {
				job.Files = append(job.Files, flash.File(f))
			}
			job.Agreed = func(d flash.Disk) (bool, error) { return flash.Ask(cmd.Context(), in, errs, d) }
			if yes {
				job.Agreed = func(d flash.Disk) (bool, error) { fmt.Fprintf(errs, "%s is erased\n", d); return true, nil }
			}
			r, err := flash.Do(cmd.Context(), job)
			if err != nil {
				return err
			}
			return r.Write(cmd.OutOrStdout(), s.Lines())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&words.Name, "name", "",
		"TENANT/SITE/ID: whose terminal, which shop, its name there; or ID alone")
	flags.StringVar(&words.WiFi, "wifi", "", "name of the Wi-Fi; its password is asked for")
	flags.StringVar(&words.PasswordFile, "wifi-password-file", "",
		"file whose first line is the Wi-Fi's password")
	flags.BoolVar(&words.Open, "wifi-open", false, "the Wi-Fi has no password")
	flags.StringVar(&words.Country, "wifi-country", "", "country whose rules the radio keeps, two letters")
	flags.StringVar(&words.Address, "address", "", "fixed address with the size of its network: 192.168.1.20/24")
	flags.StringVar(&words.Gateway, "gateway", "", "the router's address, with --address")
	flags.StringArrayVar(&words.DNS, "dns", nil, "address of a DNS server, with --address; may be repeated")
	flags.StringArrayVar(&words.Servers, "time-server", nil, "where the time comes from; may be repeated")
	flags.StringArrayVar(&words.KeyFiles, "ssh-key", nil,
		"file of a public key (.pub): technician logs in by it; may be repeated")
	flags.StringVar(&words.Broker, "broker", "", "where payments are reported: mqtts://HOST:8883")
	flags.StringVar(&words.BrokerCA, "broker-ca", "",
		"file of the certificate (PEM) that vouches for the broker; it is put on the card")
	flags.StringVar(&words.CloudKey, "cloud-key", "",
		"file with the cloud's key, as `smiletill cloud key` prints it; it is put on the card")
	flags.StringVar(&words.Cloud, "cloud", "", "address of the cloud, kept for the terminal's claiming")
	flags.StringVar(&words.Claim, "claim", "", "claim code, kept for the cloud; others on this machine see it")
	flags.StringVar(&words.ClaimFile, "claim-file", "", "file with the claim code; or the variable "+
		setup.ClaimVariable)
	flags.BoolVar(&yes, "yes", false, "erase without asking: for scripts")
	flags.BoolVar(&job.Plain, "file", false, "DEVICE is a plain file")
	return cmd
}
