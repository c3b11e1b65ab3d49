package vending_test

import (
	"fmt"
	"time"

	"smiletill/payment/vending"
)

// A vend, from the choice to the product.
func Example() {
	set := vending.Settings{
		Address: 0x10, Timeout: time.Minute,
		Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1},
	}
	now := time.Now()
	r := vending.New(set, false, now)
	next := func(e vending.Event) {
		var acts []vending.Act
		r, acts = r.Next(e, now)
		for _, a := range acts {
			if o, ok := a.(vending.Open); ok {
				fmt.Printf("a payment of %v for product %s\n", o.Price, o.Item)
				continue
			}
			fmt.Printf("%T %+v\n", a, a)
		}
	}
	hear := func(line string) { next(vending.Received{Line: vending.Parse([]byte(line))}) }
	next(vending.Serve{On: true})
	next(vending.Connected{})
	for _, line := range []string{"c,0", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,SET,OK"} {
		hear(line)
	}
	hear("c,STATUS,ENABLED") // by the machine
	hear("c,STATUS,VEND,1.20,10")
	next(vending.Granted{Vend: 1}) // a customer smiled: vending.Commit is done, synced
	next(vending.Committed{Vend: 1})
	hear("c,VEND,SUCCESS")
	// Output:
	// vending.Send {Line:C,0}
	// vending.Send {Line:C,SETCONF,mdb-addr=0x10}
	// vending.Send {Line:C,SETCONF,mdb-currency-code=0x1978}
	// vending.Send {Line:C,SETCONF,mdb-always-idle=1}
	// vending.Send {Line:C,SETCONF,mdb-decimal-places=2}
	// vending.Send {Line:C,SETCONF,mdb-scale-factor=1}
	// vending.Send {Line:C,1}
	// a payment of 1.20 EUR for product 10
	// vending.Commit {Vend:1}
	// vending.Send {Line:C,VEND,1.20}
	// vending.Approve {Vend:1}
}
