package config_test

import (
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
)

func TestDark(t *testing.T) {
	for _, c := range []struct {
		night string
		at    string
		want  bool
	}{
		{"", "03:00", false},
		{"22:00-06:00", "21:59", false}, {"22:00-06:00", "22:00", true}, {"22:00-06:00", "00:00", true},
		{"22:00-06:00", "05:59", true}, {"22:00-06:00", "06:00", false}, {"22:00-06:00", "12:00", false},
		{"01:30-05:00", "01:29", false}, {"01:30-05:00", "01:30", true}, {"01:30-05:00", "05:00", false},
		{"22-6", "23:00", false}, // which no settings let pass
	} {
		at, err := time.ParseInLocation("15:04", c.at, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		if got := (config.ScreenConfig{Night: c.night}).Dark(at); got != c.want {
			t.Errorf("night %q at %s: dark %t", c.night, c.at, got)
		}
	}
}
