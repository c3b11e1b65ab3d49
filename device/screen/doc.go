// Package screen is the terminal's display: a page for the customer at /, a read-only page for the
// technician at /status, and one for the clerk of a shop without a register at /counter.
//
// The customer's page is a picture of the last [View] given to [Server.Show]. It takes a PIN ([Keypad]),
// plays colours for the camera to find on a face ([Light]), and decides nothing: choosing and paying happen
// elsewhere. A View is sent to each browser as a server-sent event with all its words already in that
// browser's language, so that the script on the page only puts words in their places.
//
// # Invariants
//
//   - Show and SetStatus never block, whatever the browsers do. For each browser the newest View wins;
//     a browser that doesn't take an event within the write time-out is dropped and comes back by
//     itself.
//   - A page that has lost the terminal says so, and says nothing else: within [lostAfter] of the last
//     sign of life, and at once when the connection is closed, every state (above all "approved")
//     leaves the screen.
//   - It fails closed: an unknown State is shown as out of order, never as a result. Before the first
//     View the page says that the terminal is starting.
//   - The amount is never rounded or guessed: the browser groups the digits for the reader's language,
//     compares them with the decimal string it was given, and shows that string instead if they
//     differ.
//   - The counter's page sends a request once a press, under an id that it made and kept before, and asks
//     for what became of it until it is told: it never charges or gives back twice, and never assumes.
//   - Nothing but its lock is told or done at the counter without a session, which the clerk's PIN opened.
//   - Nothing flashes: a [Light] whose colours differ enough to do so, or are a saturated red, is never
//     sent to a page, two of them begin a second apart, and a browser that is set to keep still plays none.
//   - A Light is played once, on the terminal's own display. What was not shown from the first colour to
//     the last, or not seen to be, is told as not shown.
//   - No colour is the only sign of anything: every result has its own shape, symbol and word.
//
// # Privacy
//
// While nothing is to be paid the page tells who touches "My data" what is stored, and forgets who touches
// "Forget me" ([Forgetter]): the page of a step stands in place of the idle one, in that browser alone, and a
// View of anything else takes its place at once. The PIN is in one variable of the script until the last
// question is answered; whose face it was is never told to the page.
//
// View has no field for the customer's name, and no picture from the camera can be put on the page: a
// customer display is read by the whole queue. The face on the page is a drawing that acts out the
// instruction. The counter's page, behind a PIN, has customers' names, and forgets them when it is locked.
//
// # The light
//
// A View's Light reaches the page with all its colours. The page puts one after the other on its ground,
// with the words in ink, by the frames of requestAnimationFrame, and counts a colour as seen when
// the frame after its own begins. It posts JSON to /light, with the time of its own clock in each: once
// when the first colour was seen, so that two posts tell how its clock and this machine's differ (the
// lesser difference counts: what a request takes only ever adds), and once at the end with the times of all
// colours, or with the reason why there are none. The terminal hears of it through [Lights]. "Without
// colours" on the page is a post too; it names the number under which they were offered, so that it never
// counts for the next payment. A page that was loaded after the light had gone out, and one on another
// machine, is not sent it.
//
// # Access
//
// The server listens on loopback addresses unless [Options].AllowRemote is set, answers only to loopback
// names and the configured hosts (a web page elsewhere could otherwise point its own name at 127.0.0.1 and
// read the screen), and keeps at most [Options].MaxClients event streams: one more puts out the one that is
// open longest, and never this machine's own for another's. Connections are bounded alike, and those that
// only hold their place make room (doors.go). [Server.ServeCounter] shows the network the counter's page
// alone, over TLS. What carries a PIN, or what one has opened, is taken from this machine or over TLS, and
// from a page of this server alone.
//
// It imports the standard library only, and nothing of the project: View is its own struct, and the words
// that cross are string keys ([State], [Instruction], [Reason]) which cmd maps from the payment's and the
// vision's.
//
// # Sources
//
//   - Event framing, retry and reconnection: WHATWG HTML, section 9.2 "Server-sent events".
//   - Contrast: WCAG 2.2, 1.4.3 (AA, 4.5:1) for all text and 1.4.6 (AAA, 7:1) for the amount; 1.4.11 (3:1)
//     for fields and the focus. Tests measure each pair in a browser as it is painted (testdata/faint.js), in
//     each state that they look at.
//   - Flashes, saturated red and relative luminance: WCAG 2.2, 2.3.1 and its definitions of "general flash
//     and red flash thresholds" and of "relative luminance".
//   - Rendering of amounts: ECMA-402 Intl.NumberFormat. Its own idea of a currency's digits is that of
//     CLDR, which differs from ISO 4217 (IQD: 0 and 3), hence the digits are those of the decimal
//     string.
package screen
