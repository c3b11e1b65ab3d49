package register_test

import (
	"encoding/json"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

// TestLoyaltyNarrows: what a Payment says of the customer's phone or number reaches whoever looks for the
// face, before the payment begins; what else it says of loyalty is no reason to refuse it.
func TestLoyaltyNarrows(t *testing.T) {
	account := func(kind, id string) string {
		return `{"LoyaltyAccountID":{"EntryMode":["Keyed"],"IdentificationType":"` + kind + `","LoyaltyID":"` + id +
			`"}}`
	}
	for name, c := range map[string]struct{ loyalty, want string }{
		"nothing":         {`[]`, ""},
		"a phone":         {"[" + account("PhoneNumber", "+49 (30) 123-4711") + "]", "4711"},
		"four of a phone": {"[" + account("PhoneNumber", "4711") + "]", "4711"},
		"an account":      {"[" + account("AccountNumber", "000815") + "]", "000815"},
		"the second": {"[" + account("PAN", "4111111111111111") + "," + account("AccountNumber", "815") + "]",
			"815"},
		"a card":          {"[" + account("BarCode", "4711") + "]", ""},
		"letters":         {"[" + account("AccountNumber", "A-4711") + "]", ""},
		"too long":        {"[" + account("AccountNumber", "1234567890123") + "]", ""},
		"too short":       {"[" + account("PhoneNumber", "471") + "]", ""},
		"an amount alone": {`[{"LoyaltyAmount":{"AmountValue":10}}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			q := paymentOf("s1", "order 17", "10.10", "EUR")
			if err := json.Unmarshal([]byte(c.loyalty), &q.Payment.Loyalty); err != nil {
				t.Fatal(err)
			}
			var told []string
			d.till.Digits = func(id, digits string) { told = append(told, id+" "+digits) }
			var paid payment.Payment
			r := d.pay(q, func(p payment.Payment) {
				paid = p
				d.smiles(p)
			})
			d.is("payment", r.Response, register.Success, "")
			if want := paid.ID + " " + c.want; c.want == "" && len(told) > 0 ||
				c.want != "" && (len(told) != 1 || told[0] != want) {
				t.Errorf("told %q, want %q", told, want)
			}
		})
	}
}
