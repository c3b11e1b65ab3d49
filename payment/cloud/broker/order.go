package broker

import (
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// order keeps retained messages from being stored while a new subscriber's are looked up: mochi 2.7.9 reads
// its tree of topics without the lock that it writes it with, when the filter has a wildcard.
type order struct {
	mqtt.HookBase
	mu   sync.Mutex
	held sync.Map // the clients on whose goroutine mu is held
}

func (*order) ID() string { return "order" }

func (*order) Provides(b byte) bool {
	switch b {
	case mqtt.OnPublish, mqtt.OnWill, mqtt.OnRetainMessage, mqtt.OnSubscribed, mqtt.OnPacketProcessed:
		return true
	}
	return false
}

func (o *order) take(cl *mqtt.Client) {
	o.mu.Lock()
	o.held.Store(cl, nil)
}

func (o *order) leave(cl *mqtt.Client) {
	if _, ok := o.held.LoadAndDelete(cl); ok {
		o.mu.Unlock()
	}
}

// OnPublish and OnWill come just before a message is stored, OnRetainMessage just after.
func (o *order) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Retain {
		o.take(cl)
	}
	return pk, nil
}

func (o *order) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	if will.Retain && will.WillDelayInterval == 0 {
		o.take(cl)
	}
	return will, nil
}

func (o *order) OnRetainMessage(cl *mqtt.Client, _ packets.Packet, _ int64) { o.leave(cl) }

// OnSubscribed comes before the retained messages are looked up, OnPacketProcessed when all is done.
func (o *order) OnSubscribed(cl *mqtt.Client, _ packets.Packet, _ []byte) { o.take(cl) }

func (o *order) OnPacketProcessed(cl *mqtt.Client, _ packets.Packet, _ error) { o.leave(cl) }
