package config

import (
	"regexp"
	"strconv"
	"time"
)

var nightForm = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$`)

// hoursOfNight takes "22:00-06:00": from the first time of day until the second, also over midnight.
func hoursOfNight(v any) *mistake {
	text := v.(string)
	if _, _, ok := night(text); text == "" || ok {
		return nil
	}
	return wrong(text, `from and until as "22:00-06:00", or "" for never`)
}

// night gives both times in minutes after midnight.
func night(text string) (from, until int, ok bool) {
	m := nightForm.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // two digits
	}
	from, until = 60*n[0]+n[1], 60*n[2]+n[3]
	return from, until, from != until
}

// Dark reports whether the terminal's own display is to be off at a local time when nobody needs it.
func (s ScreenConfig) Dark(now time.Time) bool {
	from, until, ok := night(s.Night)
	if !ok {
		return false
	}
	at := 60*now.Hour() + now.Minute()
	if from < until {
		return at >= from && at < until
	}
	return at >= from || at < until
}
