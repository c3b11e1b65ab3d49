package register_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

// TestMinor: amounts as real registers send them.
func TestMinor(t *testing.T) {
	for _, c := range []struct {
		number, currency string
		want             int64
		err              error
	}{
		{"10.1", "EUR", 1010, nil},
		{"10.10", "EUR", 1010, nil},
		{"0.30000000000000004", "EUR", 30, nil}, // 0.1 + 0.2
		{"0.1", "EUR", 10, nil},
		{"4.35", "EUR", 435, nil},
		{"1.1500000000000001", "EUR", 115, nil},
		{"99.99999999999999", "EUR", 10000, nil},
		{"1e2", "EUR", 10000, nil},
		{"1E+2", "EUR", 10000, nil},
		{"1.5e-1", "EUR", 15, nil},
		{"100", "JPY", 100, nil},
		{"100.0", "JPY", 100, nil},
		{"100.5", "JPY", 0, register.ErrAmount},
		{"1.234", "KWD", 1234, nil},
		{"1.2345", "KWD", 0, register.ErrAmount},
		{"1.0001", "CLF", 10001, nil},
		{"10.001", "EUR", 0, register.ErrAmount},
		{"10.005", "EUR", 0, register.ErrAmount},
		{"10.0000001", "EUR", 0, register.ErrAmount},
		{"0", "EUR", 0, payment.ErrAmountZero},
		{"0.00", "EUR", 0, payment.ErrAmountZero},
		{"1e-9", "EUR", 0, payment.ErrAmountZero},
		{"-10", "EUR", 0, payment.ErrAmountNegative},
		{"-0.01", "EUR", 0, payment.ErrAmountNegative},
		{"90071992547409.91", "EUR", payment.MaxMinor, nil},
		{"90071992547409.92", "EUR", 0, payment.ErrAmountTooLarge},
		{"1e30", "EUR", 0, register.ErrAmount},
		{"1e31", "EUR", 0, register.ErrAmount},
		{"1e999999999", "EUR", 0, register.ErrAmount},
		{"1e-999999999", "EUR", 0, register.ErrAmount},
		{"1" + strings.Repeat("0", 60), "EUR", 0, register.ErrAmount},
		{"", "EUR", 0, register.ErrAmount},
		{".", "EUR", 0, register.ErrAmount},
		{"1/3", "EUR", 0, register.ErrAmount},
		{"0x10", "EUR", 0, register.ErrAmount},
		{"1_000", "EUR", 0, register.ErrAmount},
		{"1,50", "EUR", 0, register.ErrAmount},
		{"NaN", "EUR", 0, register.ErrAmount},
		{"Inf", "EUR", 0, register.ErrAmount},
		{"10 EUR", "EUR", 0, register.ErrAmount},
		{"10", "EURO", 0, payment.ErrCurrency},
		{"10", "XXX", 0, payment.ErrCurrency},
	} {
		got, err := register.Minor(json.Number(c.number), c.currency)
		if !errors.Is(err, c.err) || err == nil && got != (payment.Amount{Minor: c.want, Currency: c.currency}) {
			t.Errorf("%s %s: %v %v, want %d %v", c.number, c.currency, got, err, c.want, c.err)
		}
		var hint interface{ Hint() string }
		if err != nil && !errors.As(err, &hint) {
			t.Errorf("%s %s: no hint: %v", c.number, c.currency, err)
		}
	}
}

// TestAmountsInMessages: as JSON numbers and as text, to the journal.
func TestAmountsInMessages(t *testing.T) {
	d := newDesk(t)
	for i, c := range []struct {
		written string
		want    int64
	}{{"10.1", 1010}, {`"10.10"`, 1010}, {"0.30000000000000004", 30}, {"1e1", 1000}} {
		service := "s" + string(rune('1'+i))
		body := `{"SaleToPOIRequest":{"MessageHeader":{"MessageClass":"Service","MessageCategory":"Payment",
			"MessageType":"Request","SaleID":"POS 1 (front)","ServiceID":"` + service + `","POIID":"` + poiID + `"},
			"PaymentRequest":{"SaleData":{"SaleTransactionID":{"TransactionID":"17","TimeStamp":"x"}},
			"PaymentTransaction":{"AmountsReq":{"Currency":"EUR","RequestedAmount":` + c.written + `}}}}}`
		done := make(chan string, 1)
		go func() {
			resp, err := d.http().Post(d.url, "application/json", strings.NewReader(body))
			if err == nil {
				err = resp.Body.Close()
			}
			done <- errText(err)
		}()
		p := d.running()
		if p.Amount.Minor != c.want {
			t.Errorf("%s: %v", c.written, p.Amount)
		}
		d.smiles(p)
		if text := <-done; text != "" {
			t.Fatal(text)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// FuzzMinor: whatever is read as an amount is what exact arithmetic says, to a float's error.
func FuzzMinor(f *testing.F) {
	for _, s := range []string{"10.1", "0.30000000000000004", "1e2", "-1", "1e999999999", "0x1p-2", "1/3"} {
		f.Add(s, "EUR")
	}
	f.Add("1.234", "KWD")
	f.Fuzz(func(t *testing.T, number, currency string) {
		a, err := register.Minor(json.Number(number), currency)
		if err != nil {
			return
		}
		back, ok := new(big.Rat).SetString(a.Decimal())
		asked, ok2 := new(big.Rat).SetString(number)
		if !ok || !ok2 || a.Check() != nil {
			t.Fatalf("%q %q: %v", number, currency, a)
		}
		if off := asked.Sub(asked, back); off.Abs(off).Cmp(big.NewRat(1, 1_000_000)) > 0 {
			t.Errorf("%q %q: %v", number, currency, a)
		}
	})
}
