// Package cli is the command line of smiletill: one file a subcommand, with its flags, its words and what it
// prints, and what all commands share: exit codes, hints, asking for a PIN.
//
// It decides nothing and wires nothing: a command reads the configuration, calls another room of the program
// and prints. An error that wraps a *config.UsageError ends the program with exit code 2, a
// *till.NotDoneError with 3, any other with 1; each is printed with the hint that it carries.
//
// main alone imports it. It may import every room and wing, since a command prints what they have.
package cli
