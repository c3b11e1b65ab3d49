// Package report delivers payment facts to the cloud over MQTT: at least once, in order, until the cloud
// acknowledges.
//
// A Reporter reads rows from an Outbox (payment/journal has one), publishes each as a CloudEvents 1.0 JSON
// event with QoS 1, and closes a row when, and only when, an acknowledgement came back whose id, hash and seq
// are those of the row. What the broker answers (PUBACK) counts for nothing: mosquitto 2.0.11 with
// persistence on, killed after its PUBACKs, delivered none of three messages, and the client library calls a
// publication complete when the link drops.
//
// Topics, so that a broker's access rules can hold each terminal to its own:
//
//	v1/{tenant}/{site}/{terminal}/payment   terminal to cloud, one event a fact
//	v1/{tenant}/{site}/{terminal}/status    "online" at birth, "offline" as will and farewell; retained,
//	                                        where the broker keeps messages
//	v1/{tenant}/{site}/{terminal}/ack       cloud to terminal: {"id","hash","seq","sig"}
//
// Invariants
//   - No payment waits for this package: it reads what is committed, and owes nobody an answer.
//   - Bounded: at most Options.Window rows are in memory; the inbox of acknowledgements is bounded and drops,
//     because a row without acknowledgement is sent again.
//   - Rows go out by rising seq. A row without acknowledgement is sent again after a time that doubles, and
//     after every reconnect; the cloud removes duplicates by (source, id).
//   - A connection over which no acknowledgement returns is replaced, and ever more rarely if that does not
//     help.
//   - A forged, mismatched, unknown, repeated or malformed acknowledgement changes nothing. It is counted and
//     logged. One for a known id with another hash or seq raises Options.Alarm.
//   - A row that cannot be an event (see Encode) is never sent and never closed: it is reported as a problem,
//     and the rows behind it go on.
//   - The handler of messages never publishes and never waits.
//
// It must not import payment, payment/journal, device or vision; the Outbox is this package's own interface.
//
// Sources: CloudEvents 1.0.2 (CNCF), JSON format and the attribute rules ([a-z0-9] names; Integer is 32 bits
// wide, which is why seq is a string); CloudEvents MQTT binding 1.0.2 (structured mode is the only one for
// MQTT 3.1.1); MQTT 3.1.1 (OASIS).
package report
