// Package pairing is the terminal's end of the friendship with cash registers: which are paired, and the
// certificate by which they know the terminal; both changed and printed for who sets registers up.
//
// Invariants: a passphrase is shown once and kept nowhere; the certificate is made only where there is
// none, or when somebody said yes.
//
// It imports columns, config, storage, payment and device/screen (the code that a telephone reads).
package pairing
