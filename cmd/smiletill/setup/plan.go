package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/config"
)

// Target is the system that is set up.
type Target struct {
	Root   string // before every path; empty is this machine
	Config string // the terminal's configuration; empty is /etc/smiletill/smiletill.toml
	// Kept is a folder for what belongs into an /etc that can't be written, as a card's: from there it is put
	// below /run at each start.
	Kept string
}

func (t Target) at(path string) string {
	if t.Root == "" {
		return filepath.Join("/", path)
	}
	return within(t.Root, path)
}

// within is where a path of another system lies in this one: its links lead to places of that system, as they
// will when it runs, and never out of it.
func within(root, path string) string {
	done, rest := "/", filepath.Clean("/"+path)
	for links := 0; rest != "/"; {
		part, more, _ := strings.Cut(rest[1:], "/")
		next := filepath.Join(done, part)
		rest = "/" + more
		target, err := os.Readlink(filepath.Join(root, next))
		const most = 40 // as the kernel
		if links++; err != nil || links > most {
			done = next
			continue
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(done, target)
		}
		done, rest = "/", filepath.Join(target, rest)
	}
	return filepath.Join(root, done)
}

// etc is where a file of the system's configuration is kept.
func (t Target) etc(path string) string { return t.at(filepath.Join(t.Kept, path)) }

// config is the terminal's configuration itself: on a card /etc has a link to it.
func (t Target) config() string {
	path := t.Config
	if path == "" {
		path = t.at("/etc/smiletill/smiletill.toml")
	}
	if itself, err := filepath.EvalSymlinks(path); err == nil {
		return itself
	}
	return path
}

// change is a file as it is to be.
type change struct {
	path string
	data []byte
	mode fs.FileMode
}

const (
	cable = "/etc/NetworkManager/system-connections/smiletill-cable.nmconnection"
	radio = "/etc/NetworkManager/system-connections/smiletill-wifi.nmconnection"
)

// plan gives all files that settings change, or what stands against it on this system. Nothing is changed.
func (t Target) plan(s Settings) ([]change, []problem, error) {
	network, problems, err := t.network(s)
	if err != nil {
		return nil, nil, err
	}
	var all []change
	all = append(all, network...)
	if _, _, id, ok := parts(s.Name); ok {
		names, err := t.hostname(host(id))
		if err != nil {
			return nil, nil, err
		}
		all = append(all, names...)
	}
	keys, wrong, err := t.access(s.Keys)
	if err != nil {
		return nil, nil, err
	}
	all, problems = append(all, keys...), append(problems, wrong...)
	if len(s.Servers) > 0 {
		all = append(all, change{t.etc("/etc/systemd/timesyncd.conf.d/50-smiletill.conf"),
			[]byte("# Written by smiletill setup.\n[Time]\nNTP=" + strings.Join(s.Servers, " ") + "\n"), 0o644})
	}
	if s.Cloud != "" || s.Claim != "" {
		all = append(all, change{t.etc("/etc/smiletill/claim.toml"), s.claiming(), 0o640})
	}
	values := s.values()
	if s.Cloud != "" {
		values["claim.cloud"] = s.Cloud
	}
	if len(values) > 0 {
		text, err := t.configuration()
		if err != nil {
			return nil, nil, err
		}
		text, err = config.Change(t.config(), text, values)
		if err != nil {
			problems = append(problems, problem{FileName, err.Error(), hintOf(err)})
		}
		all = append(all, change{t.config(), text, t.mode()})
	}
	return all, problems, nil
}

// mode is who may read the configuration: who could before.
func (t Target) mode() fs.FileMode {
	if info, err := os.Stat(t.config()); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}

// claiming is what is kept for the cloud.
func (s Settings) claiming() []byte {
	return []byte("# For the terminal's claiming; written by smiletill setup.\ncloud = " +
		config.Quote(s.Cloud) +
		"\nclaim = " + config.Quote(s.Claim) + "\n")
}

// configuration is the terminal's as it stands, or the documented example where there is none.
func (t Target) configuration() ([]byte, error) {
	text, err := os.ReadFile(t.config())
	if errors.Is(err, fs.ErrNotExist) {
		return []byte(config.Example), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the terminal's configuration: %w", err)
	}
	return text, nil
}

// hostname names the machine, also for itself where it has a list of names.
func (t Target) hostname(name string) ([]change, error) {
	all := []change{{t.etc("/etc/hostname"), []byte(name + "\n"), 0o644}}
	text, err := os.ReadFile(t.at("/etc/hosts"))
	if t.Kept != "" || errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of names: %w", err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == "127.0.1.1" { // Debian's place for the machine's own
			continue
		}
		out.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	fmt.Fprintf(&out, "127.0.1.1\t%s\n", name)
	return append(all, change{t.at("/etc/hosts"), []byte(out.String()), 0o644}), nil
}

// network are the files of whatever manages the system's network.
func (t Target) network(s Settings) ([]change, []problem, error) {
	if s.WiFi.SSID == "" && !s.Network.Address.IsValid() {
		return nil, nil, nil
	}
	manager, err := t.has("/etc/NetworkManager", "/usr/sbin/NetworkManager")
	if err != nil {
		return nil, nil, err
	}
	var problems []problem
	switch {
	case s.WiFi.SSID != "" && !manager:
		problems = append(problems, problem{"wifi.ssid", "this system has no NetworkManager, which Wi-Fi needs",
			"install it (`apt install network-manager`), or leave [wifi] out"})
		return nil, problems, nil
	case s.WiFi.SSID != "":
		text := keyfile(s)
		if !s.WiFi.Open && s.WiFi.Password == "" {
			before, err := os.ReadFile(t.etc(radio))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, nil, fmt.Errorf("read the Wi-Fi's settings: %w", err)
			}
			psk := known(string(before), text)
			if psk == "" {
				problems = append(problems, problem{"wifi.password", "the password of the Wi-Fi is missing (it is " +
					"erased when a terminal has taken it over)",
					`write password = "..." under [wifi], or open = true for a Wi-Fi without one`})
			}
			text = strings.Replace(text, "\npsk=\n", "\n"+psk, 1)
		}
		all := []change{{t.etc(radio), []byte(text), 0o600}}
		if s.WiFi.Country != "" {
			all = append(all, change{t.etc("/etc/modprobe.d/smiletill-country.conf"),
				[]byte("options cfg80211 ieee80211_regdom=" + s.WiFi.Country + "\n"), 0o644})
		}
		return all, problems, nil
	case manager:
		return t.address(s)
	}
	return []change{{t.etc("/etc/systemd/network/10-smiletill.network"), []byte(networkd(s.Network)), 0o644}},
		nil, nil
}

// address gives a fixed address to the Wi-Fi that the terminal has, or to the cable where it has none.
func (t Target) address(s Settings) ([]change, []problem, error) {
	before, err := os.ReadFile(t.etc(radio))
	if errors.Is(err, fs.ErrNotExist) {
		return []change{{t.etc(cable), []byte(keyfile(s)), 0o600}}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the Wi-Fi's settings: %w", err)
	}
	head, _, ours := strings.Cut(string(before), addressesHead)
	if !ours {
		return nil, []problem{{"network.address", "the Wi-Fi's settings were written by somebody else (" +
			t.etc(radio) + ")", "write [wifi] into the file too"}}, nil
	}
	return []change{{t.etc(radio), []byte(head + addressesOf(s.Network)), 0o600}}, nil, nil
}

// known is the line of the password in a keyfile, if it is of the same Wi-Fi as another.
func known(before, now string) string {
	line := func(text, key string) string {
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, key+"=") {
				return l
			}
		}
		return ""
	}
	if line(before, "ssid") != line(now, "ssid") {
		return ""
	}
	return line(before, "psk")
}

func (t Target) has(paths ...string) (bool, error) {
	for _, p := range paths {
		_, err := os.Stat(t.at(p))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look at the system: %w", err)
		}
	}
	return false, nil
}
