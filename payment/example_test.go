package payment_test

import (
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
)

func ExampleParseAmount() {
	a, _ := payment.ParseAmount("12.5 EUR")
	fmt.Println(a, a.Minor)
	_, err := payment.ParseAmount("12,50 EUR")
	fmt.Println(err)
	var advice interface{ Hint() string }
	if errors.As(err, &advice) {
		fmt.Println("hint:", advice.Hint())
	}
	// Output:
	// 12.50 EUR 1250
	// parse amount "12,50 EUR": not a plain decimal number
	// hint: use a point for the decimals and no separators, as in 1.50
}

func ExampleNext() {
	opened := time.Now()
	p, _ := payment.Open(payment.Request{
		ID: "order-1", Amount: payment.Amount{Minor: 150, Currency: "EUR"},
	}, opened, time.Minute)

	seen := opened.Add(3 * time.Second)
	smile := payment.Consented{Evidence: payment.Evidence{
		Customer: "c-81", MatchFrames: 12, SmileFrames: 6, Since: opened.Add(time.Second), At: seen,
	}}
	_, err := payment.Next(p, smile, seen)
	fmt.Println(err)

	p, _ = payment.Next(p, payment.Recognised{Customer: "c-81"}, seen)
	p, _ = payment.Next(p, smile, seen)
	fmt.Println(p.State, p.Customer)
	// Output:
	// payment order-1: consent: evidence does not support an approval: no customer is recognised
	// approved c-81
}
