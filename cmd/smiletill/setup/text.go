package setup

import (
	"fmt"
	"slices"
	"strings"

	"smiletill/cmd/smiletill/config"
)

// Text writes settings as the file that a terminal reads back.
func (s Settings) Text() []byte {
	var b strings.Builder
	b.WriteString("# First settings of a smiletill terminal. It takes them once, at its start, and answers in " +
		reportName + ".\n")
	line := func(key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, config.Quote(text))
		}
	}
	yes := func(key string, on bool) {
		if on {
			fmt.Fprintf(&b, "%s = true\n", key)
		}
	}
	list := func(key string, texts []string) {
		for i, t := range texts {
			texts[i] = config.Quote(t)
		}
		if len(texts) > 0 {
			fmt.Fprintf(&b, "%s = [%s]\n", key, strings.Join(texts, ", "))
		}
	}
	line("name", s.Name)
	line("cloud", s.Cloud)
	line("claim", s.Claim)
	if w := s.WiFi; w != (WiFi{}) {
		b.WriteString("\n[wifi]\n")
		line("ssid", w.SSID)
		line("password", string(w.Password))
		line("country", w.Country)
		yes("open", w.Open)
		yes("hidden", w.Hidden)
	}
	if n := s.Network; n.Address.IsValid() {
		b.WriteString("\n[network]\n")
		line("address", n.Address.String())
		if n.Gateway.IsValid() {
			line("gateway", n.Gateway.String())
		}
		var dns []string
		for _, d := range n.DNS {
			dns = append(dns, d.String())
		}
		list("dns", dns)
	}
	if len(s.Servers) > 0 {
		b.WriteString("\n[time]\n")
		list("servers", slices.Clone(s.Servers))
	}
	if s.Keys != nil {
		b.WriteString("\n[access]\n")
		list("ssh_keys", slices.Clone(s.Keys))
		if len(s.Keys) == 0 {
			b.WriteString("ssh_keys = []\n")
		}
	}
	section := ""
	for _, name := range sections(s.Values) {
		now, key, _ := strings.Cut(name, ".")
		if now != section {
			fmt.Fprintf(&b, "\n[%s]\n", now)
			section = now
		}
		fmt.Fprintf(&b, "%s = %s\n", key, config.Quote(s.Values[name]))
	}
	return []byte(b.String())
}

// sections are the names of values, those of a section together, in the order of the terminal's own file.
func sections(values map[string]string) []string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	place := func(name string) int {
		if i := slices.Index(allowed, name); i >= 0 {
			return i
		}
		return len(allowed)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

// erased is the text of a file without its Wi-Fi password, as long as before: it is written over the old one
// in place, so that the password is overwritten too, and no power cut can lose the file.
func erased(data []byte) []byte {
	values, problems := read(FileName, data)
	if len(problems) > 0 {
		return data
	}
	out := slices.Clone(data)
	for _, v := range values {
		if v.name != "wifi.password" || v.to-v.from < 2 || v.to > len(out) {
			continue
		}
		for i := v.from; i < v.to; i++ {
			out[i] = ' '
		}
		out[v.from], out[v.from+1] = '"', '"'
	}
	return out
}
