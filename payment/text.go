package payment

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// CheckText reports a text with more than most characters (Unicode's code points), or with one that no line
// of people's words has: see BadRune. Errors name the character and its place, counted from 1, and carry a
// hint.
func CheckText(text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return WithHint(fmt.Errorf("it has %d characters", n), fmt.Sprintf("use at most %d", most))
	}
	place := 0
	for at, c := range text {
		place++
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[at:]); size == 1 {
				return WithHint(fmt.Errorf("character %d is the byte %02X, which is no UTF-8", place, text[at]),
					"send UTF-8")
			}
		}
		if what := BadRune(c); what != "" {
			return WithHint(fmt.Errorf("character %d is %U, %s", place, c, what), "leave it out")
		}
	}
	return nil
}

// BadRune says what a character is that has no place in a line of people's words, or gives "": it controls
// devices, ends the line, turns the direction of what stands beside it so that something else is read than
// was written, or stands for what was lost. All others have their use in some script: spaces that don't
// break, joiners and variation selectors too.
func BadRune(c rune) string {
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
		return "which stands for a character that was lost"
	case c >= 0xFDD0 && c <= 0xFDEF, c&0xFFFE == 0xFFFE:
		return "which is no character"
	}
	return ""
}
