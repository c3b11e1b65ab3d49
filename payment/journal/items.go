package journal

import (
	"cmp"
	"context"
	"slices"

	"smiletill/payment"
)

// Item is what a vending machine sold of a product. What was given back of it later is not taken off.
type Item struct {
	Item     string // as the machine calls it; "" where it doesn't
	Currency string
	Sold     int   // approved
	Minor    int64 // minor units of these
	Voided   int   // not charged
	Unsure   int   // of Voided: it may have fallen all the same
}

// Items adds up the products of vending machines in a span, in the order of their names.
func (r *Reader) Items(ctx context.Context, span Range) ([]Item, error) {
	type key struct{ item, currency string }
	sums := map[key]*Item{}
	err := r.Facts(ctx, span, func(f Fact) error {
		if !f.Vend || f.Kind != kindApproved && f.Kind != string(payment.StateVoided) {
			return nil
		}
		k := key{f.Item, f.Amount.Currency}
		one := sums[k]
		if one == nil {
			one = &Item{Item: f.Item, Currency: f.Amount.Currency}
			sums[k] = one
		}
		switch {
		case f.Kind == kindApproved:
			one.Sold, one.Minor = one.Sold+1, one.Minor+f.Amount.Minor
		case f.Reason == payment.ReasonNotConfirmed:
			one.Unsure++
			fallthrough
		default:
			one.Voided++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]Item, 0, len(sums))
	for _, one := range sums {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Item) int {
		return cmp.Or(cmp.Compare(len(a.Item), len(b.Item)), cmp.Compare(a.Item, b.Item),
			cmp.Compare(a.Currency, b.Currency))
	})
	return all, nil
}
