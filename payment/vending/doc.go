// Package vending is a vending machine's cashless reader, as a machine knows it by MDB/ICP: it is asked for a
// product's price, says yes or no, and is told whether the product fell. A computer can't speak MDB itself
// (frames of nine bits, answers within 5 ms); an adapter does, and is spoken to in lines of text.
//
// Three parts are pure: [Splitter] and [Parse] read the adapter's lines, [Scale] its prices, and
// [Reader] is the state machine: an [Event] and the time go in, a new Reader and [Act]s come out. An Act is a
// line to send, or a wish to the money's side: begin a payment, commit it, report it, take it back, call a
// person. The fourth is [Desk], the goroutine that joins a Reader with the engine.
//
// Invariants:
//   - C,VEND is sent for a vend that the money's side said is committed, with the price as the machine wrote
//     it, while that request stands; never twice.
//   - A committed vend ends once: in Approve, after c,VEND,SUCCESS and nothing else, or in Void. The machine
//     that goes on without a word, a port that is gone, silence: Void, and a person is told, because the
//     product may have fallen.
//   - A restart decides nothing: a vend that was open is decided by the adapter's first words, else voided
//     and told.
//   - A price is never guessed: "10" may be 10.00, 1.00 or 0.10. It has as many decimals as the settings say,
//     or it is refused and told.
//   - Whatever comes over the line, nothing panics, and nothing but a whole, known line means anything.
//   - Time is an argument; a deadline is compared by its monotonic reading.
//   - What the engine has in hand and the reader does not know is taken back, and told.
//
// It imports the standard library and payment; nothing of device, vision or models, and no other child of
// payment. The port is device/serial's; what joins the two is cmd's.
//
// Sources: MDB/ICP 4.3, chapter 7, for states, scaled amounts (16 bits, 0xFFFF is unknown) and addresses
// (0x10, 0x60); the maker's pages of the Qibixx MDB interfaces (cashless slave, configuration, vending
// sessions) for the lines; the public projects solomdb, ln-vending, sumup-mdb-qibixx and others for how
// firmware really answers, each of which has a transcript in the tests; ISO 4217 for the numbers of
// currencies.
package vending
