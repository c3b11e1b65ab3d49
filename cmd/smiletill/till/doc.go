// Package till is a cash register for technicians: it sends a register's messages to a terminal, follows a
// payment to its end over connections that break, and says in words what came back.
//
// Invariants: a payment or reversal is sent once, and asked for until its end is known; nothing is sent to a
// terminal whose certificate is not known; a terminal that works and did not do it is a *NotDoneError.
//
// It imports payment, payment/register, config and control.
package till
