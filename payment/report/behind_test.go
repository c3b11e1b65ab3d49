package report_test

import (
	"context"
	"testing"

	"smiletill/payment/report"
)

// ledger is a journal that ends with seq 6.
type ledger struct{}

func (ledger) Holds(_ context.Context, id, hash string, seq int64) (bool, error) {
	return seq <= 6 && id == "held" && hash == "h", nil
}

// The cloud's word, signed, of a fact that the journal does not hold is told; nobody else's is, and one of a
// fact that it holds is a repetition.
func TestJournalThatLacksWhatTheCloudHas(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	o := options("mqtt://"+at, newOutbox(t))
	told := make(chan report.Ack, 9)
	o.Ledger, o.OnBehind = ledger{}, func(a report.Ack) { told <- a }
	cloud := peer(t, "mqtt://"+at, "cloud")
	r, _ := startReporter(t, o)
	eventually(t, "a connection", func() bool { return r.State().Connected })
	beyond := report.Ack{ID: "lost", Hash: "h", Seq: 9}
	for _, payload := range [][]byte{
		ackOf(t, key(1), beyond), // by a key that is not the cloud's
		ackOf(t, key(2), report.Ack{ID: "held", Hash: "h", Seq: 6}),
		ackOf(t, key(2), report.Ack{ID: "never", Hash: "h", Seq: 9, Refused: "no"}), // the cloud has not got it
		ackOf(t, key(2), beyond),
	} {
		say(t, cloud, here().Topic(report.ChannelAck), payload)
	}
	if a := <-told; a.Seq != 9 || a.ID != "lost" {
		t.Errorf("told %+v", a)
	}
	c := r.State().Counts
	if c.Forged != 1 || c.Repeated != 1 || c.Unknown != 1 || c.Behind != 1 || len(told) != 0 {
		t.Errorf("%+v, and %d more were told", c, len(told))
	}
}
