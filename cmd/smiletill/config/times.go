package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day, year = 24 * time.Hour, 365 * 24 * time.Hour

func within(low, high time.Duration) func(any) *mistake {
	return func(v any) *mistake {
		d := v.(time.Duration)
		if d >= low && d <= high {
			return nil
		}
		m := &mistake{span(d) + " is out of range", fmt.Sprintf("write %q to %q", span(low), span(high))}
		switch {
		case low >= day && high >= 2*year:
			m.instead += fmt.Sprintf(" (%d days to %d years)", low/day, high/year)
		case high >= year: // hours of which nobody has an idea
			m.instead += fmt.Sprintf(" (%d days)", high/day)
		}
		return m
	}
}

// span is a time as one writes it: "2160h", not "2160h0m0s".
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// days reads what people write for a number of days: "30d".
func days(text string) (time.Duration, bool) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "d")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 16) // 179 years: no overflow
	return time.Duration(n) * day, ok && err == nil                //nolint:gosec // 16 bits
}

// hours says what to write for a number of days, or what the option may be if these won't do.
func (o option) hours(text string, d time.Duration) *mistake {
	m := &mistake{what: strconv.Quote(text) + " won't do: days are no unit here",
		instead: fmt.Sprintf("write %q for %d days", span(d), d/day)}
	if o.check != nil {
		if bad := o.check(d); bad != nil {
			m.instead = bad.instead
		}
	}
	return m
}
