package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"smiletill/payment"
)

// Facts are what a bundle says of itself, below its signature.
type Facts struct {
	Board   string // of the cards that it is for: pi4, virt
	Version string // of the program in it
	Journal int    // the journal's schema that this program writes; 0: it does not say
	Floor   string // the oldest version that may be installed over it afterwards; "": any
	NoBack  bool   // the program before can't go on with what this one has written
}

// mostWord is how long a version may be, in bytes.
const mostWord = 100

// parseFacts reads what `rauc info --output-format=json` prints of a bundle whose signature is right.
func parseFacts(text []byte) (Facts, error) {
	var said struct {
		Compatible  string `json:"compatible"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return Facts{}, fmt.Errorf("read what RAUC says of the bundle: %w", err)
	}
	board, ours := strings.CutPrefix(said.Compatible, "smiletill-")
	if !ours || !plainWord(board) {
		return Facts{}, payment.WithHint(fmt.Errorf("the bundle is for %q, not for a smiletill card", said.Compatible),
			"take the bundle that is named after this card's board")
	}
	if !plainWord(said.Version) {
		return Facts{}, payment.WithHint(errors.New("the bundle does not say which version it is"),
			"have it made anew, with a version")
	}
	f := Facts{Board: board, Version: said.Version}
	for _, word := range strings.Fields(said.Description) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "journal":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return Facts{}, fmt.Errorf("the bundle names a journal of version %q", value)
			}
			f.Journal = n
		case "floor":
			if value != "" && !plainWord(value) {
				return Facts{}, fmt.Errorf("the bundle names a floor of %q", value)
			}
			f.Floor = value
		case "back":
			f.NoBack = value == "no"
		default: // of a later one
		}
	}
	return f, nil
}

// plainWord tells whether a text is short, and can be shown to anybody.
func plainWord(s string) bool {
	return s != "" && len(s) <= mostWord && strings.IndexFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || r <= ' ' || r == 0x7f
	}) < 0
}
