package config

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"smiletill/payment"
)

// option is one key of the configuration: "section.key", where its value is held, and what it may be.
type option struct {
	name  string
	value any // *string, *int, *bool, *time.Duration or *region
	usage string
	check func(value any) *mistake // nil: anything of the type
}

// mistake is a value that won't do; text that may hold a secret is not repeated in it.
type mistake struct{ what, instead string }

func wrong(text, format string, args ...any) *mistake {
	return &mistake{what: strconv.Quote(text) + " won't do", instead: fmt.Sprintf("write "+format, args...)}
}

// options lists every key in the order of the documented example; the values point into c.
func (c *Config) options() []option {
	t, p, cam, n := &c.Terminal, &c.Paths, &c.Camera, &c.PIN
	all := []option{
		{"terminal.tenant", &t.Tenant, "whose terminal it is", topicLevel},
		{"terminal.site", &t.Site, "shop that it stands in", topicLevel},
		{"terminal.id", &t.ID, "name of the terminal, unique in its site", topicLevel},
		{"terminal.name", &t.Name, "merchant's name as customers see it", shortText},
		{"terminal.currency", &t.Currency, "currency of payments, ISO 4217", currencyCode},
		{"terminal.language", &t.Language, "language of the screen: en or de", oneOf("en", "de")},
		{"terminal.watchdog", &t.Watchdog, "the machine's watchdog, without systemd", absolute},
		{"paths.data_dir", &p.DataDir, "journal and gallery; empty chooses", absolute},
		{"paths.models_dir", &p.ModelsDir, "folder of your own models; empty: installed or built in", absolute},
		{"paths.control_socket", &p.ControlSocket, "socket of the running terminal; empty chooses", socketPath},
		{"vision.delegate", &c.Vision.Delegate, "accelerator: auto, off, or the path of a library", delegateChoice},
		{"camera.source", &cam.Source, "auto, card:NAME, bus:PLACE, /dev/videoN, or replay:FILE|DIR", cameraSource},
		{"camera.format", &cam.Format, "auto, MJPG, YUYV, NV12 or GREY",
			oneOf("auto", "MJPG", "YUYV", "NV12", "GREY")},
		{"camera.width", &cam.Width, "picture width in pixels", between(320, 4096)},
		{"camera.height", &cam.Height, "picture height in pixels", between(240, 4096)},
		{"camera.fps", &cam.FPS, "frames a second", frameRate},
		{"camera.rotate", &cam.Rotate, "degrees to turn pictures clockwise: 0, 90, 180 or 270", quarter},
		{"camera.region", &cam.Region, "where customers' faces count: LEFT,TOP,RIGHT,BOTTOM, 0 to 1; empty: all",
			regionOfFaces},
		{"camera.loop", &cam.Loop, "start a replay again at its end", nil},
		{"camera.realtime", &cam.Realtime, "play a replay at the speed of its frames", nil},
		{"camera.test_source", &cam.TestSource, "take payments with a recording or a loopback: for tests", nil},
		{"board.kind", &c.Board.Kind, "lamps, buttons: auto, none, simulated, a board, or a file", boardKind},
		{"screen.listen", &c.Screen.Listen, "host:port of the customer's page; port 0 takes a free one",
			listenAddress},
		{"screen.sound", &c.Screen.Sound, "let the page play tones", nil},
		{"screen.rotate", &c.Screen.Rotate, "degrees to turn this machine's own display clockwise", quarter},
		{"screen.night", &c.Screen.Night, "when that display is off: 22:00-06:00; empty: never", hoursOfNight},
		{"payment.timeout", &c.Payment.Timeout, "how long a customer has", within(5*time.Second, 5*time.Minute)},
		{"payment.amount_max", &c.Payment.AmountMax, "largest amount of one payment", positiveDecimal},
		{"payment.unreported_max", &c.Payment.UnreportedMax, "most money that the cloud may not know of; 0: any",
			matchesDecimal},
		{"payment.unreported_age", &c.Payment.UnreportedAge, "longest that it may not know of a payment; 0: any",
			within(0, 365*24*time.Hour)},
		{"payment.keep", &c.Payment.Keep, "how long payments that it knows of are kept",
			within(payment.MinKeep, 20*365*24*time.Hour)},
		{"pin.always", &n.Always, "ask for the PIN each time", nil},
		{"pin.amount_max", &n.AmountMax, "largest payment by face alone; 0: any", matchesDecimal},
		{"pin.count_max", &n.CountMax, "payments by face alone since the last PIN; 0: any", between(0, 10000)},
		{"pin.sum_max", &n.SumMax, "their sum; 0: any", matchesDecimal},
		{"pin.day_max", &n.DayMax, "a customer's sum in 24 hours without a PIN now; 0: any", matchesDecimal},
		{"pin.percent", &n.Percent, "of the other payments, drawn by lot, that need a PIN", between(0, 100)},
		{"pin.timeout", &n.Timeout, "how long a customer has for the PIN", within(10*time.Second, 5*time.Minute)},
	}
	return slices.Concat(all, c.livenessOptions(), c.galleryOptions(), c.consentOptions(),
		c.doorOptions(), c.vendingOptions(),
		c.claimOptions(), c.linkOptions(), c.securityOptions())
}

func (o option) section() string { s, _, _ := strings.Cut(o.name, "."); return s }
func (o option) key() string     { _, k, _ := strings.Cut(o.name, "."); return k }
func (o option) flag() string {
	return strings.ReplaceAll(strings.ReplaceAll(o.name, ".", "-"), "_", "-")
}
func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.name, ".", "_"))
}

// kind names the type as --help shows it.
func (o option) kind() string {
	switch o.value.(type) {
	case *int:
		return "int"
	case *bool:
		return "bool"
	case *time.Duration:
		return "duration"
	}
	return "string"
}

// text is the value as one writes it in the environment or a flag.
func (o option) text() string {
	switch v := o.value.(type) {
	case *int:
		return strconv.Itoa(*v)
	case *bool:
		return strconv.FormatBool(*v)
	case *time.Duration:
		return v.String()
	case *region:
		return regionText(*v)
	case *string:
		return *v
	}
	panic("option " + o.name + " has a type that nobody taught it")
}

// set parses and checks text. The value stays as it was if there is a mistake.
func (o option) set(text string) *mistake {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return wrong(text, "it in UTF-8, without control characters")
	}
	var value any
	var err error
	example := "text"
	switch o.value.(type) {
	case *int:
		value, err = strconv.Atoi(text)
		example = "a whole number"
	case *bool:
		value, err = parseBool(text)
		example = "true or false"
	case *time.Duration:
		value, err = time.ParseDuration(text)
		example = `a time with its unit, like "30s" or "1m30s"`
		if d, ok := days(text); ok {
			return o.hours(text, d)
		}
	case *region:
		value, err = parseRegion(text)
		example = regionWanted
	default:
		value = text
	}
	if err != nil {
		return wrong(text, "%s", example)
	}
	if o.check != nil {
		if m := o.check(value); m != nil {
			return m
		}
	}
	switch v := o.value.(type) {
	case *int:
		*v = value.(int)
	case *bool:
		*v = value.(bool)
	case *time.Duration:
		*v = value.(time.Duration)
	case *region:
		*v = value.(region)
	case *string:
		*v = text
	}
	return nil
}

// parseBool takes only what TOML takes: "1" or "yes" in a variable would not work in the file.
func parseBool(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, strconv.ErrSyntax
	}
	return text == "true", nil
}

func between(low, high int) func(any) *mistake {
	return func(v any) *mistake {
		if n := v.(int); n < low || n > high {
			return &mistake{fmt.Sprintf("%d is out of range", n), fmt.Sprintf("write %d to %d", low, high)}
		}
		return nil
	}
}

// frameRate wants enough frames a second for a smile to be seen: consent takes several within its time.
func frameRate(v any) *mistake {
	if n := v.(int); n >= 1 && n < leastFPS {
		return &mistake{fmt.Sprintf("nobody can pay at %d frames a second: a smile is not seen to begin", n),
			fmt.Sprintf("write %d to 120; 15 or more are good", leastFPS)}
	}
	return between(leastFPS, 120)(v)
}

// quarter wants a quarter turn, or none.
func quarter(v any) *mistake {
	if n := v.(int); n%90 != 0 || n < 0 || n > 270 {
		return &mistake{fmt.Sprintf("%d is no quarter turn", n), "write 0, 90, 180 or 270"}
	}
	return nil
}

func oneOf(words ...string) func(any) *mistake {
	return func(v any) *mistake {
		if !slices.Contains(words, v.(string)) {
			return wrong(v.(string), "%s", `"`+strings.Join(words, `" or "`)+`"`)
		}
		return nil
	}
}

// boardKind wants a word that is known, or the whole path of a description.
func boardKind(v any) *mistake {
	// The last four are the descriptions that device/wiring brings; a test of cli holds them against it.
	words := []string{"simulated", "none", "auto", "pi", "pi3", "pi4", "pi5", "zero2w"}
	if kind := v.(string); !slices.Contains(words, kind) && !filepath.IsAbs(kind) {
		return wrong(kind, "%s", `"`+strings.Join(words, `", "`)+
			`", or the path of a description: "/etc/smiletill/board.toml"`)
	}
	return nil
}

func matches(pattern, instead string) func(any) *mistake {
	return func(v any) *mistake {
		// Compiled at use: a configuration is read once, and nothing is kept for it.
		if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(v.(string)) {
			return wrong(v.(string), "%s", instead)
		}
		return nil
	}
}

// topicLevel keeps tenant, site and id free of what MQTT reads as structure (/ + #).
func topicLevel(v any) *mistake {
	return matches(`[A-Za-z0-9_-]{1,64}`, "1 to 64 letters, digits, - or _")(v)
}

// shortText takes names of any script, as people read them on receipts.
func shortText(v any) *mistake {
	const most = 60
	text := v.(string)
	if err := payment.CheckText(text, most); err != nil {
		return &mistake{what: strconv.Quote(text) + " won't do: " + err.Error(), instead: payment.HintOf(err)}
	}
	return matches(`.+`, fmt.Sprintf("1 to %d characters on one line", most))(v)
}

func currencyCode(v any) *mistake {
	if m := matches(`[A-Z]{3}`, `three capital letters of ISO 4217, like "EUR"`)(v); m != nil {
		return m
	}
	if _, err := payment.ParseDecimal("1", v.(string)); err != nil {
		return wrong(v.(string), `the code of a currency that is in use (ISO 4217), like "EUR"`)
	}
	return nil
}

// decimal is an amount before its currency is known.
const decimal = `(0|[1-9]\d{0,8})(\.\d{1,3})?`

func matchesDecimal(v any) *mistake {
	return matches(decimal, `an amount in quotes, like "500.00", or "0" for no limit`)(v)
}

func positiveDecimal(v any) *mistake {
	m := matches(decimal, `an amount in quotes, like "50.00"`)(v)
	if m == nil && strings.Trim(v.(string), "0.") == "" {
		return wrong(v.(string), `an amount above zero, like "50.00"`)
	}
	return m
}

func absolute(v any) *mistake {
	if s := v.(string); s != "" && !filepath.IsAbs(s) {
		return wrong(s, "the whole path, from / on")
	}
	return nil
}

// socketPath bounds the length too: sun_path holds 108 bytes with its final zero (unix(7)).
func socketPath(v any) *mistake {
	if len(v.(string)) > 107 {
		return wrong(v.(string), "a path of at most 107 bytes")
	}
	return absolute(v)
}

func delegateChoice(v any) *mistake {
	return matches(`auto|off|/.+`, `"auto", "off" or the full path of a library`)(v)
}

func cameraSource(v any) *mistake {
	return matches(`auto|card:.+|bus:.+|/dev/.+|replay:.+`,
		`"auto", "card:NAME", "bus:PLACE", "/dev/video0" or "replay:FILE"`)(v)
}

func hostPort(v any) *mistake {
	host, port, err := net.SplitHostPort(v.(string))
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || host == "" || n == 0 {
		return wrong(v.(string), `an address and a port, like "127.0.0.1:8080"`)
	}
	return nil
}

// listenAddress is a hostPort that may leave the choice of the port to the system.
func listenAddress(v any) *mistake {
	if host, port, err := net.SplitHostPort(v.(string)); err == nil && host != "" && port == "0" {
		return nil
	}
	return hostPort(v)
}

func listenOrOff(v any) *mistake {
	if v == "" {
		return nil
	}
	return listenAddress(v)
}

// adder gives what notes a problem of an option.
func (c *Config) adder(problems *[]problem) func(name, what, instead string) {
	return func(name, what, instead string) {
		*problems = append(*problems, problem{Where: c.Origin(name), What: name + ": " + what, Instead: instead})
	}
}

// checkTogether finds values that are fine alone and wrong beside another.
func (c *Config) checkTogether() []problem {
	var problems []problem
	add := c.adder(&problems)
	r, m := &c.Register, &c.MQTT
	c.sharedListeners(add)
	switch {
	case r.CertFile != "" && r.KeyFile == "":
		add("register.cert_file", "a certificate without its key", "write register.key_file too")
	case r.CertFile == "" && r.KeyFile != "":
		add("register.key_file", "a key without its certificate", "write register.cert_file too")
	}
	switch {
	case m.CertFile != "" && m.KeyFile == "":
		add("mqtt.cert_file", "a certificate without its key", "write mqtt.key_file too")
	case m.CertFile == "" && m.KeyFile != "":
		add("mqtt.key_file", "a key without its certificate", "write mqtt.cert_file too")
	}
	if m.PasswordFile != "" && m.Username == "" {
		add("mqtt.password_file", "a password without a user", "write mqtt.username too")
	}
	plain := strings.HasPrefix(m.Broker, "tcp:") || strings.HasPrefix(m.Broker, "mqtt:")
	const encrypt = `write mqtt.broker = "mqtts://HOST:8883"`
	if plain && m.CAFile != "" {
		add("mqtt.ca_file", "certificates do nothing for "+m.Broker, encrypt)
	}
	for _, amount := range []struct{ name, text string }{
		{"payment.amount_max", c.Payment.AmountMax}, {"payment.unreported_max", c.Payment.UnreportedMax},
		{"pin.amount_max", c.PIN.AmountMax}, {"pin.sum_max", c.PIN.SumMax}, {"pin.day_max", c.PIN.DayMax},
		{"liveness.passive_max", c.Liveness.PassiveMax},
	} {
		if strings.Trim(amount.text, "0.") == "" {
			continue // no limit
		}
		if _, err := payment.ParseDecimal(amount.text, c.Terminal.Currency); err != nil {
			add(amount.name, err.Error(), payment.HintOf(err))
		}
	}
	if plain && m.ALPN != "" {
		add("mqtt.alpn", "it does nothing for "+m.Broker, encrypt)
	}
	if plain && m.CertFile != "" {
		add("mqtt.cert_file", "certificates do nothing for "+m.Broker, encrypt)
	}
	return problems
}
