package vendingtest

import (
	"time"

	"smiletill/payment/vending"
)

// take is the money's side: what it is told, and what it answers later.
func (d *day) take(e vending.Event, a vending.Act) {
	switch a := a.(type) {
	case vending.Open:
		v := &vend{item: a.Item, price: a.Price.Decimal()}
		if a.Item == "" { // noise took its number
			v.item = d.chosen
		}
		d.vends = append(d.vends, v)
		d.byNum[a.Vend] = v
		var answer vending.Event = vending.Granted{Vend: a.Vend}
		wait := time.Duration(1+d.rng.IntN(8)) * time.Second
		switch d.rng.IntN(12) {
		case 0:
			answer = vending.Declined{Vend: a.Vend}
		case 1:
			wait = 2 * d.o.Set.Timeout // nobody looks
		}
		d.after(wait, func() (vending.Event, error) { return answer, nil })
	case vending.Cancel:
		if v := d.byNum[a.Vend]; v == nil || v.committed {
			d.wrong("cancelled %d, which is committed", a.Vend)
		}
		d.report.Cancelled++
	case vending.Commit:
		v := d.byNum[a.Vend]
		wait := 5 * time.Millisecond
		if d.rng.IntN(10) == 0 { // a slow card
			wait = time.Duration(d.rng.IntN(15_000)) * time.Millisecond
		}
		d.after(wait, func() (vending.Event, error) {
			if d.rng.IntN(40) == 0 {
				return vending.Declined(a), nil
			}
			v.committed = true
			return vending.Committed(a), nil
		})
	case vending.Approve:
		v := d.byNum[a.Vend]
		if r, ok := e.(vending.Received); !ok || r.Line.Kind != vending.Success {
			d.wrong("%d was approved by %+v", a.Vend, e)
		}
		if v == nil || !v.committed || v.approved || v.voided || !v.answered {
			d.wrong("approved %d: %+v", a.Vend, v)
			return
		}
		v.approved = true
		d.report.Approved++
	case vending.Void:
		v := d.byNum[a.Vend]
		if v == nil || !v.committed || v.approved || v.voided {
			d.wrong("voided %d: %+v", a.Vend, v)
			return
		}
		v.voided = true
		d.report.Voided++
	case vending.Flag:
		if v := d.byNum[a.Vend]; v != nil {
			v.flagged = true
		}
		d.report.Flagged++
	case vending.Send, vending.Ended:
	}
}

func (d *day) after(wait time.Duration, do func() (vending.Event, error)) {
	d.later = append(d.later, later{d.now.Add(wait), do})
}

// close holds what was charged against what fell.
func (d *day) close() {
	type end struct{ fell, paid, told bool }
	products := map[string]end{}
	for _, p := range d.sim.Fallen() {
		if _, twice := products[p.Item]; twice {
			d.wrong("product %s ended twice", p.Item)
		}
		products[p.Item] = end{p.Fell, p.Paid, p.Told}
		if p.Fell {
			d.report.Fell++
		}
	}
	paid := map[string]*vend{}
	for _, v := range d.vends {
		if v.committed && v.approved == v.voided {
			d.wrong("product %s: committed, and has no end or two: %+v", v.item, *v)
		}
		if v.answered {
			paid[v.item] = v
		}
		if v.approved && !products[v.item].fell {
			d.wrong("product %s was charged and did not fall", v.item)
		}
	}
	for item, p := range products {
		v := paid[item]
		switch {
		case !p.fell:
		case v == nil:
			d.wrong("product %s fell without a yes", item)
		case !v.approved:
			d.report.Free++
			if !v.flagged {
				d.wrong("product %s fell, is not charged, and nobody was told", item)
			}
		}
	}
}
