package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// staff are the people who work in the shop: clerks, who give back and keep customers, and a technician.
type staff struct {
	rand *rand.Rand               // of its own, so that what customers do stays as it was
	back map[string][]payment.Who // who asked for a reversal, by its id
	done []work
}

// work is something that is no payment, and who did it.
type work struct {
	audit journal.Audit
	sure  bool // the journal said that it has it
}

func staffOf(seed uint64) staff {
	return staff{rand: rand.New(rand.NewPCG(seed, 9)), back: map[string][]payment.Who{}}
}

// clerk is one of those who stand at the counter.
func (d *day) clerk() payment.Who {
	names := []string{"Anna", "Berta", "counter"}
	return payment.Who{Role: "clerk", Name: names[d.staff.rand.IntN(len(names))], Door: "page"}
}

// gives is the clerk who gives something back; another may ask once more for what this one asked for. One in
// three does something else first, or the technician does.
func (d *day) gives(id string) payment.Who {
	if d.staff.rand.IntN(3) == 0 {
		d.works()
	}
	who := d.clerk()
	d.staff.back[id] = append(d.staff.back[id], who)
	return who
}

// works does something that is no payment.
func (d *day) works() {
	a := journal.Audit{At: time.Now(), Record: fmt.Sprintf("%016x", len(d.staff.done))}
	switch d.staff.rand.IntN(4) {
	case 3:
		a.What, a.Customer, a.Why, a.Who = journal.CustomerBlocked, "c3", "it was asked for", d.clerk()
	case 0:
		a.What, a.Who = journal.AlarmEnded, payment.Who{Role: "technician", Name: "tim", Door: "socket"}
	case 1:
		a.What, a.Customer, a.Who = journal.CustomerEnrolled, "c9", d.clerk()
	default:
		a.What, a.Clerk = journal.ClerkAdded, "Cleo"
		a.Who = payment.Who{Role: "owner", Name: "root", Door: "socket"}
	}
	ctx, stop := d.ctx()
	defer stop()
	err := d.life.journal.Note(ctx, a)
	d.note("%s by %s: %v", a.What, a.Who, err)
	d.staff.done = append(d.staff.done, work{a, err == nil})
}

// blocked is of one customer, on one day in four.
func (d *day) blocked(_ context.Context, customer string) (bool, error) {
	return d.seed%4 == 0 && customer == "c3", nil
}

// work wants each reversal to say who gave it back, one of those who asked, and all that was done besides
// payments to be there with who did it.
func (d *day) work(facts []journal.Fact) {
	for _, f := range facts {
		if f.Who.Role == "register" && f.Who.Name != "" && strings.HasPrefix(f.ReversalID, "nexo-") {
			continue
		}
		if f.Kind == "reversed" && !slices.Contains(d.staff.back[f.ReversalID], f.Who) {
			d.fail("reversal %s was given back by %q, and asked for by %v", f.ReversalID, f.Who,
				d.staff.back[f.ReversalID])
		}
	}
	all, err := d.life.journal.Audits(context.Background(), -1)
	d.must(err)
	there := map[string]journal.Audit{}
	for _, a := range all {
		there[a.Record] = a
	}
	for _, w := range d.staff.done {
		a, ok := there[w.audit.Record]
		if w.sure && !ok || ok && (a.Who != w.audit.Who || a.What != w.audit.What || a.Why != w.audit.Why) {
			d.fail("%s by %s is told as %s by %q", w.audit.What, w.audit.Who, a.What, a.Who)
		}
	}
}

// known wants the cloud to have heard in the end of all that was done, and by whom.
func (d *day) known() {
	events, err := d.cloud.Audits(context.Background(), 1e6)
	d.must(err)
	heard := map[string]payment.Who{}
	for _, e := range events {
		var b struct {
			Record string
			By     payment.Who
		}
		d.must(json.Unmarshal(e.Data, &b))
		heard[b.Record] = b.By
	}
	for _, w := range d.staff.done {
		if who, ok := heard[w.audit.Record]; w.sure && (!ok || who != w.audit.Who) {
			d.fail("the cloud has not heard of %s by %s: %q", w.audit.What, w.audit.Who, who)
		}
	}
}
