package update

import (
	"time"

	"github.com/spf13/pflag"
)

// Help is what `smiletill update --help` says.
const Help = `Bring this card to a newer version. BUNDLE is a file, a folder of bundles, or an https address.
It is looked at first: bundles for another board, not signed, damaged, or older than this card takes
are refused. It is written into the slot that does not run, and tried once: the terminal restarts into it,
and within three minutes it is found good, or the version before runs again. While it is installed and
tried no payments are taken.

With --stick the newest bundle for this board on a stick of that label is taken, and the stick gets a
report, update-report.txt. Beside the bundle a file again.txt stands for --again, no-way-back.txt for
--no-way-back.

A machine that is no card is updated by its package: sudo apt install ./smiletill_*.deb`

// Examples are its examples.
const Examples = `  sudo smiletill update smiletill-pi4-v1.3.0.raucb
  sudo smiletill update https://updates.example/smiletill-pi4.raucb
  sudo smiletill update --stick CONFIG`

// ConfirmHelp is what `smiletill update confirm --help` says.
const ConfirmHelp = `Say whether the slot that runs is good, where it is only tried: as soon as the terminal
is ready and has looked at a picture, or has the same faults as before the update, for a minute.
Exit code 1: it is not, and is to be left; what is wrong is kept for the version before, which
then says it. A card's own unit runs this at each start.`

// Within is how long after the start of the machine a tried slot has to be good.
const Within = 150 * time.Second

// Bind gives the flags of the command their places.
func (o *Order) Bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.Stick, "stick", "", "take the newest bundle from a stick of this label: CONFIG")
	flags.BoolVar(&o.Again, "again", false, "also the version that runs, or one that was tried and came back")
	flags.BoolVar(&o.NoWayBack, "no-way-back", false, "also a version from which there is no way back")
	flags.BoolVar(&o.NoRestart, "no-restart", false, "restart later: smiletill update restart")
	flags.DurationVar(&o.Wait, "wait", 10*time.Minute, "how long to wait for a running payment to end")
}

// BindSlots gives a flag its place that says where the card's own script is; nobody is shown it.
func BindSlots(flags *pflag.FlagSet, slots *string) {
	flags.StringVar(slots, "slots", "/usr/lib/smiletill/slots", "the card's own script that chooses the slot")
	_ = flags.MarkHidden("slots") // it was just made
}

// Of is the order with what the command line names.
func (o Order) Of(args []string) Order {
	if len(args) > 0 {
		o.Bundle = args[0]
	}
	return o
}
