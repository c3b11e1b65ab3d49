package payment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// MaxMinor is the largest Amount.Minor: 2^53-1, the largest integer that every JSON reader keeps exact
// (RFC 7493, section 2.2). Amounts travel as JSON numbers to the cloud.
const MaxMinor = 1<<53 - 1

// Why a text is no amount. Each error that carries one of these also has a Hint.
var (
	ErrAmountFormat   = errors.New("not a plain decimal number")
	ErrAmountZero     = errors.New("amount is zero")
	ErrAmountNegative = errors.New("amount is negative")
	ErrAmountDecimals = errors.New("too many decimals")
	ErrAmountTooLarge = errors.New("amount is too large")
	ErrCurrency       = errors.New("unknown currency")
)

// Amount is money to be paid: a whole number of the currency's smallest units, 1 to MaxMinor. {150,
// "EUR"} is 1.50 euro, {150, "JPY"} is 150 yen. The zero Amount is not valid.
type Amount struct {
	Minor    int64  // in minor units (cent, yen, fils)
	Currency string // ISO 4217, three capital letters
}

// ParseAmount reads "1.50 EUR": a decimal number in major units with a point, one space, an active ISO
// 4217 code. The number may have fewer decimals than the currency (1 EUR, 1.5 EUR), never more, not even
// zeros. Errors wrap one of the ErrAmount sentinels or ErrCurrency.
func ParseAmount(text string) (Amount, error) {
	number, currency, found := strings.Cut(text, " ")
	if !found {
		hint := "write the number, one space and the currency, as in 1.50 EUR"
		return Amount{}, badAmount(text, ErrAmountFormat, hint)
	}
	return ParseDecimal(number, currency)
}

// ParseDecimal is ParseAmount for a number and a currency that come apart.
func ParseDecimal(number, currency string) (Amount, error) {
	text := number + " " + currency
	digits, ok := exponent(currency)
	if !ok {
		return Amount{}, badAmount(text, ErrCurrency, currencyHint)
	}
	if rest, found := strings.CutPrefix(number, "-"); found && decimal(rest) {
		return Amount{}, badAmount(text, ErrAmountNegative, "a payment is a positive amount")
	}
	if !decimal(number) {
		if hasLetters(number) { // its currency, perhaps: not to be told twice
			text = number
		}
		return Amount{}, badAmount(text, ErrAmountFormat, formatHint(number))
	}
	whole, fraction, _ := strings.Cut(number, ".")
	if len(fraction) > digits {
		hint := fmt.Sprintf("%s has %d decimals", currency, digits)
		return Amount{}, badAmount(text, ErrAmountDecimals, hint)
	}
	var minor int64
	for _, c := range whole + fraction + strings.Repeat("0", digits-len(fraction)) {
		minor = minor*10 + int64(c-'0') // MaxMinor*10+9 is far from overflow
		if minor > MaxMinor {
			return Amount{}, badAmount(text, ErrAmountTooLarge, largestHint(currency))
		}
	}
	a := Amount{minor, currency}
	if err := a.Check(); err != nil {
		return Amount{}, err
	}
	return a, nil
}

// Check reports whether the amount can be paid: an active currency and 1 to MaxMinor units of it.
func (a Amount) Check() error {
	_, ok := exponent(a.Currency)
	switch {
	case !ok:
		return badAmount(a.String(), ErrCurrency, currencyHint)
	case a.Minor < 0:
		return badAmount(a.String(), ErrAmountNegative, "a payment is a positive amount")
	case a.Minor == 0:
		return badAmount(a.String(), ErrAmountZero, "ask for at least one unit, "+Amount{1, a.Currency}.String())
	case a.Minor > MaxMinor:
		return badAmount(a.String(), ErrAmountTooLarge, largestHint(a.Currency))
	}
	return nil
}

// Decimal is the number in major units with all decimals of the currency: "1.50", "150" for yen. An
// amount of an unknown currency is written in minor units.
func (a Amount) Decimal() string {
	digits, _ := exponent(a.Currency)
	sign, text := "", strconv.FormatInt(a.Minor, 10)
	if rest, found := strings.CutPrefix(text, "-"); found {
		sign, text = "-", rest
	}
	if digits == 0 {
		return sign + text
	}
	if short := digits + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// String is what ParseAmount reads: "1.50 EUR".
func (a Amount) String() string { return a.Decimal() + " " + a.Currency }

// decimal reports digits, or digits, a point and digits.
func decimal(number string) bool {
	whole, fraction, point := strings.Cut(number, ".")
	return allDigits(whole) && (!point || allDigits(fraction))
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

const currencyHint = "use a three-letter code of ISO 4217 in capitals, such as EUR"

func largestHint(currency string) string {
	return "the largest amount is " + Amount{MaxMinor, currency}.String()
}

func formatHint(number string) string {
	if hasLetters(number) {
		return "write the number and the currency apart, as in 1.50 EUR"
	}
	if strings.Contains(number, ",") {
		return "use a point for the decimals and no separators, as in 1.50"
	}
	return "use digits and at most one point between digits, as in 1.50"
}

func hasLetters(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

func badAmount(text string, cause error, hint string) error {
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return WithHint(fmt.Errorf("parse amount %q: %w", text, cause), hint)
}
