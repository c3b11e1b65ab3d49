package vending_test

import (
	"testing"
	"time"

	"smiletill/payment/vending"
)

// paid is a vend up to the adapter's yes.
const paid = `
	< c,STATUS,VEND,1.20,10
	= open 1 1.20 EUR 10
	! grant 1
	= commit 1
	! committed 1
	> C,VEND,1.20
	`

// again is how a reader is set up once more, when always idle.
const again = `
	> C,0
	< c,0
	> C,SETCONF,mdb-addr=0x10
	< c,SET,OK
	> C,SETCONF,mdb-currency-code=0x1978
	< c,SET,OK
	> C,SETCONF,mdb-always-idle=1
	< c,SET,OK
	> C,SETCONF,mdb-decimal-places=2
	< c,SET,OK
	> C,SETCONF,mdb-scale-factor=1
	< c,SET,OK
	> C,1
	`

// TestAlwaysIdle has the bad cases first.
func TestAlwaysIdle(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"the product does not fall", paid + `
			< c,ERR,VEND 3
			= void 1 not_dispensed
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			? ready`},
		{"the customer cancels after the yes", paid + `
			< c,ERR,VEND 1
			= void 1 machine_cancelled
			< c,STATUS,ENABLED
			? ready`},
		{"the adapter doesn't take the yes", paid + `
			< c,ERR,"VEND -1"
			= void 1 adapter_refused
			= flag 1 adapter_refused
			+ 5s
			> C,STOP`},
		{"idle before success", paid + `
			< c,STATUS,IDLE
			= void 1 unconfirmed
			= flag 1 unconfirmed
			< c,STATUS,ENABLED
			? ready`},
		{"disabled before success", paid + `
			< c,STATUS,DISABLED
			= void 1 unconfirmed
			= flag 1 unconfirmed
			? not enabled`},
		{"the machine never says", paid + `
			+ 59s
			? busy
			+ 1s
			= void 1 silence
			= flag 1 silence
			> C,0`},
		{"success after it was voided", paid + `
			+ 60s
			= void 1 silence
			= flag 1 silence
			> C,0
			< c,VEND,SUCCESS
			= flag 1 product_unasked`},
		{"the adapter starts again in mid-vend", paid + `
			< c,STATUS,INACTIVE
			= void 1 adapter_restarted
			= flag 1 adapter_restarted` + again},
		{"unplugged in mid-vend, and never back", paid + `
			! unplug
			? no port
			+ 60s
			= void 1 silence
			= flag 1 silence
			! plug` + again},
		{"unplugged in mid-vend: the adapter knows", paid + `
			! unplug
			+ 3s
			! plug
			< r,ACK
			< c,VEND,SUCCESS
			= approve 1` + again},
		{"unplugged in mid-vend: the adapter knows that it did not fall", paid + `
			! unplug
			! plug
			< c,ERR,VEND 3
			= void 1 not_dispensed` + again},
		{"unplugged in mid-vend: the adapter has gone on", paid + `
			! unplug
			! plug
			< c,STATUS,ENABLED
			= void 1 unconfirmed
			= flag 1 unconfirmed` + again},
		{"unplugged in mid-vend: the adapter is silent", paid + `
			! unplug
			! plug
			< r,ACK
			+ 60s
			= void 1 silence
			= flag 1 silence` + again},
		{"nobody pays", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			+ 54s
			+ 1s
			= cancel 1 too_slow
			> C,VEND,-1
			! grant 1
			= cancel 1 too_slow
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			? ready`},
		{"the machine gives up while it is committed", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			< c,STATUS,IDLE
			! committed 1
			= void 1 machine_cancelled
			< c,STATUS,ENABLED
			? ready`},
		{"the next choice comes while one is committed", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			< c,STATUS,VEND,2.00,11
			> C,VEND,-1
			! committed 1
			= void 1 other_choice
			< c,STATUS,ENABLED`},
		{"the commit hangs", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			+ 10s
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,1.20,10
			> C,VEND,-1
			< c,STATUS,ENABLED
			! committed 1
			= void 1 silence`},
		{"the commit fails", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			! decline 1
			> C,VEND,-1
			! committed 1
			< c,STATUS,ENABLED`},
		{"committed without a wish", `
			! committed 7
			= void 7 unconfirmed
			= flag 7 unconfirmed`},
		{"unplugged while somebody pays", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! unplug
			= cancel 1 port_lost
			! grant 1
			= cancel 1 too_slow`},
		{"unplugged while it is committed", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			! unplug
			! committed 1
			= void 1 port_lost`},
		{"another choice while somebody pays", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,STATUS,VEND,2.00,11
			= cancel 1 other_choice
			= open 2 2.00 EUR 11
			! grant 1
			= cancel 1 too_slow
			! grant 2
			= commit 2`},
		{"another choice in mid-vend", paid + `
			< c,STATUS,VEND,2.00,11
			= void 1 unconfirmed
			= flag 1 unconfirmed
			> C,VEND,-1` + again},
		{"another choice in mid-vend, and then the first one's success", paid + `
			< c,STATUS,VEND,2.00,11
			= void 1 unconfirmed
			= flag 1 unconfirmed
			> C,VEND,-1
			> C,0
			< c,VEND,SUCCESS
			= flag 1 product_unasked
			< c,ERR,VEND 3
			? preparing
			< c,0
			> C,SETCONF,mdb-addr=0x10
			< c,ERR,"VEND -1"
			? preparing`},
		{"each line twice", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,STATUS,VEND,1.20,10
			! grant 1
			= commit 1
			! committed 1
			> C,VEND,1.20
			! committed 1
			< c,VEND,SUCCESS
			= approve 1
			< c,VEND,SUCCESS
			< c,STATUS,IDLE
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			< c,STATUS,ENABLED
			? ready`},
		{"success, and then it did not fall", paid + `
			< c,VEND,SUCCESS
			= approve 1
			< c,ERR,VEND 3
			= flag 1 fell_or_not
			< c,ERR,VEND 3
			< c,VEND,SUCCESS
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			? ready`},
		{"success, the next customer, and then it did not fall", paid + `
			< c,VEND,SUCCESS
			= approve 1
			< c,STATUS,ENABLED
			< c,ERR,VEND 1
			< c,ERR,"VEND 3"
			= flag 1 fell_or_not
			? ready
			< c,STATUS,VEND,2,11
			= flag 0 bad_price
			> C,VEND,-1
			< c,VEND,SUCCESS
			= flag 1 product_unasked
			< c,ERR,VEND 3
			> C,STOP`},
		{"unplugged in mid-vend: success, and then it did not fall", paid + `
			! unplug
			! plug
			< c,VEND,SUCCESS
			= approve 1
			> C,0
			< c,ERR,VEND 3
			= flag 1 fell_or_not
			< c,0
			> C,SETCONF,mdb-addr=0x10`},
		{"a product falls that nobody asked for", `
			< c,VEND,SUCCESS
			= flag 0 product_unasked
			? ready`},
		{"a product falls before the yes", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,VEND,SUCCESS
			= flag 1 product_unasked
			= cancel 1 unconfirmed
			< c,STATUS,ENABLED
			? ready`},
		{"the no is not understood", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! decline 1
			> C,VEND,-1
			< c,ERR,"VEND -1"
			> C,STOP
			< c,STATUS,ENABLED
			? ready`},
		{"the no is not heard", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! decline 1
			> C,VEND,-1
			< c,STATUS,VEND,1.20,10
			+ 2s
			> C,STOP
			+ 2s` + again},
		{"prices that are none", `
			< c,STATUS,VEND,-1,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,VEND,-1,10
			< c,STATUS,ENABLED
			< c,STATUS,VEND,10,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,12.0,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,0.00,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,655.35,10
			= flag 0 bad_price
			> C,VEND,-1`},
		{"choices that can't be read", `
			< c,STATUS,VEND,1,20,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,VEND,1,20,10
			< c,STATUS,VEND,-1.00,10
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			+ 30s
			> C,1
			< c,STATUS,VEND,1e9
			= flag 0 bad_price
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,1.20,-1
			= open 1 1.20 EUR
			! decline 1
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,1.20,1-2
			= open 2 1.20 EUR 1-2
			! decline 2
			> C,VEND,-1
			< c,STATUS,ENABLED
			< c,STATUS,VEND,1.20,123456789012345678
			= open 3 1.20 EUR 1234567890123456`},
		{"a choice that can't be read changes nothing of the one in hand", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,STATUS,VEND,1.2#,10
			! grant 1
			= commit 1
			< c,STATUS,VEND,1.20,1#
			! committed 1
			> C,VEND,1.20
			< c,STATUS,VEND,1,20,10
			< c,STATUS,VEND,1.20,1#
			! unplug
			! plug
			< c,STATUS,VEND,1#20,10
			< c,VEND,SUCCESS
			= approve 1` + again},
		{"lost and garbled lines", `
			< c,STATUS,VE#D,1.20,10
			? ready
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,VEND,SUCCE
			! grant 1
			= commit 1
			! committed 1
			> C,VEND,1.20
			< c,VEND,SUCCES
			< c,STATUS,IDLE
			= void 1 unconfirmed
			= flag 1 unconfirmed`},
		{"out of order while somebody pays", `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! out
			= cancel 1 out_of_order
			> C,VEND,-1
			< c,STATUS,ENABLED
			> C,0`},
		{"out of order in mid-vend: the vend goes on", paid + `
			! out
			< c,VEND,SUCCESS
			= approve 1
			< c,STATUS,ENABLED
			> C,0`},
		{"the adapter is silent", `
			+ 30s
			> C,1
			< c,ERR,"cashless is on"
			? ready
			+ 30s
			> C,1
			+ 2s
			> C,0
			+ 2s
			> C,0
			+ 2s
			> C,0
			+ 2s
			? no answer
			+ 10s` + again},
		{"the adapter was off for a moment", `
			+ 30s
			> C,1
			< c,STATUS,INACTIVE` + again},
		{"the machine is switched off, or the adapter has lost power", `
			< c,STATUS,INACTIVE` + again + `
			< c,STATUS,INACTIVE
			? not polled
			< c,STATUS,INACTIVE
			< c,1
			+ 29s
			< c,STATUS,INACTIVE
			+ 29s
			< c,STATUS,INACTIVE
			? not polled
			< c,STATUS,ENABLED
			< c,STATUS,INACTIVE` + again + `
			< c,STATUS,INACTIVE
			< c,1
			< c,STATUS,ENABLED
			+ 29s
			< c,STATUS,INACTIVE
			? not polled
			< c,STATUS,DISABLED
			+ 1s
			< c,STATUS,INACTIVE` + again},
		{"a vend", paid + `
			< r,ACK
			< c,VEND,SUCCESS
			= approve 1
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			? ready
			< c,STATUS,VEND,0.80,11
			= open 2 0.80 EUR 11`},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			play(t, prepared(t, euro(vending.AlwaysIdle), now), now, c.script)
		})
	}
}

func TestAuthoriseFirst(t *testing.T) {
	const offered = `
		! offer 5.00 EUR
		> C,START,5.00
		< c,STATUS,IDLE,5.00
		? busy
		`
	for _, c := range []struct{ name, script string }{
		{"the machine lets choose first", `
			< c,STATUS,VEND,1.20,10
			= flag 0 wrong_mode
			> C,VEND,-1`},
		{"more than was offered", offered + `
			< c,STATUS,VEND,5.01,10
			= flag 0 over_funds
			= ended
			> C,VEND,-1
			< c,STATUS,ENABLED
			? ready`},
		{"the session is refused", `
			! offer 5.00 EUR
			> C,START,5.00
			< c,ERR,"START -1"
			= ended
			? ready`},
		{"the session is not heard", `
			! offer 5.00 EUR
			> C,START,5.00
			+ 2s
			= ended
			> C,STOP
			+ 2s
			> C,0`},
		{"the customer goes", offered + `
			! withdraw
			= ended
			> C,STOP
			< c,STATUS,ENABLED
			? ready`},
		{"nothing is chosen", offered + `
			+ 60s
			= ended
			> C,STOP`},
		{"the machine ends it", offered + `
			< c,STATUS,ENABLED
			= ended
			? ready`},
		{"a second customer", offered + `
			! offer 7.00 EUR
			= ended`},
		{"nothing to spend", `
			! offer 0.00 EUR
			= ended`},
		{"out of order in a session", offered + `
			! out
			= ended
			> C,STOP
			< c,STATUS,ENABLED
			> C,0`},
		{"another choice in one session", offered + `
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			< c,STATUS,VEND,1.30,11
			= cancel 1 other_choice
			> C,VEND,-1`},
		{"unplugged in a session", offered + `
			! unplug
			= ended`},
		{"a vend", offered + `
			< c,STATUS,IDLE,5.00
			< c,STATUS,VEND,1.20,10
			= open 1 1.20 EUR 10
			! grant 1
			= commit 1
			! committed 1
			> C,VEND,1.20
			< r,ACK
			< c,VEND,SUCCESS
			= approve 1
			< c,STATUS,IDLE
			< c,STATUS,ENABLED
			? ready`},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			if c.name == "nothing to spend" { // which no amount is
				r, acts := prepared(t, euro(vending.AuthoriseFirst), now).Next(vending.Offer{}, now)
				if list(acts) != "= ended" || r.State() != vending.Ready {
					t.Error(list(acts))
				}
				return
			}
			play(t, prepared(t, euro(vending.AuthoriseFirst), now), now, c.script)
		})
	}
}
