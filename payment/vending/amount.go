package vending

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"smiletill/payment"
)

const (
	unknown  = "-1"  // an amount that the machine, or the reader, leaves open: 0xFFFF in MDB
	unitsMax = 65534 // the largest amount of MDB, in units of the scale; one more is unknown
)

// Why a machine's price can't be taken. Each error that carries one of these has a hint.
var (
	ErrNoPrice  = errors.New("the machine names no price")
	ErrDecimals = errors.New("the machine's price has other decimals than the settings say")
	ErrScale    = errors.New("the machine's price is not what its scale can say")
)

// Scale is what the digits of a machine's price stand for. Machine, adapter and terminal have to agree on it:
// where they don't, 10 is 10.00, 1.00 or 0.10.
type Scale struct {
	Currency string // ISO 4217, of all prices
	Decimals int    // behind the point, 0 to 3
	Factor   int    // each price is a multiple of so many of the last decimal's units, 1 to 100
}

// Check says what is wrong with a scale.
func (s Scale) Check() error {
	if _, ok := currencyCode(s.Currency); !ok {
		return payment.WithHint(fmt.Errorf("%w %q", payment.ErrCurrency, s.Currency),
			"use a three-letter code of ISO 4217 in capitals, such as EUR")
	}
	if s.Decimals < 0 || s.Decimals > 3 || s.Factor < 1 || s.Factor > 100 {
		return payment.WithHint(fmt.Errorf("a scale of %d decimals, factor %d", s.Decimals, s.Factor),
			"decimals are 0 to 3, the factor is 1 to 100: what the machine's menu says of its cashless reader")
	}
	return nil
}

// Price reads an amount as the adapter writes it. It has exactly the scale's decimals, or it is ErrDecimals:
// what else it may mean is not guessed. Other errors are ErrNoPrice, ErrScale and payment's (a free product
// is ErrAmountZero: nothing can be paid for it).
func (s Scale) Price(text string) (payment.Amount, error) {
	if text == unknown || text == "" {
		return payment.Amount{}, payment.WithHint(ErrNoPrice,
			"prices have to be sent to the cashless reader: look for it in the machine's menu")
	}
	if !number(text) {
		return payment.Amount{}, payment.WithHint(fmt.Errorf("price %q: %w", text, ErrScale), "look at the line: "+
			"`smiletill vending test --sniff FILE`")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) != s.Decimals {
		return payment.Amount{}, payment.WithHint(
			fmt.Errorf("price %q: %w: %d, not %d", text, ErrDecimals, len(fraction), s.Decimals),
			"set vending.decimals to those of the machine: `smiletill vending test --price` tells which")
	}
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil || n%int64(s.Factor) != 0 || n/int64(s.Factor) > unitsMax {
		return payment.Amount{}, payment.WithHint(
			fmt.Errorf("price %q: %w: a multiple of %d, at most %d times", text, ErrScale, s.Factor, unitsMax),
			"set vending.scale to the machine's")
	}
	return payment.ParseDecimal(text, s.Currency)
}

// Funds writes what a customer may spend, for a session that begins with it: as much of it as the scale can
// say, never more. It is false if that is nothing.
func (s Scale) Funds(a payment.Amount) (string, bool) {
	if a.Check() != nil || a.Currency != s.Currency {
		return "", false
	}
	whole, fraction, _ := strings.Cut(a.Decimal(), ".")
	fraction = (fraction + "000")[:s.Decimals] // cut, not rounded
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil { // more than 64 bits hold: as much as can be said
		n = unitsMax * int64(s.Factor)
	}
	n = min(n/int64(s.Factor), unitsMax) * int64(s.Factor)
	if n == 0 {
		return "", false
	}
	text := fmt.Sprintf("%0*d", s.Decimals+1, n)
	if s.Decimals == 0 {
		return text, true
	}
	return text[:len(text)-s.Decimals] + "." + text[len(text)-s.Decimals:], true
}
