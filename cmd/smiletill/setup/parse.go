package setup

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// most bounds what is read as settings.
const most = 64 << 10

// value is one key = value of the file: its name with its section, the texts in it (one but for a list),
// where it stands, and where its text is in the file.
type value struct {
	name, where string
	texts       []string
	list        bool
	flag        bool // true or false without quotes
	from, to    int
}

// parse reads a settings file, or lists all its mistakes with line and remedy; path is what these name.
func parse(path string, data []byte) (Settings, []problem) {
	values, problems := read(path, data)
	if len(problems) > 0 {
		return Settings{}, problems
	}
	where := map[string]string{}
	p := parser{s: Settings{Values: map[string]string{}}}
	p.add = func(key, what, instead string) {
		at, ok := where[key]
		if !ok {
			at = path
		}
		problems = append(problems, problem{Where: at, What: what, Instead: instead})
	}
	for _, v := range values {
		where[v.name] = v.where
		p.take(v)
	}
	if len(problems) == 0 {
		checker{p.add}.all(p.s)
	}
	slices.SortStableFunc(problems, func(a, b problem) int { return order(values, a) - order(values, b) })
	return p.s, problems
}

// order is the place of a problem in the file.
func order(values []value, p problem) int {
	return slices.IndexFunc(values, func(v value) bool { return v.where == p.Where })
}

// read finds the values of a file, or says why it is none.
func read(path string, data []byte) ([]value, []problem) {
	one := func(where, what, instead string) ([]value, []problem) {
		return nil, []problem{{Where: where, What: what, Instead: instead}}
	}
	const quotes = `write one key = "value" a line; text goes in straight quotes`
	switch {
	case len(data) > most:
		return one(path, fmt.Sprintf("it is larger than %d bytes", most), "begin with the handbook's example")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return one(path, "it is written in UTF-16", "save it as UTF-8")
	}
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors' mark of UTF-8
	shift := len(data) - len(text)
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		where, what := path, strings.TrimPrefix(err.Error(), "toml: ")
		var de *toml.DecodeError
		if errors.As(err, &de) {
			row, column := de.Position()
			where = fmt.Sprintf("%s:%d:%d", path, row, column)
			lines := strings.Split(string(text), "\n")
			if row >= 1 && row <= len(lines) && strings.ContainsAny(lines[row-1], "“”„‟″") {
				what = "these are a word processor's quotes"
			}
		}
		return one(where, what, quotes)
	}
	var all []value
	var problems []problem
	var parser unstable.Parser
	parser.Reset(text)
	section := ""
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			section = dotted(e.Key()) + "."
			if e.Kind == unstable.ArrayTable {
				return one(path, "["+section+"] is written as a list", "write it in single brackets, once")
			}
		case unstable.KeyValue:
			v, wrong := oneValue(&parser, path, section, e, shift)
			all, problems = append(all, v), append(problems, wrong...)
		default: // comments
		}
	}
	return all, problems
}

func dotted(it unstable.Iterator) string {
	var parts []string
	for it.Next() {
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, ".")
}

func oneValue(parser *unstable.Parser, path, section string, e *unstable.Node, shift int) (value, []problem) {
	keys := e.Key()
	keys.Next()
	at := parser.Shape(keys.Node().Raw).Start
	v := value{name: section + dotted(e.Key()), where: fmt.Sprintf("%s:%d:%d", path, at.Line, at.Column)}
	node := e.Value()
	v.from = shift + int(node.Raw.Offset)
	v.to = v.from + int(node.Raw.Length)
	switch node.Kind {
	case unstable.String, unstable.Integer, unstable.Float:
		v.texts = []string{string(node.Data)}
	case unstable.Bool:
		v.texts, v.flag = []string{string(node.Data)}, true
	case unstable.Array:
		v.list = true
		for it := node.Children(); it.Next(); {
			if it.Node().Kind != unstable.String {
				return v, []problem{{v.where, v.name + " is a list of something else than text",
					`write ["ONE", "TWO"]`}}
			}
			v.texts = append(v.texts, string(it.Node().Data))
		}
	default:
		return v, []problem{{v.where, v.name + " is neither text nor a number", `write it in quotes: "VALUE"`}}
	}
	return v, nil
}

// parser takes values over.
type parser struct {
	s   Settings
	add func(key, what, instead string)
}

// own are the keys of this file beside the terminal's.
func (p *parser) own() map[string]func(v value) {
	text := func(to *string) func(value) { return func(v value) { *to = v.texts[0] } }
	flag := func(to *bool) func(value) {
		return func(v value) {
			if !v.flag {
				p.add(v.name, v.name+" is true or false", "write true or false, without quotes")
			}
			*to = v.texts[0] == "true"
		}
	}
	address := func(v value, what string) netip.Addr {
		a, err := netip.ParseAddr(v.texts[0])
		if err != nil || a.Zone() != "" {
			p.add(v.name, what+" is no address", `write it with its four numbers: "192.168.1.1"`)
		}
		return a
	}
	w, n := &p.s.WiFi, &p.s.Network
	return map[string]func(value){
		"name": text(&p.s.Name), "cloud": text(&p.s.Cloud), "claim": text(&p.s.Claim),
		"wifi.ssid": text(&w.SSID), "wifi.country": text(&w.Country),
		"wifi.password": func(v value) { w.Password = Secret(v.texts[0]) },
		"wifi.open":     flag(&w.Open), "wifi.hidden": flag(&w.Hidden),
		"network.address": func(v value) {
			a, err := netip.ParsePrefix(v.texts[0])
			if err != nil {
				p.add(v.name, "it is no address with the size of its network", `write "192.168.1.20/24"`)
			}
			n.Address = a
		},
		"network.gateway": func(v value) { n.Gateway = address(v, "the gateway") },
		"network.dns": func(v value) {
			for _, t := range v.texts {
				n.DNS = append(n.DNS, address(value{name: v.name, texts: []string{t}}, "a DNS server"))
			}
		},
		"time.servers":    func(v value) { p.s.Servers = v.texts },
		"access.ssh_keys": func(v value) { p.s.Keys = append([]string{}, v.texts...) },
	}
}

func (p *parser) take(v value) {
	own := p.own()
	set, ours := own[v.name]
	lists := v.name == "network.dns" || v.name == "time.servers" || v.name == "access.ssh_keys"
	switch {
	case v.list && !lists:
		p.add(v.name, v.name+" is a list", "write one text in quotes")
	case ours:
		set(v)
	default:
		section, _, _ := strings.Cut(v.name, ".")
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(a, section+".") }) {
			p.add(v.name, "nothing is called "+v.name, "the keys are "+
				strings.Join(append(slices.Sorted(maps.Keys(own)), allowed...), ", "))
			return
		}
		p.s.Values[v.name] = v.texts[0]
	}
}
