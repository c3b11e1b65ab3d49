// Package cloud is the other end of payment/report: a small receiver that commits each payment event to its
// own SQLite file and then, and only then, acknowledges it. It serves the demonstration and the tests, and
// shows what a real one must do.
//
// Invariants
//   - Commit before acknowledgement: SQLite with synchronous=FULL, then the ack. A receiver that dies between
//     the two gets the event again, finds it, and acknowledges what it already has.
//   - Counted once: (source, id) is the key. The same key with another hash, or with other content under the
//     same hash, is an alarm; it is not stored and not acknowledged.
//   - An event is taken only from its own terminal's topic: the source must be the topic's address, so that
//     the broker's access rules hold for the events too.
//   - The page is for programs of this machine: by the peer's address, and by the name that it is asked for
//     under.
//   - Counts are kept with the events: neither a view of the page nor a terminal that connects walks through
//     all of them.
//   - Bounded: the inbox drops when full, a batch is at most 64 events, an event at most 64 KiB.
//
// It must not import payment, payment/journal, device or vision. It shares with payment/report the wire's
// forms: Address, Ack, EventType.
//
// Sources: CloudEvents 1.0.2 (validated by its own SDK); RFC 8785 (JCS) for the content's digest.
package cloud
