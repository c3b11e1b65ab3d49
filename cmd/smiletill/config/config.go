package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

const (
	// configMax bounds what is read as a configuration: the documented example is about 5 kB.
	configMax = 1 << 20
	envPrefix = "SMILETILL_"
	// SystemFile is read when no other file is named.
	SystemFile = "/etc/smiletill/smiletill.toml"
)

// Config is everything an operator can choose. smiletill.toml beside this file documents each key.
type Config struct {
	Terminal TerminalConfig
	Paths    PathsConfig
	Vision   VisionConfig
	Camera   CameraConfig
	Board    BoardConfig
	Screen   ScreenConfig
	Payment  PaymentConfig
	PIN      PINConfig
	Liveness LivenessConfig
	Gallery  GalleryConfig
	Consent  ConsentConfig
	Counter  CounterConfig
	Register RegisterConfig
	Vending  VendingConfig
	MQTT     MQTTConfig
	Claim    ClaimConfig
	Security SecurityConfig
	Log      LogConfig

	// file is what was read; empty without one.
	file string
	// origins says where each value that is not a plain default came from, by option name.
	origins map[string]string
}

// TerminalConfig names this terminal. Tenant, Site and ID are levels of the MQTT topics.
type TerminalConfig struct{ Tenant, Site, ID, Name, Currency, Language, Watchdog string }

// PathsConfig says where things are kept. Load leaves only ModelsDir empty: that
// stands for the installed models, or the embedded ones.
type PathsConfig struct{ DataDir, ModelsDir, ControlSocket string }

// VisionConfig says what the networks run on besides the CPU: "auto" is an Edge TPU if its library is there,
// "off" is none, a path names a library of that kind.
type VisionConfig struct{ Delegate string }

// CameraConfig says where pictures come from: "auto", "card:NAME", "bus:PLACE", "/dev/..." or
// "replay:FILE|DIR". Format is "auto" or one of the camera's. Width and Height are in pixels, FPS in frames a
// second, Rotate in degrees clockwise. Region is the part of the upright picture where customers' faces are
// looked for, as fractions of it from the upper left corner; all 0 is all of it. Loop and Realtime concern
// replays only. TestSource lets a terminal take payments with a recording, or with what only looks like a
// camera.
type CameraConfig struct {
	Source, Format     string
	Width, Height, FPS int
	Rotate             int
	Region             region
	Loop, Realtime     bool
	TestSource         bool
}

// BoardConfig says what lamps, buzzer, buttons and tamper switch are wired to: "simulated", "none",
// "auto", a board that the program knows, or the path of a description.
type BoardConfig struct{ Kind string }

// ScreenConfig says where the customer's page is served, as host:port. Rotate, in degrees clockwise, and
// Night, "22:00-06:00" of the machine's own time or "" for never, are the terminal's own display's.
type ScreenConfig struct {
	Listen string
	Sound  bool
	Rotate int
	Night  string
}

// PaymentConfig holds the limits of payments. AmountMax and UnreportedMax are decimals in the terminal's
// currency; an UnreportedMax of "0" and an UnreportedAge of 0 are no limit.
type PaymentConfig struct {
	Timeout       time.Duration
	AmountMax     string
	UnreportedMax string
	UnreportedAge time.Duration
	Keep          time.Duration
}

// PINConfig says when a face alone is not enough; see payment.Policy. Amounts are decimals in the terminal's
// currency, "0" is no limit.
type PINConfig struct {
	Always                    bool
	AmountMax, SumMax, DayMax string
	CountMax, Percent         int
	Timeout                   time.Duration
}

// CounterConfig says where the counter's page is shown to other machines, over TLS; an empty Listen is
// nowhere.
type CounterConfig struct{ Listen string }

// RegisterConfig says where a cash register finds the terminal; an empty Listen is off. Plain takes messages
// that nobody encrypted from every user of this machine. An empty POIID is made of the terminal's id, without
// CertFile and KeyFile the terminal makes its own for CommonName (empty: the POIID). EventsURL is told what
// happens; empty: nobody.
type RegisterConfig struct {
	Listen                                          string
	Plain                                           bool
	POIID, CertFile, KeyFile, CommonName, EventsURL string
}

// MQTTConfig says where payments are reported; an empty Broker is off. The password and the private
// key are only ever named by file, so that no configuration holds a secret. CloudKeyFile holds the public
// keys by which acknowledgements are believed; empty is cloud.pub in the data folder.
//
// ALPN is the protocol to ask for in the TLS handshake, empty for none; SubscribeQoS is 0 or 1.
type MQTTConfig struct {
	Broker, Username, PasswordFile, CAFile, CertFile, KeyFile, CloudKeyFile string
	ALPN                                                                    string
	SubscribeQoS                                                            int
}

// LogConfig says what is logged and how: level debug, info, warn or error; format auto, text or json.
type LogConfig struct{ Level, Format string }

// leastFPS is how many frames a second a payment needs.
const leastFPS = 3

// Default is what a terminal is where nothing is set; its places are not chosen yet.
func Default() Config {
	return Config{
		Terminal: TerminalConfig{
			Tenant: "demo", Site: "shop", ID: "till-1", Name: "smiletill", Currency: "EUR", Language: "en",
		},
		Vision: VisionConfig{Delegate: "auto"},
		Camera: CameraConfig{
			Source: "auto", Format: "auto", Width: 640, Height: 480, FPS: 30, Loop: true, Realtime: true,
		},
		Board:  BoardConfig{Kind: "auto"},
		Screen: ScreenConfig{Listen: "127.0.0.1:8080", Sound: true},
		Payment: PaymentConfig{
			Timeout: 30 * time.Second, AmountMax: "50.00", UnreportedMax: "0", Keep: 400 * 24 * time.Hour,
		},
		// What a face alone may pay: the limits of regulation (EU) 2018/389, article 11, both of them.
		PIN:      PINConfig{AmountMax: "50.00", CountMax: 5, SumMax: "150.00", DayMax: "0", Timeout: time.Minute},
		Liveness: defaultLiveness(),
		Gallery:  GalleryConfig{FalseAlarms: usualAlarms},
		Consent:  ConsentConfig{Timeout: time.Minute},
		Register: RegisterConfig{Listen: "127.0.0.1:8443"},
		Vending:  defaultVending(),
		MQTT:     MQTTConfig{Broker: "mqtt://127.0.0.1:1883", SubscribeQoS: 1},
		Security: SecurityConfig{TPM: TPMOff},
		Log:      LogConfig{Level: "info", Format: "auto"},
	}
}

// Load reads the configuration: defaults, then the TOML file at path, then the environment
// (SMILETILL_SECTION_KEY), then flags (--section-key); the later wins. An empty path reads
// SystemFile if it is there; a named file must exist. flags may be nil. The error lists every
// value that is wrong, with its place and what to write instead.
func Load(path string, flags *pflag.FlagSet, environ []string) (Config, error) {
	return loadConfig(path, flags, environ, thisMachine(environ))
}

func loadConfig(path string, flags *pflag.FlagSet, environ []string, m machine) (Config, error) {
	data, from, err := readConfig(path, m)
	if err != nil {
		return Config{}, err
	}
	m.installed, m.claims = path == "" && from != "", true
	return parseConfig(from, data, flags, environ, m)
}

func parseConfig(
	path string, data []byte, flags *pflag.FlagSet, environ []string, m machine,
) (Config, error) {
	c := Default()
	c.file, c.origins = path, map[string]string{}
	opts := c.options()
	var problems []problem
	problems = append(problems, c.applyFile(opts, path, data)...)
	problems = append(problems, c.applyEnviron(opts, environ)...)
	problems = append(problems, c.applyFlags(opts, flags)...)
	c.adaptAmounts()
	if len(problems) == 0 { // a value that was refused would make others look alone
		problems = c.checkTogether()
	}
	if len(problems) > 0 {
		return Config{}, &loadError{Problems: problems}
	}
	c.choosePaths(m)
	c.takenPaths(c.adder(&problems))
	if m.claims {
		problems = append(problems, c.applyClaim()...)
	}
	if len(problems) > 0 {
		return Config{}, &loadError{Problems: problems}
	}
	return c, nil
}

// readConfig returns the text of the configuration file and its path; no text without a file.
func readConfig(path string, m machine) ([]byte, string, error) {
	named := path != ""
	if !named {
		path = m.at(SystemFile)
	}
	f, err := os.Open(path)
	if err != nil {
		if !named && os.IsNotExist(err) {
			return nil, "", nil
		}
		return nil, "", unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, configMax+1))
	if err != nil {
		return nil, "", unreadable(path, err)
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, "", &loadError{Problems: []problem{{
			Where: path, What: "is written in UTF-16", Instead: "save the file as UTF-8",
		}}}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")): // some editors' mark of UTF-8
		data = data[3:]
	}
	if len(data) > configMax {
		return nil, "", &loadError{Problems: []problem{{
			Where: path, What: fmt.Sprintf("is larger than %d bytes", configMax),
			Instead: "name the configuration file itself",
		}}}
	}
	return data, path, nil
}

func unreadable(path string, err error) error {
	instead := "make it a file that this user can read, or name another one"
	if hint := PermissionHint(err); hint != "" {
		instead = hint
	}
	if os.IsNotExist(err) {
		instead = "write one from the documented example (`smiletill config --example`), or name another one"
	}
	return &loadError{Err: err, Problems: []problem{{Where: path, What: cause(err), Instead: instead}}}
}

// cause is err without the path that os puts before it.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// Origin says where the value of an option ("camera.width") came from: a place in the file, an
// environment variable, a flag, or "default".
func (c *Config) Origin(name string) string {
	if o, ok := c.origins[name]; ok {
		return o
	}
	return "default"
}

// set takes text for one option, or says what is wrong with it.
func (c *Config) set(o option, text, where string) []problem {
	c.origins[o.name] = where
	if err := o.set(text); err != nil {
		return []problem{{Where: where, What: o.name + ": " + err.what, Instead: err.instead}}
	}
	return nil
}

func (c *Config) applyEnviron(opts []option, environ []string) []problem {
	known := map[string]option{}
	sections := map[string]bool{}
	var names []string
	for _, o := range opts {
		known[o.env()] = o
		names = append(names, strings.TrimPrefix(o.env(), envPrefix))
		sections[strings.ToUpper(o.section())] = true
	}
	var problems []problem
	for _, kv := range environ {
		name, text, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) {
			continue
		}
		if o, ok := known[name]; ok {
			problems = append(problems, c.set(o, text, "environment "+name)...)
			continue
		}
		// Build and tests use the prefix too (SMILETILL_MODELS_DIR), so only a slip is refused: a near
		// miss, or an unknown key of a known section. Passed over in silence it would cost a long search.
		rest := strings.TrimPrefix(name, envPrefix)
		section, _, _ := strings.Cut(rest, "_")
		p := problem{Where: "environment " + name, What: "unknown variable"}
		if near := nearest(rest, names); near != "" {
			p.Instead = "did you mean " + envPrefix + near + "?"
		} else if sections[section] {
			p.Instead = "unset it; `smiletill config --example` prints every key"
		} else {
			continue
		}
		problems = append(problems, p)
	}
	return problems
}

func (c *Config) applyFlags(opts []option, flags *pflag.FlagSet) []problem {
	if flags == nil {
		return nil
	}
	var problems []problem
	for _, o := range opts {
		if f := flags.Lookup(o.flag()); f != nil && f.Changed {
			problems = append(problems, c.set(o, f.Value.String(), "flag --"+o.flag())...)
		}
	}
	return problems
}

// BindFlags adds a flag --section-key for every option. The flags keep text: Load checks it, so
// that a bad flag reads like a bad line of the file.
func BindFlags(flags *pflag.FlagSet) {
	c := Default()
	for _, o := range c.options() {
		f := flags.VarPF(&flagText{text: o.text(), kind: o.kind()}, o.flag(), "", o.usage)
		if o.kind() == "bool" {
			f.NoOptDefVal = strconv.FormatBool(true)
		}
	}
}

// HideFlags hides the flags of all options but those that say where the terminal's files are, for a command
// that takes them and is not about them.
func HideFlags(flags *pflag.FlagSet) {
	c := Default()
	for _, o := range c.options() {
		if o.section() != "paths" {
			flags.Lookup(o.flag()).Hidden = true
		}
	}
}

// flagText is a pflag.Value that keeps what was written.
type flagText struct{ text, kind string }

func (f *flagText) String() string     { return f.text }
func (f *flagText) Set(s string) error { f.text = s; return nil }
func (f *flagText) Type() string       { return f.kind }
