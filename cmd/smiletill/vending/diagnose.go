package vending

import (
	"fmt"
	"strconv"
	"strings"

	"smiletill/payment"
	"smiletill/payment/vending"
)

// diagnose says which setting makes a price on the line the price that the machine shows.
func diagnose(asked string, shown payment.Amount, s vending.Scale) string {
	whole, fraction, _ := strings.Cut(asked, ".")
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if asked != "-1" && strings.Trim(asked, "0123456789.") != "" {
		return "the price on the line is not written as the adapter writes one (1.20): --sniff FILE shows the line"
	}
	if asked == "-1" || err != nil || n == 0 {
		return "the machine has to send prices to the cashless reader: look for it in its menu"
	}
	shownWhole, shownFraction, _ := strings.Cut(shown.Decimal(), ".")
	w, err := strconv.ParseInt(shownWhole+shownFraction, 10, 64)
	if err != nil {
		return "--price is what the machine shows"
	}
	for d := range 4 {
		// n with d decimals, and w with its own
		if d != s.Decimals && n*tens(len(shownFraction)) == w*tens(d) {
			return fmt.Sprintf("set vending.decimals = %d: the machine counts so", d)
		}
	}
	// With the decimals of the line: how many times as much does the machine show?
	left, right := w*tens(len(fraction)), n*tens(len(shownFraction))
	if k := left / max(1, right); left%max(1, right) == 0 && k*int64(s.Factor) <= 100 && k > 1 {
		return fmt.Sprintf("set vending.scale = %d: the machine counts in such steps", k*int64(s.Factor))
	}
	return fmt.Sprintf("was that the product? --price has to be what the machine shows for it; else its menu "+
		"has decimals and a scaling factor for vending.decimals (%d now) and vending.scale (%d)",
		s.Decimals, s.Factor)
}

func tens(n int) int64 {
	t := int64(1)
	for range n {
		t *= 10
	}
	return t
}
