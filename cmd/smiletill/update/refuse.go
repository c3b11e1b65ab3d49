package update

import (
	"errors"
	"fmt"

	"smiletill/payment"
)

// Wish is what whoever updates allows.
type Wish struct {
	Again     bool // the version that runs, or one that was tried and came back
	NoWayBack bool // one behind which the program before can't go on
}

// card is what is known of this card when a bundle is looked at.
type card struct {
	board   string
	version string // of the program that runs
	schema  int    // of the journal that it writes
	floor   string
	free    int64 // bytes left where the journal is
	copied  int64 // bytes that a copy of the journal takes
	last    Told  // what came of the update before
}

// room is what stays free on the data partition, in bytes, whatever an update needs there: the terminal goes
// on writing.
const room = 32 << 20

// refusal says why a bundle is not installed, nil if it may be: in the order in which it matters.
func refusal(f Facts, c card, w Wish) error {
	order, comparable := compare(f.Version, c.floor)
	same := f.Version == c.version
	switch {
	case f.Board != c.board:
		return payment.WithHintf(fmt.Errorf("the bundle is for another board: %s; this card is for %s", f.Board, c.board),
			"take the one for %s", c.board)
	case c.last.outcome == isTried:
		return payment.WithHint(fmt.Errorf("%s is being tried now: nothing else is installed meanwhile", c.last.to),
			"wait until it is good or has come back: three minutes at most; `smiletill status` tells")
	case c.floor != "" && !comparable:
		return payment.WithHintf(fmt.Errorf("the bundle's version %s has no order, and this card takes none before %s",
			f.Version, c.floor), "take a bundle with a version like %s", c.floor)
	case c.floor != "" && order < 0:
		return payment.WithHintf(fmt.Errorf("the bundle's version %s is older than %s, the oldest that this card takes",
			f.Version, c.floor), "take a newer one: what was mended since must not come back")
	case f.Journal < 1:
		return payment.WithHint(errors.New("the bundle does not say which journal its program writes"),
			"have it made anew by a newer smiletill")
	case f.Journal < c.schema:
		return payment.WithHintf(fmt.Errorf("%s can't read this terminal's journal (version %d, it knows %d): "+
			"the terminal would be out of order", f.Version, c.schema, f.Journal), "take a newer one")
	case same && !w.Again:
		return payment.WithHint(fmt.Errorf("%s runs here already", f.Version), "install it once more with --again")
	case c.last.outcome == hasComeBack && c.last.to == f.Version && !w.Again:
		return payment.WithHint(fmt.Errorf("%s was tried here and came back: %s", f.Version, c.last.why),
			"mend that, or take a newer one; try this one once more with --again")
	case f.NoBack && !w.NoWayBack:
		return payment.WithHintf(fmt.Errorf("there is no way back from %s: what it writes %s can't read",
			f.Version, c.version), "if it fails the terminal stays out of order until a newer one is installed; "+
			"install it all the same with --no-way-back")
	case f.Journal > c.schema && c.free < c.copied+room:
		return payment.WithHintf(fmt.Errorf("no space for the copy of the journal that is needed for the way back: "+
			"%s are free, %s are needed", size(c.free), size(c.copied+room)),
			"free some of the data partition")
	}
	return nil
}

// size is a number of bytes for people.
func size(n int64) string {
	const mega = 1 << 20
	return fmt.Sprintf("%.1f MB", float64(n)/mega)
}
