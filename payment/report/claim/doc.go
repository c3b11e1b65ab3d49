// Package claim is how a terminal and its cloud come to know each other by a code that the terminal shows and
// a person types into the cloud: the code, what both say, and the proof that both had it.
//
// One run, over TLS that nobody vouches for yet:
//
//	terminal -> cloud  Hello  half of the code (Plate), its key, a request for a certificate, a point
//	cloud -> terminal  Offer  a point, the Terms (name, broker, the cloud's key), its proof
//	terminal -> cloud  Answer its proof, signed by its key
//	cloud -> terminal  Grant  the certificate, with a proof
//
// Invariants
//   - Whoever does not know the code gets one guess at it for each run, on either side, and nothing to try
//     guesses on afterwards: the points are those of a password-authenticated key exchange.
//   - Each proof covers the whole of Hello and Terms and the certificate that TLS was spoken with: what
//     somebody between changed, or passes on over a connection of his own, proves nothing.
//   - The cloud proves first. A terminal that saw a wrong proof has said nothing but that.
//   - What came from outside is checked before the exchange's library sees it.
//   - A code's secret half is in no message, and does not print.
//
// It imports payment/report and its signatures alone of the project; not payment, device or vision.
//
// Sources: Boneh, Shoup, A Graduate Course in Applied Cryptography 0.4, figure 21.15 (PAKE2), as
// github.com/schollz/pake v3.1.0 has it on P-256; RFC 5869 (HKDF); RFC 2986 (the certificate's request).
package claim
