package cloud

import (
	"fmt"
	"testing"

	"smiletill/payment/report"
)

// status publishes a terminal's, retained as it is.
func (k *bench) status(a report.Address, status, session string) {
	k.t.Helper()
	payload := fmt.Appendf(nil, `{"status":%q,"session":%q}`, status, session)
	if _, err := k.term.Publish(k.t.Context(), a.Topic(report.ChannelStatus), true, payload); err != nil {
		k.t.Fatal(err)
	}
}

// A terminal that connects is told the latest event that is stored of it, by its acknowledgement, once a
// session; so is one that was there before the cloud.
func TestTerminalIsToldWhatIsStored(t *testing.T) {
	k := newBench(t)
	_, stop := k.start(k.options())
	stranger := report.Address{Tenant: "acme", Site: "s", Terminal: "stranger"}
	if err := k.term.Subscribe(t.Context(), stranger.Topic(report.ChannelAck)); err != nil {
		t.Fatal(err)
	}
	k.status(here(), "online", "a") // nothing is stored: no answer
	k.send(encode(t, func(r *report.Row) { r.ID, r.Seq, r.Hash = "e-7", 7, "h-7" }))
	k.wantAck("e-7", "h-7", 7)
	k.send(encode(t, same)) // late, with a lower seq
	k.wantAck("e-1", "h-1", 1)
	k.status(stranger, "online", "b")
	k.status(here(), "offline", "a")
	k.status(here(), "online", "c")
	k.wantAck("e-7", "h-7", 7)
	k.status(here(), "online", "c") // its trouble has changed
	k.status(here(), "online", "d")
	k.wantAck("e-7", "h-7", 7)
	stop()
	k.start(k.options())
	k.wantAck("e-7", "h-7", 7)
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1) // and nothing before it
}
