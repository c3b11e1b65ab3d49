package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// applyFile takes the options from TOML text. It reads the text twice: once as a whole, which finds
// syntax errors and repeated keys, and once expression by expression, which knows the place of each.
func (c *Config) applyFile(opts []option, path string, data []byte) []problem {
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		return []problem{syntaxProblem(path, data, err)}
	}
	f := fileReader{config: c, opts: opts, path: path}
	f.parser.Reset(data)
	var table []key
	for f.parser.NextExpression() {
		e := f.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = f.keys(e.Key())
			f.checkTable(table)
		case unstable.ArrayTable:
			table = f.keys(e.Key())
			f.add(table[len(table)-1], joined(table)+" is written as a list", "write ["+joined(table)+"], once")
			table = []key{{skip: true}}
		case unstable.KeyValue:
			f.keyValue(table, e)
		default: // comments; Unmarshal has refused the rest
		}
	}
	if err := f.parser.Error(); err != nil { // toml.Unmarshal has read it, so this is for safety only
		f.problems = append(f.problems, problem{Where: path, What: err.Error(), Instead: quoteAdvice})
	}
	return f.problems
}

const quoteAdvice = `write one key = value a line under its [section]; text goes in quotes`

func syntaxProblem(path string, data []byte, err error) problem {
	p := problem{Where: path, What: strings.TrimPrefix(err.Error(), "toml: "), Instead: quoteAdvice}
	var de *toml.DecodeError
	if !errors.As(err, &de) {
		return p
	}
	row, column := de.Position()
	p.Where = fmt.Sprintf("%s:%d:%d", path, row, column)
	lines := strings.Split(string(data), "\n")
	if row < 1 || row > len(lines) || !strings.Contains(p.What, "start of value") {
		return p
	}
	if k, v, ok := strings.Cut(lines[row-1], "="); ok {
		v, _, _ = strings.Cut(v, "#")
		p.What = "the value of " + strings.TrimSpace(k) + " isn't TOML: " + p.What
		p.Instead = fmt.Sprintf("text goes in quotes: %s = %q", strings.TrimSpace(k), strings.TrimSpace(v))
	}
	return p
}

// key is one part of a dotted key and its place.
type key struct {
	text string
	at   unstable.Position
	skip bool // of a table that was complained about already
}

func joined(keys []key) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.text
		if strings.Contains(k.text, ".") { // "a.b" in quotes is one part, not two
			parts[i] = strconv.Quote(k.text)
		}
	}
	return strings.Join(parts, ".")
}

type fileReader struct {
	config   *Config
	opts     []option
	path     string
	parser   unstable.Parser
	problems []problem
}

func (f *fileReader) keys(it unstable.Iterator) []key {
	var keys []key
	for it.Next() {
		n := it.Node()
		keys = append(keys, key{text: string(n.Data), at: f.parser.Shape(n.Raw).Start})
	}
	return keys
}

func (f *fileReader) where(at unstable.Position) string {
	return fmt.Sprintf("%s:%d:%d", f.path, at.Line, at.Column)
}

func (f *fileReader) add(k key, what, instead string) {
	f.problems = append(f.problems, problem{Where: f.where(k.at), What: what, Instead: instead})
}

func (f *fileReader) sections() []string {
	var names []string
	for _, o := range f.opts {
		if !slices.Contains(names, o.section()) {
			names = append(names, o.section())
		}
	}
	return names
}

// checkTable complains about a table that is no section, once, and marks its keys to be skipped.
func (f *fileReader) checkTable(table []key) {
	name := joined(table)
	sections := f.sections()
	if slices.Contains(sections, name) {
		return
	}
	instead := "the sections are " + strings.Join(sections, ", ")
	if near := nearest(name, sections); near != "" {
		instead = "did you mean [" + near + "]?"
	}
	f.add(table[len(table)-1], "unknown section ["+name+"]", instead)
	table[0].skip = true
}

// keyValue takes one key = value. e's children are its value and the parts of its key.
func (f *fileReader) keyValue(table []key, e *unstable.Node) {
	if len(table) > 0 && table[0].skip {
		return
	}
	own := f.keys(e.Key())
	full := append(slices.Clone(table), own...)
	value := e.Value()
	name := joined(full)
	i := slices.IndexFunc(f.opts, func(o option) bool { return o.name == name })
	if i < 0 && value.Kind == unstable.InlineTable {
		f.checkTable(full)
		for it := value.Children(); it.Next(); {
			f.keyValue(full, it.Node())
		}
		return
	}
	if i < 0 {
		f.unknownKey(own[0], name)
		return
	}
	text, m := fileText(f.opts[i], value)
	at := own[0].at
	if value.Raw.Length > 0 { // lists have no place of their own
		at = f.parser.Shape(value.Raw).Start
	}
	if m != nil {
		f.add(key{at: at}, name+": "+m.what, m.instead)
		return
	}
	f.problems = append(f.problems, f.config.set(f.opts[i], text, f.where(at))...)
}

func (f *fileReader) unknownKey(k key, name string) {
	var names, inSection, homes []string
	section, last, _ := strings.Cut(name, ".")
	instead := ""
	for _, o := range f.opts {
		names = append(names, o.name)
		if o.section() == section {
			inSection = append(inSection, o.key())
		}
		if o.key() == last || o.key() == name {
			homes = append(homes, "["+o.section()+"]")
			instead = o.key() + " belongs under " + strings.Join(homes, " or ")
		}
	}
	if near := nearest(name, names); near != "" && instead == "" {
		instead = "did you mean " + near + "?"
	}
	if instead == "" && len(inSection) > 0 {
		instead = "[" + section + "] has " + strings.Join(inSection, ", ")
	}
	if instead == "" {
		instead = "the sections are " + strings.Join(f.sections(), ", ")
	}
	f.add(k, "unknown key "+name, instead)
}

// fileText turns a TOML value into the text that option.set takes, if it is of the option's type.
func fileText(o option, value *unstable.Node) (string, *mistake) {
	text := string(value.Data)
	switch {
	case o.kind() == "int" && value.Kind == unstable.Integer:
		// TOML also has 1_000 and 0x10; the others of our sources have not.
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return "", wrong(text, "a smaller number")
		}
		return strconv.FormatInt(n, 10), nil
	case o.kind() == "bool" && value.Kind == unstable.Bool,
		(o.kind() == "string" || o.kind() == "duration") && value.Kind == unstable.String:
		return text, nil
	}
	what := "is " + kindWords(value.Kind)
	switch o.kind() {
	case "int":
		return "", &mistake{what, fmt.Sprintf("write a whole number without quotes: %s = %s", o.key(), o.text())}
	case "bool":
		return "", &mistake{what, fmt.Sprintf("write true or false without quotes: %s = %s", o.key(), o.text())}
	}
	like := o.text()
	if _, ok := o.value.(*region); ok {
		like = regionExample
	}
	if value.Kind == unstable.Integer || value.Kind == unstable.Float || value.Kind == unstable.Bool {
		like = text
	}
	if o.kind() == "duration" && value.Kind == unstable.Integer {
		like += "s"
	}
	return "", &mistake{what, fmt.Sprintf("write it in quotes: %s = %q", o.key(), like)}
}

func kindWords(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "text"
	case unstable.Integer:
		return "a whole number"
	case unstable.Float:
		return "a number with a point"
	case unstable.Bool:
		return "true or false"
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	default:
		return "a date or time"
	}
}
