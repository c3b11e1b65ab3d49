package gallery

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// nameMax is the longest name, in characters (Unicode's code points) of its composed form: in bytes they
	// always fit in a record.
	nameMax = 60
	// nameBytes is the longest that a record has room for; older records have up to 120 bytes.
	nameBytes = 255
)

// compose gives a name as it is kept and compared: without space around it, and with é as one character,
// however it was typed.
func compose(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// sameName compares two names as people do.
func sameName(a, b string) bool { return strings.EqualFold(compose(a), compose(b)) }

func checkName(name string) error {
	fail := func(what, advice string) error {
		return hint(fmt.Errorf("%q: %w: %s", name, ErrName, what), advice)
	}
	if n := utf8.RuneCountInString(name); n > nameMax {
		return fail(fmt.Sprintf("it has %d characters", n), fmt.Sprintf("give one of at most %d", nameMax))
	}
	place, visible := 0, false
	for _, c := range name {
		place++
		if what := badRune(c); what != "" {
			return fail(fmt.Sprintf("character %d is %U, %s", place, c, what), "leave it out")
		}
		visible = visible || unicode.IsPrint(c) && !unicode.In(c, unicode.M, unicode.Zs)
	}
	if !visible {
		return fail("there is nothing to read in it", "give a name of letters on one line")
	}
	return nil
}

// badRune says what a character is that has no place in a name, or gives "": it controls devices, ends the
// line, turns the direction of what stands beside it, or stands for what was lost, as bytes that are no UTF-8
// do. Joiners and variation selectors are parts of names in Persian, Indian languages and emoji.
func badRune(c rune) string {
	switch {
	case unicode.IsControl(c):
		return "a control character"
	case unicode.In(c, unicode.Zl, unicode.Zp):
		return "a line break"
	case c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069:
		return "which turns the direction of the text"
	case c == 0xFEFF:
		return "a byte order mark"
	case c == unicode.ReplacementChar:
		return "which stands for a character that was lost or is no UTF-8"
	case c >= 0xFDD0 && c <= 0xFDEF, c&0xFFFE == 0xFFFE:
		return "which is no character"
	}
	return ""
}
