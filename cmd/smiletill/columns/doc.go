// Package columns sets text in columns as a terminal's screen shows it: what East Asian fonts draw wide takes
// two columns, what combines with the letter before it none. text/tabwriter, after which it is made, counts
// characters.
//
// It imports the standard library and what knows how wide characters are, and no room of the program.
package columns
