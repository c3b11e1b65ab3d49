package broker_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"smiletill/payment/cloud/broker"
	"smiletill/payment/report/link"
)

// TestRetainedMessagesAndWildcards has terminals come and go, each with a retained birth and a will, while
// others ask for all of them. It is for the race detector, and for a lock that is never given back.
func TestRetainedMessagesAndWildcards(t *testing.T) {
	b, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	visit := func(id string, round int, terminal bool) error {
		o := link.Options{Broker: b.URL(), ClientID: fmt.Sprint(id, "-", round), Inbox: 256}
		topic := fmt.Sprintf("v1/a/%s/%d/status", id, round)
		if terminal {
			o.Will = &link.Will{Topic: topic, Payload: []byte("offline")}
		}
		l, err := link.Dial(ctx, o)
		if err != nil {
			return err
		}
		defer l.Close()
		if !terminal {
			return l.Subscribe(ctx, "v1/+/+/+/status")
		}
		receipt, err := l.Publish(ctx, topic, true, []byte("online"))
		if err != nil {
			return err
		}
		return receipt.Wait(ctx)
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for round := range 25 {
				if err := visit(fmt.Sprint("c", n), round, n%2 == 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
