package vending_test

import (
	"errors"
	"testing"

	"smiletill/payment"
	"smiletill/payment/vending"
)

func TestPriceIsNeverGuessed(t *testing.T) {
	scale := func(currency string, decimals, factor int) vending.Scale {
		return vending.Scale{Currency: currency, Decimals: decimals, Factor: factor}
	}
	euro := func(minor int64) payment.Amount { return payment.Amount{Minor: minor, Currency: "EUR"} }
	cents := scale("EUR", 2, 1)
	for _, c := range []struct {
		scale vending.Scale
		text  string
		want  payment.Amount
		err   error
	}{
		{cents, "10", payment.Amount{}, vending.ErrDecimals},
		{cents, "1.0", payment.Amount{}, vending.ErrDecimals},
		{cents, "1.000", payment.Amount{}, vending.ErrDecimals},
		{cents, "-1", payment.Amount{}, vending.ErrNoPrice},
		{cents, "", payment.Amount{}, vending.ErrNoPrice},
		{cents, "1,00", payment.Amount{}, vending.ErrScale},
		{cents, "0.00", payment.Amount{}, payment.ErrAmountZero},
		{cents, "655.35", payment.Amount{}, vending.ErrScale},
		{cents, "9999999999.00", payment.Amount{}, vending.ErrScale},
		{scale("EUR", 2, 5), "1.23", payment.Amount{}, vending.ErrScale},
		{scale("EUR", 3, 1), "1.200", payment.Amount{}, payment.ErrAmountDecimals},
		{scale("JPY", 2, 1), "120.00", payment.Amount{}, payment.ErrAmountDecimals},
		{cents, "10.00", euro(1000), nil},
		{cents, "655.34", euro(65534), nil},
		{scale("EUR", 1, 1), "1.0", euro(100), nil},
		{scale("EUR", 0, 1), "10", euro(1000), nil},
		{scale("EUR", 2, 5), "1.20", euro(120), nil},
		{scale("JPY", 0, 10), "120", payment.Amount{Minor: 120, Currency: "JPY"}, nil},
		{scale("HUF", 0, 10), "655340",
			payment.Amount{Minor: 65534000, Currency: "HUF"}, nil},
	} {
		got, err := c.scale.Price(c.text)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v %q: %v, %v; want %v, %v", c.scale, c.text, got, err, c.want, c.err)
		}
		if err != nil && payment.HintOf(err) == "" {
			t.Errorf("%q: no advice for %v", c.text, err)
		}
	}
}

func TestFundsAreNeverMoreThanThereIs(t *testing.T) {
	for _, c := range []struct {
		scale vending.Scale
		minor int64
		want  string
	}{
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, 1234, "12.34"},
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, 5, "0.05"},
		{vending.Scale{Currency: "EUR", Decimals: 1, Factor: 1}, 1239, "12.3"},
		{vending.Scale{Currency: "EUR", Decimals: 0, Factor: 1}, 1299, "12"},
		{vending.Scale{Currency: "EUR", Decimals: 0, Factor: 1}, 99, ""},
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 50}, 1299, "12.50"},
		{vending.Scale{Currency: "EUR", Decimals: 3, Factor: 1}, 1299, "12.990"},
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, payment.MaxMinor, "655.34"},
		{vending.Scale{Currency: "EUR", Decimals: 3, Factor: 1}, payment.MaxMinor, "65.534"},
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, 0, ""},
		{vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, -5, ""},
	} {
		got, ok := c.scale.Funds(payment.Amount{Minor: c.minor, Currency: "EUR"})
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%+v %d: %q, want %q", c.scale, c.minor, got, c.want)
		}
	}
	if s, ok := (vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}).Funds(
		payment.Amount{Minor: 100, Currency: "CHF"}); ok {
		t.Errorf("francs are %s euro", s)
	}
}

// TestEachCurrencyHasItsNumber: MDB names currencies by the digits of ISO 4217.
func TestEachCurrencyHasItsNumber(t *testing.T) {
	known := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				code := string([]rune{a, b, c})
				_, err := payment.ParseDecimal("1", code)
				is := vending.Scale{Currency: code, Decimals: 2, Factor: 1}.Check() == nil
				if is != (err == nil) {
					t.Errorf("%s: has a number: %v; may be paid with: %v", code, is, err)
				}
				if is {
					known++
				}
			}
		}
	}
	if known < 150 {
		t.Errorf("%d currencies", known)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*vending.Settings){
		"address":  func(s *vending.Settings) { s.Address = 16 * 3 },
		"timeout":  func(s *vending.Settings) { s.Timeout = 0 },
		"currency": func(s *vending.Settings) { s.Scale.Currency = "eur" },
		"decimals": func(s *vending.Settings) { s.Scale.Decimals = 4 },
		"factor":   func(s *vending.Settings) { s.Scale.Factor = 0 },
	} {
		set := euro(vending.AlwaysIdle)
		if err := set.Check(); err != nil {
			t.Fatal(err)
		}
		change(&set)
		if err := set.Check(); err == nil || payment.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
