package terminal

import (
	"os"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/register"
)

// TestRegisterDoor: on other addresses than loopback nothing is listened on until a register is paired.
func TestRegisterDoor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen string
		paired bool
		shut   bool
	}{
		{"127.0.0.1:8443", false, false}, {"[::1]:8443", false, false}, {"localhost:8443", false, false},
		{"0.0.0.0:8443", false, true}, {"[::]:8443", false, true}, {"192.0.2.7:8443", false, true},
		{"till.example:8443", false, true}, {"0.0.0.0:8443", true, false}, {"127.0.0.1:8443", true, false},
	} {
		cfg := config.Default()
		cfg.Register.Listen, cfg.Paths.DataDir = c.listen, t.TempDir()
		if c.paired {
			pairings, _, err := register.Pairings{}.Pair("front", "front", "correct horse", time.Now())
			if err == nil {
				err = pairings.Save(cfg.PairingsPath())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		term, err := New(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		desk := term.register
		if why := desk.shut(); (why != "") != c.shut {
			t.Errorf("%s, paired %v: %q", c.listen, c.paired, why)
		}
		if !c.paired {
			continue
		}
		if err := os.Remove(cfg.PairingsPath()); err != nil {
			t.Fatal(err)
		}
		if desk.shut() == "" && !config.OnlyHere(c.listen) {
			t.Errorf("%s is listened on after the last register was unpaired", c.listen)
		}
	}
}
