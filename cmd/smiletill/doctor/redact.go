package doctor

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/pin"
)

// leftOut stands where something secret was.
const leftOut = "[left out]"

// Redactor leaves secrets out of text: those that it was told, in the forms that programs write them, and
// what looks like one. The zero value knows no secret by name.
type Redactor struct {
	known *strings.Replacer
	words map[string]bool // of names, folded, as a log may have them alone
}

// NewRedactor reads the secrets that a terminal's files hold, as far as this user may, to know them in text.
// They are not kept elsewhere. root is before the system's paths; "" but in tests.
func NewRedactor(root string, cfg config.Config, names []string) Redactor {
	var all []string
	for _, path := range secrets(cfg) {
		all = append(all, secretsIn(path)...)
	}
	for _, pattern := range []string{"/etc/smiletill/claim.toml", "/etc/smiletill/smiletill.toml",
		"/boot/select/setup.toml", "/boot/firmware/setup.toml", "/etc/NetworkManager/system-connections/*",
		"/run/NetworkManager/system-connections/*", "/etc/wpa_supplicant/*.conf",
		"/var/lib/smiletill/setup/etc/NetworkManager/system-connections/*",
		"/var/lib/smiletill/setup/etc/smiletill/claim.toml"} {
		paths, _ := filepath.Glob(root + pattern) // the patterns are good
		for _, path := range paths {
			all = append(all, assigned(path)...)
		}
	}
	r := Redactor{words: map[string]bool{}}
	found := map[string]bool{}
	for _, s := range all {
		if len(s) >= shortest {
			add(found, s)
		}
	}
	for _, name := range names {
		r.name(name, found)
	}
	// At one place the longest is taken: a name that another begins with would leave the other's rest.
	longest := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})
	var pairs []string
	for _, f := range longest {
		pairs = append(pairs, f, leftOut)
	}
	r.known = strings.NewReplacer(pairs...)
	return r
}

func add(found map[string]bool, s string) {
	for _, f := range forms(s) {
		found[f] = true
	}
}

// noNames are what doors and users are called, not people: without them a page would say little.
var noNames = map[string]bool{pin.Unnamed: true, "root": true, "smiletill": true}

// name adds the forms of a name and of its words, each as people type it: é as one character or two, in
// capitals or not. In clear a word is left out where it stands alone, see names.
func (r Redactor) name(name string, found map[string]bool) {
	if noNames[folded(name)] {
		return
	}
	for _, typed := range []string{name, norm.NFC.String(name), norm.NFD.String(name)} {
		for _, s := range []string{typed, strings.ToLower(typed), strings.ToUpper(typed)} {
			if len(s) >= shortest {
				add(found, s)
			}
			for _, w := range strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) }) {
				if utf8.RuneCountInString(w) > 1 {
					r.words[folded(w)] = true
				}
				for _, f := range forms(w) {
					if len(w) > 2 && !strings.Contains(f, w) {
						found[f] = true
					}
				}
			}
		}
	}
}

// folded is a name or word as names are compared: composed, and capitals and small letters alike.
func folded(s string) string {
	return strings.ReplaceAll(strings.ToLower(strings.ToUpper(norm.NFC.String(s))), "ß", "ss")
}

// shortest is how many bytes a text has at least that is left out wherever it stands: anything shorter would
// be found everywhere.
const shortest = 4

// fileMost bounds what is read of a secret file, in bytes.
const fileMost = 1 << 20

// secretsIn gives the lines of a secret file, and the texts in one of JSON. Databases hold hashes only.
func secretsIn(path string) (all []string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > fileMost || filepath.Ext(path) == ".db" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil // what this user may not read does not get into the text by him
	}
	var deep any
	if json.Unmarshal(text, &deep) == nil {
		return jsonSecrets(deep, "")
	}
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSpace(strings.TrimPrefix(l, "\ufeff"))
		if !strings.HasPrefix(l, "-----") {
			all = append(all, l, l[strings.LastIndexByte(l, ' ')+1:])
		}
	}
	return all
}

// jsonSecrets are the texts below keys that name a secret.
func jsonSecrets(v any, key string) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, deep := range v {
			all = append(all, jsonSecrets(deep, k)...)
		}
	case []any:
		for _, deep := range v {
			all = append(all, jsonSecrets(deep, key)...)
		}
	case string:
		if key == "derived_key" || secretKey.MatchString(key) {
			all = append(all, v)
		}
	}
	return all
}

// assigned are the values of a file of settings whose keys name a secret.
func assigned(path string) (all []string) {
	text, err := os.ReadFile(path)
	if err != nil || len(text) > fileMost {
		return nil
	}
	for l := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(l, "=")
		if ok && secretKey.MatchString(strings.TrimSpace(key)) {
			all = append(all, strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return all
}

// forms are how programs write a text: plain, as JSON, in an address, as hexadecimal digits, in base64 at
// each of the three places that it may begin at, in UTF-16.
func forms(s string) []string {
	quoted, _ := json.Marshal(s) // a text always can be
	all := []string{s, string(quoted[1 : len(quoted)-1]), url.QueryEscape(s), url.PathEscape(s),
		hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
	units := utf16.Encode([]rune(s))
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var wide []byte
		for _, u := range units {
			wide = order.AppendUint16(wide, u)
		}
		all = append(all, string(wide))
	}
	for shift := range 3 {
		padded := append(bytes.Repeat([]byte{0}, shift), s...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			// Signs at the ends that another text beside this one has a part in are left out.
			first, last := (shift*8+5)/6, len(padded)*8/6
			if text := e.EncodeToString(padded)[first:last]; len(text) >= shortest+2 {
				all = append(all, text)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// assigns is the rest of a key, what follows it, and a value between quotation marks.
const assigns = `[a-z_-]*\\?["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|\\"(?:[^"\\]|\\[^"])*\\"|'[^']*'|`

// What looks like a secret.
var (
	secretKey = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:pass(?:word|phrase|wd|code)?|psk|wep[-_]key\d?|secret|` +
		`token|pins?|claim|credentials?|authorization|bearer|cookie|private[-_]key|api[-_]?key|material)(?:$|[^a-z])`)
	// A bare value that may be of several words goes to the line's end, any other to the next space.
	assignment = regexp.MustCompile(`(?i)((?:^|[^a-z])(?:pass(?:word|phrase|wd|code)?|psk|claim|credentials?|` +
		`authorization|bearer|cookie)` + assigns + `[^\s"'][^\n]*)`)
	ofOneWord = regexp.MustCompile(`(?i)((?:^|[^a-z])(?:secret|token|pin|private[-_]key|api[-_]?key)` + assigns +
		`[^\s"']\S*)`)
	spokenPIN = regexp.MustCompile(`(?i)\b(PIN\b[^0-9\n]{0,16})[0-9]{4,12}\b`)
	userInfo  = regexp.MustCompile(`://[^/\s@"]*@`)
	queryText = regexp.MustCompile(`(://[^\s"?]*)\?[^\s"]*`)
	customer  = regexp.MustCompile(`\bc_[a-z2-7]{26}\b`)
	// What is made of a face is many numbers.
	vector    = regexp.MustCompile(`(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?[, ]+){7,}[-+]?\d[\d.e+-]*`)
	longToken = regexp.MustCompile(`[A-Za-z0-9+/_=-]{20,}`)
	pemBlock  = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|$)`)
)

// Text gives text without secrets.
func (r Redactor) Text(text string) string {
	if r.known != nil {
		text = r.known.Replace(text)
	}
	text = pemBlock.ReplaceAllString(text, leftOut)
	text = userInfo.ReplaceAllString(text, "://"+leftOut+"@")
	text = queryText.ReplaceAllString(text, "${1}?"+leftOut)
	text = assignment.ReplaceAllString(text, "${1}"+leftOut)
	text = ofOneWord.ReplaceAllString(text, "${1}"+leftOut)
	text = spokenPIN.ReplaceAllString(text, "${1}"+leftOut)
	text = customer.ReplaceAllString(text, "[customer]")
	text = vector.ReplaceAllString(text, leftOut)
	text = longToken.ReplaceAllStringFunc(text, func(t string) string {
		if tokenLike(t) {
			return leftOut
		}
		return t
	})
	if len(r.words) == 0 {
		return text
	}
	return r.names(norm.NFC.String(text))
}

// tokenLike tells a key from a path, a word or a date.
func tokenLike(t string) bool {
	digits, small, large, hexed := 0, 0, 0, 0
	for _, c := range t {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
			small++
		case c >= 'A' && c <= 'Z':
			large++
		}
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			hexed++
		}
	}
	switch {
	case hexed == len(t) && len(t) >= 32:
		return true
	case strings.HasPrefix(t, "/") && large == 0:
		return false // a path
	}
	return digits > 1 && small > 1 && large > 1
}

// names leaves out the words of names where they stand alone.
func (r Redactor) names(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
		switch {
		case n < 0:
			n = len(text)
		case n == 0:
			n = strings.IndexFunc(text, unicode.IsLetter)
			if n < 0 {
				n = len(text)
			}
		}
		word := text[:n]
		if r.words[folded(word)] {
			word = leftOut
		}
		b.WriteString(word)
		text = text[n:]
	}
	return b.String()
}
