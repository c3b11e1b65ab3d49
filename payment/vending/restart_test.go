package vending_test

import (
	"testing"
	"time"

	"smiletill/payment/vending"
)

// TestRestart: a vend that was open at the start is decided by the adapter's first words.
func TestRestart(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"no port in time", `
			+ 60s
			= void 0 silence
			= flag 0 silence`},
		{"a port, and silence", `
			! plug
			? busy
			< r,ACK
			< garbage
			< v,4.0,1
			+ 60s
			= void 0 silence
			= flag 0 silence
			> C,0`},
		{"it fell", `
			! plug
			< r,ACK
			< c,VEND,SUCCESS
			= approve 0
			> C,0
			< c,VEND,SUCCESS
			< c,STATUS,IDLE`},
		{"it did not", `
			! plug
			< c,ERR,"VEND 3"
			= void 0 not_dispensed
			> C,0`},
		{"the adapter has gone on", `
			! plug
			< c,STATUS,ENABLED
			= void 0 unconfirmed
			= flag 0 unconfirmed
			> C,0`},
		{"the adapter was started again too", `
			! plug
			< c,STATUS,INACTIVE
			= void 0 unconfirmed
			= flag 0 unconfirmed
			> C,0`},
		{"the next customer has chosen", `
			! plug
			< c,STATUS,VEND,1.20,10
			= void 0 unconfirmed
			= flag 0 unconfirmed
			> C,0`},
		{"unplugged and plugged in meanwhile", `
			! plug
			! unplug
			! plug
			< c,VEND,SUCCESS
			= approve 0
			> C,0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			play(t, vending.New(euro(vending.AlwaysIdle), true, now), now, "! serve\n"+c.script)
		})
	}
}
