package setup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"
)

// trouble is what keeps the terminal out of its Wi-Fi, and what to do about it; empty where it is in, or has
// none.
type trouble struct{ what, instead string }

// wifiTrouble has NetworkManager try the Wi-Fi of the settings once more, if it is not connected, since the
// reason of an earlier try is only in its log. That takes as long as the try, up to two minutes.
func (t Target) wifiTrouble(ctx context.Context) (trouble, error) {
	_, err := os.Stat(t.etc(radio))
	if errors.Is(err, fs.ErrNotExist) {
		return trouble{}, nil
	}
	if err != nil {
		return trouble{}, err
	}
	const id, connected = "smiletill-wifi", "activated"
	state, err := nmcli(ctx, "--get-values", "GENERAL.STATE", "connection", "show", "id", id)
	if err == nil && strings.TrimSpace(state) == connected {
		return trouble{}, nil
	}
	said, err := nmcli(ctx, "--wait", "100", "connection", "up", "id", id)
	if err == nil {
		return trouble{}, nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return trouble{}, err // without NetworkManager's program nobody knows
	}
	return inWords(said), nil
}

// nmcli is NetworkManager's program: what it says, in English, on either output.
func nmcli(ctx context.Context, args ...string) (string, error) {
	const patience = 2 * time.Minute
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	cmd := exec.CommandContext(ctx, "nmcli", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// inWords is what NetworkManager 1.42 said of a try, in a technician's words.
func inWords(said string) trouble {
	last := strings.TrimSpace(said)
	if lines := strings.Split(last, "\n"); len(lines) > 0 {
		last = lines[0]
	}
	last = strings.TrimPrefix(strings.TrimPrefix(last, "Error: "), "Connection activation failed: ")
	for _, known := range []struct {
		sign string
		trouble
	}{
		{"Secrets were required", trouble{"the Wi-Fi does not take the password",
			"write the right one into the file"}},
		{"network could not be found", trouble{"no Wi-Fi of that name can be heard here",
			"write its name as it is written there, capitals too; hidden = true if it hides its name; a Pi 3 and a " +
				"Zero 2 W hear 2.4 GHz alone"}},
		{"IP configuration could not be reserved", trouble{"the Wi-Fi lets the terminal in and gives it no address",
			"switch DHCP on in its router, or write address, gateway and dns under [network]"}},
		{"No suitable device", trouble{"this machine has no Wi-Fi that works",
			"use a cable and leave [wifi] out, or another board"}},
	} {
		if strings.Contains(said, known.sign) {
			return known.trouble
		}
	}
	return trouble{"the Wi-Fi does not connect: " + last, "look whether it is switched on and in reach, and " +
		"whether name and password are right"}
}
