package setup

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportOfTheWiFi: a Wi-Fi that does not connect is told in the report, with what to do. In place of
// NetworkManager's program stands one that says what 1.42 said on the virt card in QEMU, whose radio was the
// kernel's mac80211_hwsim.
func TestReportOfTheWiFi(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for name, c := range map[string]struct{ state, said, want string }{
		"connected":      {"activated", "", ""},
		"connected then": {"", "", ""},
		"a wrong password": {"", wrongPassword,
			"NOT CONNECTED: the Wi-Fi does not take the password.\r\n      write the right one"},
		"no such name": {"", notFound, "no Wi-Fi of that name can be heard here"},
		"no address":   {"", noAddress, "gives it no address"},
		"no radio":     {"", noRadio, "no Wi-Fi that works"},
		"something else": {"", "Error: Connection activation failed: the moon is full\nHint: look up\n",
			"the Wi-Fi does not connect: the moon is full."},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "[wifi]\nssid = \"Shop\"\npassword = \"correct horse\"\n")
			if _, err := p.take(false); err != nil {
				t.Fatal(err)
			}
			text := "#!/bin/sh\n[ \"$LC_ALL\" = C ] || exit 9\ncase $* in\n" +
				"*show*) [ -z '" + c.state + "' ] && exit 10\necho '" + c.state + "';;\n" +
				"*up*) printf %s '" + c.said + "' >&2; [ -z '" + c.said + "' ] || exit 4;;\nesac\n"
			if err := os.WriteFile(filepath.Join(bin, "nmcli"), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			o := Order{Folder: p.stick, Report: true}
			if err := (Target{Root: p.root}).Do(context.Background(), o, nil, &out); err != nil {
				t.Fatal(err)
			}
			report := p.read(p.stick, reportName)
			if c.want != "" && !strings.Contains(report, c.want) || c.want == "" &&
				strings.Contains(report, "NOT CONNECTED") {
				t.Errorf("the report is\n%s", report)
			}
			if (c.want == "") != (out.String() == "") {
				t.Errorf("the log has %q", &out)
			}
		})
	}
}

const (
	failed        = "Error: Connection activation failed: "
	wrongPassword = failed + "Secrets were required, but not provided\n"
	notFound      = failed + "The Wi-Fi network could not be found\n"
	noAddress     = failed + "IP configuration could not be reserved (no available address, timeout, etc.)\n"
	noRadio       = failed + "No suitable device found for this connection (device lo not available because " +
		"profile is not compatible with device (connection type is not \"loopback\")).\n"
)
