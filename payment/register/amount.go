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
// than a float's error. Errors are ErrAmount or an amount's of payment, each with a hint; none names a field.
func Minor(number json.Number, currency string) (payment.Amount, error) {
	text := number.String()
	fail := func(cause error, what, hint string) (payment.Amount, error) {
		return payment.Amount{}, &amountError{what: what, hint: hint, cause: cause}
	}
	// One unit tells the currency's decimals and whether there is such a currency.
	one := payment.Amount{Minor: 1, Currency: currency}
	switch {
	case one.Check() != nil && currency == "":
		return fail(payment.ErrCurrency, "it is missing", "send a code of ISO 4217, such as EUR")
	case one.Check() != nil:
		return fail(payment.ErrCurrency, fmt.Sprintf("%q is no currency", shorten(currency)),
			"send a code of ISO 4217 in capitals, such as EUR")
	case text == "":
		return fail(ErrAmount, "it is missing", "send a number in major units, such as 4.20")
	case !plainNumber(text) && json.Valid([]byte(text)):
		return fail(ErrAmount, shorten(text)+" is no number of reasonable size",
			"send a number in major units, such as 4.20")
	}
	value, ok := new(big.Rat), plainNumber(text)
	if ok {
		value, ok = value.SetString(text)
	}
	if !ok {
		return fail(ErrAmount, strconv.Quote(shorten(text))+" is no number", numberHint(text))
	}
	_, decimals, _ := strings.Cut(one.Decimal(), ".")
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(decimals))), nil)
	value.Mul(value, new(big.Rat).SetInt(scale))
	whole := round(value)
	off := new(big.Rat).Sub(value, new(big.Rat).SetInt(whole))
	largest := payment.Amount{Minor: payment.MaxMinor, Currency: currency}
	switch {
	case off.Abs(off).Cmp(new(big.Rat).SetFloat64(floatError)) > 0:
		return fail(ErrAmount, text+" has more decimals than "+currency,
			fmt.Sprintf("%s has %d decimals: round before sending", currency, len(decimals)))
	case whole.Sign() < 0:
		return fail(payment.ErrAmountNegative, text+" is negative",
			"send a positive amount")
	case whole.Sign() == 0:
		return fail(payment.ErrAmountZero, text+" is zero, there is nothing to pay", "send at least "+one.Decimal())
	case !whole.IsInt64():
		return fail(ErrAmount, text+" is too large", "send at most "+largest.Decimal())
	case whole.Int64() > payment.MaxMinor:
		return fail(payment.ErrAmountTooLarge, text+" is too large", "send at most "+largest.Decimal())
	}
	return payment.Amount{Minor: whole.Int64(), Currency: currency}, nil
}

// amountError says what is wrong with an amount as it was sent; its cause is for errors.Is.
type amountError struct {
	what, hint string
	cause      error
}

func (e *amountError) Error() string { return e.what }
func (e *amountError) Hint() string  { return e.hint }
func (e *amountError) Unwrap() error { return e.cause }

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
