// Package link is one MQTT 3.1.1 connection, from CONNECT to its loss: it is the only place that knows the
// client library (eclipse/paho.mqtt.golang 1.5.1) and its traps.
//
// A Link never reconnects. Its owner dials a new one, with its own back-off, because
//   - with AutoReconnect the library completes publish tokens with a nil error when the link drops, and
//     re-sends from a store of its own beside the journal: two outboxes, of which one lies;
//   - a client that was disconnected must not be used again ("reusing the client may lead to panics", its
//     client.go).
//
// Invariants
//   - CleanSession is on: nothing of a session survives in the broker, so that nothing in the broker has to
//     be trusted, bounded or cleaned up. What a clean session loses, the sender's journal sends again.
//   - No file store: the library's does not fsync and panics on a full disk. Its memory store holds what the
//     owner has in flight, no more, and goes with the Link.
//   - Protocol level 4 alone: left to itself the library tries 3.1 after a refusal and hides the first
//     answer.
//   - The message handler only puts into a bounded channel. A full channel drops the message and counts it.
//   - A Receipt says that the broker answered; it is no proof that anything was stored or delivered.
//   - Files are read at each Dial; what they held before is not remembered.
//   - Plain TCP is for loopback alone. Everything else is TLS 1.2 or newer.
//   - The environment's proxy variables are not followed: a payment terminal connects where its configuration
//     says.
//
// It must not import payment, payment/journal, device or vision.
//
// Sources: MQTT 3.1.1 (OASIS, 2014): section 3.1.2.4 clean session, 3.1.2.5 will, 3.9.3 SUBACK 0x80.
package link
