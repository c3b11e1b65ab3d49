package config

import (
	"fmt"
	"strconv"
	"strings"
)

// GalleryConfig says how many strangers who try to pay may be taken for a customer: FalseAlarms is "1/N".
type GalleryConfig struct{ FalseAlarms string }

// leastOneIn and mostOneIn bound it: oftener is no protection, and rarer than one in 10,000 among 1,000
// customers nobody has measured (models/README.md).
const (
	leastOneIn, mostOneIn = 100, 10_000
	usualAlarms           = "1/1000"
)

// OneIn is the N of FalseAlarms.
func (g GalleryConfig) OneIn() int {
	n, ok := oneIn(g.FalseAlarms)
	if !ok {
		n, _ = oneIn(usualAlarms) // a configuration that nobody loaded
	}
	return n
}

func oneIn(text string) (int, bool) {
	digits, ok := strings.CutPrefix(text, "1/")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && strconv.Itoa(n) == digits && n >= leastOneIn && n <= mostOneIn
}

func alarmRate(v any) *mistake {
	if _, ok := oneIn(v.(string)); !ok {
		return wrong(v.(string), `%q for one stranger in %d, up to "1/%d"`,
			fmt.Sprintf("1/%d", leastOneIn), leastOneIn, mostOneIn)
	}
	return nil
}

func (c *Config) galleryOptions() []option {
	return []option{{"gallery.false_alarms", &c.Gallery.FalseAlarms,
		"strangers who may be taken for a customer, 1/100 to 1/10000", alarmRate}}
}
