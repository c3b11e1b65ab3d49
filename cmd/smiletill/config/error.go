package config

import (
	"fmt"
	"strings"
)

// problem is one thing that is wrong with a configuration: where it stands (file:line:column, an
// environment variable or a flag), what is wrong, and what to write instead.
type problem struct{ Where, What, Instead string }

// loadError lists all that is wrong with a configuration, so that an operator mends it in one go.
type loadError struct {
	Problems []problem
	// Err is the system's error when a file couldn't be read.
	Err error
}

func (e *loadError) Error() string {
	if len(e.Problems) == 1 {
		return "load configuration: " + e.Problems[0].Where + ": " + e.Problems[0].What
	}
	var b strings.Builder
	fmt.Fprintf(&b, "load configuration: %d values are wrong", len(e.Problems))
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s: %s (%s)", p.Where, p.What, p.Instead)
	}
	return b.String()
}

// Hint says what to write instead.
func (e *loadError) Hint() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].Instead
	}
	return "mend the lines above; `smiletill config --example` prints every key with its meaning"
}

func (e *loadError) Unwrap() error { return e.Err }

// UsageError is what whoever wrote the command line can mend.
type UsageError struct{ err error }

// Usage says that an error is the command line's fault.
func Usage(err error) error { return &UsageError{err} }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// nearest returns the known name that was probably meant, or "".
func nearest(name string, known []string) string {
	best, dist := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k), dist); d < dist {
			best, dist = k, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes; it answers limit for anything at least that far.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
