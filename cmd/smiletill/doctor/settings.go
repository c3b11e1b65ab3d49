package doctor

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shown are the settings that a support's file has as they are: numbers, words of a list, and names of
// machines. Of any other it says no more than that it is set, of a new one too until it stands here.
const shown = `terminal.tenant terminal.site terminal.id terminal.currency terminal.language terminal.watchdog
paths.data_dir paths.models_dir paths.control_socket vision.delegate
camera.source camera.format camera.width camera.height camera.fps camera.rotate camera.region camera.loop
camera.realtime camera.test_source board.kind
screen.listen screen.sound screen.rotate screen.night
payment.timeout payment.amount_max payment.unreported_max payment.unreported_age payment.keep
pin.always pin.amount_max pin.count_max pin.sum_max pin.day_max pin.percent pin.timeout
liveness.mode liveness.passive_max liveness.light liveness.after_failure gallery.false_alarms
consent.paper consent.timeout counter.listen register.listen register.plain
vending.port vending.address vending.mode vending.decimals vending.scale vending.deny vending.timeout
mqtt.alpn mqtt.subscribe_qos security.tpm log.level log.format`

// settings are those in force and where each comes from.
func (b *bundle) settings() []byte {
	var text bytes.Buffer
	if b.t.CfgErr != nil {
		// The message repeats the values that are wrong; the place is enough to look there.
		return []byte("The settings can't be read; `smiletill config` on the terminal says why.\n")
	}
	allowed := strings.Fields(shown)
	values := b.t.Cfg.Settings()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		switch {
		case value == "":
			value = `""`
		case name == "mqtt.broker" || name == "register.events_url":
			value = hostOf(value)
		case slices.Contains(allowed, name):
		case filepath.IsAbs(value):
			value = "a file" + fileState(value)
		default:
			value = "set"
		}
		fmt.Fprintf(&text, "%-24s %s  # %s\n", name, value, b.t.Cfg.Origin(name))
	}
	return text.Bytes()
}

// hostOf is an address without user, password, path and query.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "set"
	}
	return u.Scheme + "://" + u.Host
}

func fileState(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return " that can't be looked at"
	}
	return fmt.Sprintf(", %v, %d bytes", info.Mode(), info.Size())
}
