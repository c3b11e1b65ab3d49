package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"smiletill/payment"
)

// ErrAmount marks an amount that this terminal can't take: no number, too fine or too large for its currency,
// in another currency, or of a kind that is not paid here. What follows it says which.
var ErrAmount = errors.New("can't be taken")

const (
	// numberMax bounds the text of a number: a float64 in full takes at most 24 characters.
	numberMax = 40
	// exponentMax bounds the exponent of a number as in 1e2: beyond it no amount lies, and 1e999999999 would
	// fill the memory.
	exponentMax = 30
	// floatError is how far a number may be off a whole minor unit and still be read as one, in minor units. A
	// register that adds up floats is off by some 1e-15 of the sum: 1e-8 minor units in a million; a digit too
	// many that somebody meant (10.001 EUR) is off by 0.1.
	floatError = 1e-6
)

// Minor reads an amount in major units as registers write it: 10.1, 0.30000000000000004, 1e2, and also as
// text ("10.10"). It is read exactly and rounded to the currency's minor unit, if it is off it by no more
// than a float's error. Errors are ErrAmount or an amount's of payment, each with a hint.
func Minor(number json.Number, currency string) (payment.Amount, error) {
	text := number.String()
	shown := text
	if len(shown) > numberMax {
		shown = shown[:numberMax] + "..."
	}
	fail := func(what, hint string) (payment.Amount, error) {
		return payment.Amount{}, payment.WithHint(fmt.Errorf("amount %q: %w: %s", shown, ErrAmount, what), hint)
	}
	// One unit tells the currency's decimals and whether there is such a currency.
	one := payment.Amount{Minor: 1, Currency: currency}
	if err := one.Check(); err != nil {
		return payment.Amount{}, err
	}
	if !plainNumber(text) {
		return fail("no number of reasonable size", "send a JSON number in major units, such as 10.10")
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return fail("no number", "send a JSON number in major units, such as 10.10")
	}
	_, decimals, _ := strings.Cut(one.Decimal(), ".")
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(decimals))), nil)
	value.Mul(value, new(big.Rat).SetInt(scale))
	whole := round(value)
	off := new(big.Rat).Sub(value, new(big.Rat).SetInt(whole))
	if off.Abs(off).Cmp(new(big.Rat).SetFloat64(floatError)) > 0 {
		return fail("more decimals than "+currency+" has",
			fmt.Sprintf("%s has %d decimals: round before sending", currency, len(decimals)))
	}
	if !whole.IsInt64() {
		return fail("too large", "the largest amount is "+
			payment.Amount{Minor: payment.MaxMinor, Currency: currency}.String())
	}
	a := payment.Amount{Minor: whole.Int64(), Currency: currency}
	return a, a.Check()
}

// plainNumber bounds what is handed to big.Rat, which would also take fractions, hexadecimal and huge
// exponents.
func plainNumber(s string) bool {
	mantissa, exponent, found := strings.Cut(strings.ToLower(s), "e")
	if found {
		if n, err := strconv.Atoi(exponent); err != nil || n < -exponentMax || n > exponentMax {
			return false
		}
	}
	return len(s) <= numberMax && strings.Trim(mantissa, "-0123456789.") == "" &&
		strings.Trim(mantissa, "-.") != ""
}

// round gives the nearest whole number, halves away from zero.
func round(v *big.Rat) *big.Int {
	half := big.NewRat(1, 2)
	if v.Sign() < 0 {
		half.Neg(half)
	}
	sum := new(big.Rat).Add(v, half)
	return new(big.Int).Quo(sum.Num(), sum.Denom())
}

// major writes an amount as a JSON number with all decimals of its currency.
func major(a payment.Amount) json.Number { return json.Number(a.Decimal()) }
