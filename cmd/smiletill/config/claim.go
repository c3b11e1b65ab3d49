package config

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ClaimConfig names the cloud that a terminal without a name asks to be claimed by: https://HOST:PORT, or
// empty for none.
type ClaimConfig struct{ Cloud string }

// ClaimedPath is a link to the folder of what a cloud gave when it claimed the terminal.
func (c *Config) ClaimedPath() string { return filepath.Join(c.Paths.DataDir, "claimed") }

// ClaimedBeforePath says by which cloud, and as whom, the terminal was claimed last. It stays when what the
// cloud gave is removed, and is in a backup.
func (c *Config) ClaimedBeforePath() string { return c.ClaimedPath() + ".json" }

func (c *Config) claimOptions() []option {
	return []option{{"claim.cloud", &c.Claim.Cloud,
		"cloud that claims this terminal: https://HOST:8444; empty: none", cloudURL}}
}

func cloudURL(v any) *mistake {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v.(string))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return &mistake{strconv.Quote(v.(string)) + " is no address of a cloud",
			`write "https://HOST:8444", or "" for none`}
	}
	return nil
}

// given are the options that a cloud gives, in groups: each is taken as a whole, where the settings say
// nothing else than the defaults.
func given() [][]string {
	return [][]string{
		{"terminal.tenant", "terminal.site", "terminal.id"},
		{"mqtt.broker", "mqtt.ca_file", "mqtt.cert_file", "mqtt.key_file"},
		{"mqtt.cloud_key_file"},
	}
}

// applyClaim takes what the cloud gave. A folder of another user's that can't be looked into gives nothing:
// neither can the rest of the terminal's data be.
func (c *Config) applyClaim() []problem {
	path := filepath.Join(c.ClaimedPath(), "claim.toml")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	what := ""
	var values map[string]string
	if err == nil {
		values, _, err = Current(path, text)
	}
	if err != nil {
		what = "what the cloud gave can't be read: " + cause(err)
		return []problem{{Where: path, What: what, Instead: "remove " + c.ClaimedPath() +
			": the terminal is claimed anew then"}}
	}
	usual := Default()
	defaults := map[string]string{}
	for _, o := range usual.options() {
		defaults[o.name] = o.text()
	}
	opts := map[string]option{}
	for _, o := range c.options() {
		opts[o.name] = o
	}
	for _, names := range given() {
		if c.says(names, opts, defaults) {
			continue
		}
		for _, name := range names {
			if p := c.set(opts[name], values[name], path); len(p) > 0 {
				return p
			}
		}
	}
	return nil
}

// says tells whether the settings say anything of their own in a group of options: in its first one. Site and
// id may stand in a file that nobody has changed; certificates are of no use without their broker.
func (c *Config) says(names []string, opts map[string]option, defaults map[string]string) bool {
	return opts[names[0]].text() != defaults[names[0]]
}
