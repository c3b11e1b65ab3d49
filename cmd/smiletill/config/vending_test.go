package config

import (
	"strings"
	"testing"

	"smiletill/payment"
)

func TestVendingOptions(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"[vending]\nport = \"auto\"\naddress = \"0x60\"\nmode = \"authorise-first\"\ndeny = \"stop\"", ""},
		{"[vending]\nport = \"/dev/serial/by-id/usb-Qibixx_MDB-HAT_0-if00\"\ndecimals = 0\nscale = 100", ""},
		{"[vending]\nport = \"ttyACM0\"", "/dev/serial/by-id/"},
		{"[vending]\naddress = \"0x20\"", `"0x10" or "0x60"`},
		{"[vending]\nmode = \"idle\"", "always-idle"},
		{"[vending]\ndecimals = 4", "0 to 3"},
		{"[vending]\nscale = 0", "1 to 100"},
		{"[vending]\ndeny = \"no\"", `"vend" or "stop"`},
		{"[vending]\nitems = \"10=Wasser 0,5 l; 11 = Saft;\"", ""},
		{"[vending]\nitems = \"10=Wasser, 11=Saft\"", "numbers and names"},
		{"[vending]\nitems = \"10\"", "numbers and names"},
		{"[vending]\nitems = \"10=a; 10=b\"", "numbers and names"},
		{"[vending]\ntimeout = \"5s\"", `"10s"`},
	} {
		_, err := loadConfig(writeConfig(t, c.text), nil, nil, bareMachine(t))
		if (err != nil) != (c.says != "") ||
			err != nil && !strings.Contains(err.Error()+payment.HintOf(err), c.says) {
			t.Errorf("%s: %v, %s; want %q", c.text, err, payment.HintOf(err), c.says)
		}
	}
}
