package config

import (
	"strings"
	"testing"

	"smiletill/payment"
)

// Whoever may write a file pays as whom he likes where a recording is the camera.
func TestRecordingsAreForTests(t *testing.T) {
	for _, c := range []struct {
		tenant, camera string
		refused        bool
	}{
		{"bakery", `source = "auto"`, false},
		{"bakery", `source = "/dev/video0"`, false},
		{"bakery", `source = "replay:/film"`, true},
		{"bakery", "source = \"replay:/film\"\ntest_source = true", false},
		{"demo", `source = "replay:/film"`, false}, // as where nothing is set
		{"test", `source = "replay:/film"`, false},
	} {
		text := "[terminal]\ntenant = \"" + c.tenant + "\"\n[camera]\n" + c.camera + "\n"
		cfg, err := parseConfig("t.toml", []byte(text), nil, nil, bareMachine(t))
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.CheckCamera()
		if c.refused != (err != nil) {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "t.toml:4:10: camera.source") ||
			!strings.Contains(payment.HintOf(err), "camera.test_source = true")) {
			t.Errorf("%v, hint %q", err, payment.HintOf(err))
		}
	}
}
