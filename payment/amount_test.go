package payment

import (
	"errors"
	"strings"
	"testing"
)

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		text string
		want Amount
		err  error
		hint string // part of it
	}{
		{"", Amount{}, ErrAmountFormat, "one space"},
		{"1.50", Amount{}, ErrAmountFormat, "one space"},
		{"1,50 EUR", Amount{}, ErrAmountFormat, "use a point"},
		{"1,000.00 EUR", Amount{}, ErrAmountFormat, "use a point"},
		{" 1.50 EUR", Amount{}, ErrCurrency, ""},
		{"1.50  EUR", Amount{}, ErrCurrency, ""},
		{"1.50 EUR ", Amount{}, ErrCurrency, ""},
		{"1.50\tEUR", Amount{}, ErrAmountFormat, ""},
		{". EUR", Amount{}, ErrAmountFormat, "digits"},
		{"1. EUR", Amount{}, ErrAmountFormat, "digits"},
		{".5 EUR", Amount{}, ErrAmountFormat, "digits"},
		{"1.2.3 EUR", Amount{}, ErrAmountFormat, "digits"},
		{"+1 EUR", Amount{}, ErrAmountFormat, ""},
		{"--1 EUR", Amount{}, ErrAmountFormat, ""},
		{"1e2 EUR", Amount{}, ErrAmountFormat, ""},
		{"0x10 EUR", Amount{}, ErrAmountFormat, ""},
		{"NaN EUR", Amount{}, ErrAmountFormat, ""},
		{"١ EUR", Amount{}, ErrAmountFormat, ""}, // an Arabic-Indic one
		{"0 EUR", Amount{}, ErrAmountZero, "at least one"},
		{"0.00 EUR", Amount{}, ErrAmountZero, ""},
		{"-0 EUR", Amount{}, ErrAmountNegative, ""},
		{"-1.50 EUR", Amount{}, ErrAmountNegative, "positive"},
		{"1.500 EUR", Amount{}, ErrAmountDecimals, "EUR has 2"},
		{"1.0 JPY", Amount{}, ErrAmountDecimals, "JPY has 0"},
		{"1.0001 KWD", Amount{}, ErrAmountDecimals, "KWD has 3"},
		{"1 eur", Amount{}, ErrCurrency, "capitals"},
		{"1 ", Amount{}, ErrCurrency, ""},
		{"1 EU", Amount{}, ErrCurrency, ""},
		{"1 R U", Amount{}, ErrCurrency, ""},
		{"1 EURO", Amount{}, ErrCurrency, ""},
		{"1 XXX", Amount{}, ErrCurrency, ""},
		{"1 XAU", Amount{}, ErrCurrency, ""},
		{"1 HRK", Amount{}, ErrCurrency, ""}, // gone
		{"90071992547409.92 EUR", Amount{}, ErrAmountTooLarge, "90071992547409.91"},
		{"9007199254740992 JPY", Amount{}, ErrAmountTooLarge, ""},
		{"18446744073709551617 JPY", Amount{}, ErrAmountTooLarge, ""}, // 2^64+1
		{strings.Repeat("9", 400) + " EUR", Amount{}, ErrAmountTooLarge, ""},

		{"1.50 EUR", Amount{150, "EUR"}, nil, ""},
		{"1.5 EUR", Amount{150, "EUR"}, nil, ""},
		{"1 EUR", Amount{100, "EUR"}, nil, ""},
		{"0.01 EUR", Amount{1, "EUR"}, nil, ""},
		{"007.00 EUR", Amount{700, "EUR"}, nil, ""},
		{"150 JPY", Amount{150, "JPY"}, nil, ""},
		{"12345.678 KWD", Amount{12345678, "KWD"}, nil, ""},
		{"0.0001 CLF", Amount{1, "CLF"}, nil, ""},
		{"90071992547409.91 EUR", Amount{MaxMinor, "EUR"}, nil, ""},
		{strings.Repeat("0", 400) + "1 JPY", Amount{1, "JPY"}, nil, ""},
	} {
		got, err := ParseAmount(c.text)
		if !errors.Is(err, c.err) || got != c.want {
			t.Errorf("ParseAmount(%.40q) = %v, %v; want %v, %v", c.text, got, err, c.want, c.err)
		}
		var h interface{ Hint() string }
		if err != nil && (!errors.As(err, &h) || h.Hint() == "" || !strings.Contains(h.Hint(), c.hint)) {
			t.Errorf("ParseAmount(%.40q): %v without a hint of %q", c.text, err, c.hint)
		}
	}
}

func TestAmountDecimal(t *testing.T) {
	for _, c := range []struct {
		a    Amount
		want string
	}{
		{Amount{}, "0 "},
		{Amount{5, "???"}, "5 ???"},
		{Amount{-150, "EUR"}, "-1.50 EUR"},
		{Amount{-1 << 63, "EUR"}, "-92233720368547758.08 EUR"},
		{Amount{0, "EUR"}, "0.00 EUR"},
		{Amount{1, "EUR"}, "0.01 EUR"},
		{Amount{100, "EUR"}, "1.00 EUR"},
		{Amount{1, "CLF"}, "0.0001 CLF"},
		{Amount{150, "JPY"}, "150 JPY"},
		{Amount{MaxMinor, "KWD"}, "9007199254740.991 KWD"},
	} {
		if got := c.a.String(); got != c.want {
			t.Errorf("%d %s: String %q, want %q", c.a.Minor, c.a.Currency, got, c.want)
		}
	}
}

func TestAmountCheck(t *testing.T) {
	for _, c := range []struct {
		a    Amount
		want error
	}{
		{Amount{}, ErrCurrency},
		{Amount{1, "eur"}, ErrCurrency},
		{Amount{-1, "EUR"}, ErrAmountNegative},
		{Amount{0, "EUR"}, ErrAmountZero},
		{Amount{MaxMinor + 1, "EUR"}, ErrAmountTooLarge},
		{Amount{MaxMinor, "EUR"}, nil},
		{Amount{1, "EUR"}, nil},
	} {
		if err := c.a.Check(); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.a, err, c.want)
		}
	}
}

func TestCurrencies(t *testing.T) {
	seen := map[string]int{}
	for digits, list := range map[int]string{0: exponent0, 2: exponent2, 3: exponent3, 4: exponent4} {
		codes := strings.Fields(list)
		if strings.Join(codes, " ") != list {
			t.Errorf("exponent %d: the codes are not apart by one space", digits)
		}
		for _, code := range codes {
			if other, twice := seen[code]; twice {
				t.Errorf("%s has exponents %d and %d", code, other, digits)
			}
			seen[code] = digits
			if got, ok := exponent(code); !ok || got != digits || len(code) != 3 {
				t.Errorf("exponent(%s) = %d, %v; want %d", code, got, ok, digits)
			}
		}
	}
	if len(seen) != 165 { // list one of ISO 4217 on 2026-01-01 without the codes that have no minor unit
		t.Errorf("%d currencies", len(seen))
	}
	for _, code := range []string{"", " ", "   ", "E", "AED AFN", "ED ", "D A", "DAF", "eur", "EÜR"} {
		if _, ok := exponent(code); ok {
			t.Errorf("%q passes as a currency", code)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{
		"1.50 EUR", "150 JPY", "0.0001 CLF", "1,50 EUR", "-1 EUR", "9007199254740991 JPY", " ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAmount(text)
		if err != nil {
			if a != (Amount{}) {
				t.Fatalf("%q: %v with error %v", text, a, err)
			}
			return
		}
		if a.Check() != nil {
			t.Fatalf("%q: parsed to %v, which does not pass", text, a)
		}
		again, err := ParseAmount(a.String())
		if err != nil || again != a {
			t.Fatalf("%q: %v reads back as %v, %v", text, a, again, err)
		}
	})
}
