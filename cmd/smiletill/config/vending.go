package config

import (
	"strings"
	"time"

	"smiletill/payment"
)

// VendingConfig says where a vending machine's adapter is, and what the machine is like. Port is "" (none),
// "auto", or a path; Address "0x10" or "0x60"; prices have Decimals and are multiples of Scale of the last
// one's units; Mode is who comes first; Deny is the adapter's word for a no; Timeout is how long the machine
// waits; Items are the products' names.
type VendingConfig struct {
	Port, Address, Mode, Deny string
	Items                     string
	Decimals, Scale           int
	Timeout                   time.Duration
}

// Words of the section [vending].
const (
	// AuthoriseFirst is the mode of a machine that wants the customer before the choice.
	AuthoriseFirst = "authorise-first"
	alwaysIdle     = "always-idle"
	// DenyByStop is C,STOP, for adapters that take C,VEND,-1 for no no.
	DenyByStop = "stop"
	denyByVend = "vend"
)

func defaultVending() VendingConfig {
	return VendingConfig{
		Address: "0x10", Mode: alwaysIdle, Deny: denyByVend, Decimals: 2, Scale: 1, Timeout: time.Minute,
	}
}

func vendingPort(v any) *mistake {
	return matches(`(auto|/.+)?`, `"auto", or a path like "/dev/serial/by-id/usb-Qibixx_MDB-HAT_0-if00"`)(v)
}

// itemMost is the longest name of a product, in characters: what the screen shows in one line.
const itemMost = 40

// itemNames checks a list of numbers and names.
func itemNames(v any) *mistake {
	text := v.(string)
	if names, ok := readItems(text); !ok || len(names) > 200 {
		return wrong(text, `up to 200 products' numbers and names, such as "10=Water 0.5 l; 11=Juice"`)
	}
	return nil
}

func readItems(text string) (map[string]string, bool) {
	names := map[string]string{}
	for one := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		item, name, ok := strings.Cut(one, "=")
		item, name = strings.TrimSpace(item), strings.TrimSpace(name)
		_, twice := names[item]
		if !ok || item == "" || name == "" || twice || strings.Contains(name, "=") ||
			payment.CheckText(item, payment.ItemMax) != nil || payment.CheckText(name, itemMost) != nil {
			return nil, false
		}
		names[item] = name
	}
	return names, true
}

// Item is the shop's name for a machine's product, or "".
func (v VendingConfig) Item(item string) string {
	names, _ := readItems(v.Items)
	return names[item]
}

func (c *Config) vendingOptions() []option {
	v := &c.Vending
	return []option{
		{"vending.port", &v.Port, "a vending machine's adapter: auto, or a path; empty: none", vendingPort},
		{"vending.address", &v.Address, "of the reader on the machine's bus: 0x10 or 0x60", oneOf("0x10", "0x60")},
		{"vending.mode", &v.Mode, "who comes first: always-idle (product) or authorise-first (customer)",
			oneOf(alwaysIdle, AuthoriseFirst)},
		{"vending.decimals", &v.Decimals, "of the machine's prices", between(0, 3)},
		{"vending.scale", &v.Scale, "the machine's scale factor", between(1, 100)},
		{"vending.deny", &v.Deny, "the adapter's word for a no: vend or stop", oneOf(denyByVend, DenyByStop)},
		{"vending.items", &v.Items, "products' names by number: 10=Water; 11=Juice", itemNames},
		{"vending.timeout", &v.Timeout, "how long the machine waits", within(10*time.Second, 10*time.Minute)},
	}
}
