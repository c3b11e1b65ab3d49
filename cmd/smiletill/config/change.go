package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Wrong says what is wrong with text as an option's value ("camera.rotate"), and what to write instead; both
// are empty where nothing is.
func Wrong(name, text string) (what, instead string) {
	c := Default()
	var names []string
	for _, o := range c.options() {
		if o.name == name {
			if m := o.set(text); m != nil {
				return m.what, m.instead
			}
			return "", ""
		}
		names = append(names, o.name)
	}
	if near := nearest(name, names); near != "" {
		return "unknown key " + name, "did you mean " + near + "?"
	}
	return "unknown key " + name, "`smiletill config --example` prints every key"
}

// Current gives all values of a configuration's text, by their names, and whether it says whose terminal it
// is. path is what mistakes name; no environment and no flag counts.
func Current(path string, text []byte) (values map[string]string, named bool, err error) {
	c, err := parseConfig(path, withoutMark(text), nil, nil, machine{})
	if err != nil {
		return nil, false, Usage(err)
	}
	values = map[string]string{}
	for _, o := range c.options() {
		values[o.name] = o.text()
	}
	return values, c.Commissioned() == nil, nil
}

// Change gives the text of a configuration with other values and leaves all else as it is: comments, order,
// other keys. The error lists what would be wrong with the whole of it.
func Change(path string, text []byte, set map[string]string) ([]byte, error) {
	out := bytes.Clone(withoutMark(text))
	for _, name := range slices.Sorted(maps.Keys(set)) {
		line, err := assignment(name, set[name])
		if err != nil {
			return nil, Usage(err)
		}
		out = changeOne(out, name, line)
	}
	if _, _, err := Current(path, out); err != nil {
		return nil, err
	}
	return out, nil
}

// withoutMark leaves out some editors' mark of UTF-8.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }

// assignment is the line of an option, without its end.
func assignment(name, text string) (string, error) {
	c := Default()
	opts := c.options()
	i := slices.IndexFunc(opts, func(o option) bool { return o.name == name })
	if i < 0 {
		return "", fmt.Errorf("change configuration: unknown key %s", name)
	}
	o := opts[i]
	if m := o.set(text); m != nil {
		return "", &loadError{Problems: []problem{{Where: name, What: m.what, Instead: m.instead}}}
	}
	if o.kind() == "string" || o.kind() == "duration" {
		text = Quote(text)
	}
	return o.key() + " = " + text, nil
}

// changeOne puts the line of an option where it stands, else below the head of its section, else at the end.
func changeOne(text []byte, name, line string) []byte {
	section, _, _ := strings.Cut(name, ".")
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	var parser unstable.Parser
	parser.Reset(text)
	var table []string
	below := -1
	for parser.NextExpression() {
		e := parser.Expression()
		parts, at, end := places(e.Key())
		switch {
		case e.Kind == unstable.Table:
			table = parts
			if i := bytes.IndexByte(text[end:], '\n'); i >= 0 && slices.Equal(table, []string{section}) {
				below = end + i + 1
			}
		case e.Kind == unstable.KeyValue && strings.Join(slices.Concat(table, parts), ".") == name:
			if len(parts) > 1 { // terminal.id = "x" above all sections
				line = section + "." + line
			}
			raw := e.Value().Raw
			if raw.Length == 0 { // a list or a table, which no option is: the check of the whole says so
				return text
			}
			return slices.Concat(text[:at], []byte(line), text[raw.Offset+raw.Length:])
		}
	}
	if below >= 0 {
		return slices.Concat(text[:below], []byte(line+"\n"), text[below:])
	}
	return slices.Concat(text, []byte("\n["+section+"]\n"+line+"\n"))
}

// places are the parts of a key, and where it begins and ends in the text.
func places(it unstable.Iterator) (parts []string, start, end int) {
	start = -1
	for it.Next() {
		n := it.Node()
		if start < 0 {
			start = int(n.Raw.Offset)
		}
		end = int(n.Raw.Offset + n.Raw.Length)
		parts = append(parts, string(n.Data))
	}
	return parts, start, end
}
