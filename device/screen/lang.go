package screen

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed page
var page embed.FS

// fallback is the language of a reader who wants none of ours.
const fallback = "en"

// catalogues hold the messages of each language by their key.
type catalogues map[string]map[string]string

func loadCatalogues() (catalogues, error) {
	c := catalogues{}
	for _, lang := range []string{"en", "de"} {
		raw, err := page.ReadFile("page/" + lang + ".json")
		if err != nil {
			return nil, fmt.Errorf("read catalogue: %w", err)
		}
		var m map[string]string
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, fmt.Errorf("parse catalogue %s: %w", lang, err)
		}
		c[lang] = m
	}
	return c, nil
}

// has reports whether there is a message of this key.
func (c catalogues) has(key string) bool { return c[fallback][key] != "" }

// pick chooses a reader's language: what the address asks for, else the terminal's own, else what the
// browser likes best (RFC 9110, 12.5.4), else English.
func (c catalogues) pick(asked, own, accept string) string {
	for _, l := range []string{asked, own} {
		if c[l] != nil {
			return l
		}
	}
	best, bestQ := fallback, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(part, ";")
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if c[base] == nil {
			continue
		}
		q := 1.0
		if name, v, ok := strings.Cut(strings.TrimSpace(params), "="); ok && name == "q" {
			q, _ = strconv.ParseFloat(v, 64) // nonsense counts as "not wanted"
		}
		if q > bestQ && q <= 1 {
			best, bestQ = base, q
		}
	}
	return best
}

// words are a View's texts in one language, by the names that index.html gives to their places in data-text.
func (c catalogues) words(v View, lang string) map[string]string {
	m := c[lang]
	w := map[string]string{
		"merchant": v.Merchant,
		"terminal": v.Terminal,
		"label":    m["label.to_pay"],
		"title":    m["state."+string(v.State)],
		"help":     m["help."+string(v.State)],
		"from":     "",
		"note":     "",
	}
	if v.State.paying() && v.State != EnterPIN && v.Instruction != "" {
		w["title"], w["help"] = m["instruction."+string(v.Instruction)], ""
	}
	if v.lit() && v.Instruction == "" {
		w["help"] = m["help.light"]
	}
	if v.State == EnterPIN && v.Number {
		w["title"], w["help"] = m["label.number"], m["help.number"]
	}
	if v.State == EnterPIN && v.Reason == NotSure {
		w["help"] = m["help.not_sure"]
	}
	if v.State == Idle && v.Note != "" {
		w["from"], w["note"] = m["label.register"], v.Note
	}
	if v.State.result() {
		w["label"] = m["label.amount"]
	}
	if v.Product != "" {
		w["label"] = v.Product
	} else if v.Item != "" {
		w["label"] = strings.Replace(m["label.product"], "{n}", v.Item, 1)
	}
	if v.Reason != "" && (v.State.result() || v.State == OutOfOrder) {
		w["help"] = m["reason."+string(v.Reason)]
	}
	if v.State == OutOfOrder {
		w["staff"], w["what"], w["do"] = m["label.staff"], v.Detail.What, v.Detail.Do
		if v.Detail.Code != "" {
			w["staff"], w["what"], w["do"] = m["label.claim"], v.Detail.Code, m["help.claim"]
		}
	}
	return w
}

// fixed are the texts that the page must have at hand before and without any event.
func (c catalogues) fixed(lang string) map[string]string {
	m := c[lang]
	f := map[string]string{}
	for _, k := range []string{"connecting", "connecting_help", "lost", "lost_help", "left", "progress",
		"simulation", "buzzer", "silent", "on", "off", "noscript", "pin", "pin_length",
		"pin_checking", "pin_wrong", "pin_failed", "key_enter", "key_correct", "key_cancel",
		"without_colours"} {
		f[k] = m["page."+k]
	}
	f["forget_look"], f["forget_pin"] = m["instruction."+string(ForgetLook)], m["state."+string(EnterPIN)]
	return f
}

// begin are the texts of each language whose keys begin so, without that beginning.
func (c catalogues) begin(prefix string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for lang, texts := range c {
		all[lang] = map[string]string{}
		for key, text := range texts {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				all[lang][name] = text
			}
		}
	}
	return all
}

// counter are the texts of the counter's page by their keys, in which "counter." is left out.
func (c catalogues) counter(lang string) map[string]string {
	w := map[string]string{}
	for key, text := range c[lang] {
		if name, ok := strings.CutPrefix(key, "counter."); ok {
			w[name] = text
		} else if strings.HasPrefix(key, "state.") || strings.HasPrefix(key, "instruction.") {
			w[key] = text
		}
	}
	return w
}
