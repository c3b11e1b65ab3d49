package config

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"smiletill/cmd/smiletill/columns"
)

// Example is the documented example with all defaults.
//
//go:embed smiletill.toml
var Example string

// Write prints c as TOML that Load reads back to the same values.
func (c *Config) Write(w io.Writer) error {
	section := ""
	for _, o := range c.options() {
		if o.section() != section {
			if section != "" {
				fmt.Fprintln(w)
			}
			section = o.section()
			fmt.Fprintf(w, "[%s]\n", section)
		}
		text := o.text()
		if o.kind() == "string" || o.kind() == "duration" {
			text = Quote(text)
		}
		set := columns.Pad(o.key()+" = "+text, 36)
		if _, err := fmt.Fprintf(w, "%s # %s\n", set, c.Origin(o.name)); err != nil {
			return fmt.Errorf("print configuration: %w", err)
		}
	}
	return nil
}

// Settings are all values that are in force, by name, as text. There is no secret among them: passwords and
// private keys are named by their files.
func (c *Config) Settings() map[string]string {
	all := map[string]string{}
	for _, o := range c.options() {
		all[o.name] = o.text()
	}
	return all
}

// Quote writes text as a basic string of TOML, whose escapes are fewer than Go's.
func Quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
