package update

import (
	"strings"
)

// compare orders two versions: -1, 0 or 1. ok is false where one has no order, as a bare commit has none: a
// version begins with a number, a point and a number, or "v" and these.
//
// The order is that of Debian's packages: parts without digits by their signs, letters before others and "~"
// before everything, the end included; digits by their value. So v1.2.0 < v1.2.0-5-gabc < v1.10.0.
func compare(a, b string) (order int, ok bool) {
	a, okA := ordered(a)
	b, okB := ordered(b)
	if !okA || !okB {
		return 0, false
	}
	for a != "" || b != "" {
		var wordA, wordB string
		wordA, a = cutBy(a, false)
		wordB, b = cutBy(b, false)
		if order := compareWords(wordA, wordB); order != 0 {
			return order, true
		}
		wordA, a = cutBy(a, true)
		wordB, b = cutBy(b, true)
		wordA, wordB = strings.TrimLeft(wordA, "0"), strings.TrimLeft(wordB, "0")
		if len(wordA) != len(wordB) {
			return sign(len(wordA) - len(wordB)), true
		}
		if order := strings.Compare(wordA, wordB); order != 0 {
			return order, true
		}
	}
	return 0, true
}

// ordered tells whether a version has an order, and leaves its "v" out.
func ordered(version string) (string, bool) {
	version = strings.TrimPrefix(version, "v")
	first, rest := cutBy(version, true)
	second, _ := cutBy(strings.TrimPrefix(rest, "."), true)
	return version, first != "" && strings.HasPrefix(rest, ".") && second != ""
}

// cutBy cuts off what is digits, or what is none.
func cutBy(s string, digits bool) (word, rest string) {
	for i := range len(s) {
		if (s[i] >= '0' && s[i] <= '9') != digits {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

func compareWords(a, b string) int {
	for i := range max(len(a), len(b)) {
		if order := weight(a, i) - weight(b, i); order != 0 {
			return sign(order)
		}
	}
	return 0
}

// weight orders the signs of a word; the end of it is 0.
func weight(s string, i int) int {
	const others = 256
	switch {
	case i >= len(s):
		return 0
	case s[i] == '~':
		return -1
	case s[i] >= 'A' && s[i] <= 'Z' || s[i] >= 'a' && s[i] <= 'z':
		return int(s[i])
	}
	return int(s[i]) + others
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
