package config

import (
	"strings"
	"testing"

	"smiletill/payment"
)

// Where customers' faces count is read as a technician writes it, printed back, and refused with what to
// write where nobody could pay.
func TestCameraRegion(t *testing.T) {
	load := func(value string) (Config, error) {
		return parseConfig("t.toml", []byte("[camera]\nregion = "+value+"\n"), nil, nil, bareMachine(t))
	}
	for _, c := range []struct {
		value string
		want  region
		text  string
	}{
		{`""`, region{}, ""},
		{`"  "`, region{}, ""},
		{`"0,0,1,1"`, region{0, 0, 1, 1}, "0,0,1,1"},
		{`"0.25,0,0.75,1"`, region{0.25, 0, 0.75, 1}, "0.25,0,0.75,1"},
		{`" .25, 0.0 , 0.750 ,1 "`, region{0.25, 0, 0.75, 1}, "0.25,0,0.75,1"},
		{`"0.4,0.4,0.6,0.6"`, region{0.4, 0.4, 0.6, 0.6}, "0.4,0.4,0.6,0.6"},
		{`"0,0,0.4,1"`, region{0, 0, 0.4, 1}, "0,0,0.4,1"},
	} {
		cfg, err := load(c.value)
		if err != nil || cfg.Camera.Region != c.want || regionText(cfg.Camera.Region) != c.text {
			t.Errorf("%s: %+v %q, %v", c.value, cfg.Camera.Region, regionText(cfg.Camera.Region), err)
		}
	}
	for value, says := range map[string]string{
		`"middle"`:                  `like "0.25,0,0.75,1"`,
		`"0.25,0,0.75"`:             "left, top, right and bottom edge",
		`"0,25;0;0,75;1"`:           "left, top, right and bottom edge",
		`"0.2,0.1,0.8,0.1,0.5,0.9"`: "left, top, right and bottom edge", // a polygon of another program
		`"-0.1,0,0.75,1"`:           "fractions of the picture",
		`"NaN,0,0.75,1"`:            "fractions of the picture",
		`"0,0,inf,1"`:               "fractions of the picture",
		`"1e-1,0,0.75,1"`:           "fractions of the picture",
		`"25,0,75,100"`:             "25,0,75,100 leaves the picture, which ends at 1",
		`"160,0,480,480"`:           "leaves the picture",
		`"0.75,0,0.25,1"`:           "its right edge, 0.25, is not right of its left edge, 0.75",
		`"0.25,0.5,0.75,0.5"`:       "its bottom edge, 0.5, is not below its top edge, 0.5",
		`"0,0,0.3,1"`:               "taken from 0.2 to 0.8",
		`"0.25,0.7,0.75,1"`:         "nobody could pay in 0.25,0.7,0.75,1",
		`[0.25, 0, 0.75, 1]`:        `write it in quotes: region = "0.25,0,0.75,1"`,
		`0.25`:                      `in quotes`,
	} {
		_, err := load(value)
		if err == nil {
			t.Errorf("%s was taken", value)
			continue
		}
		if all := err.Error() + " " + payment.HintOf(err); !strings.Contains(all, says) ||
			!strings.Contains(all, "camera.region") || !strings.Contains(all, "t.toml:2:") {
			t.Errorf("%s: %s; want %q in it", value, all, says)
		}
	}
}
