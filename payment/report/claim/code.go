package claim

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// alphabet has no signs that a person takes for each other: no 0 and O, 1, I and L, U and V together.
const alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

const (
	group  = 3 // letters a group
	groups = 3
	// scanMark begins what a code's picture holds.
	scanMark = "smiletill-claim:"
)

// ErrCode marks a text that is no code.
var ErrCode = errors.New("this is no code of a terminal")

// Code is what a terminal shows: three groups of three letters, of which the first is said openly (Plate) so
// that the cloud knows which terminal is meant, and the others, 29 bits, never. It does not print; Text does.
type Code struct{ plate, secret string }

// NewCode draws a code.
func NewCode(random io.Reader) (Code, error) {
	letters := make([]byte, 0, group*groups)
	var b [1]byte
	for len(letters) < cap(letters) {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Code{}, fmt.Errorf("draw a code: %w", err)
		}
		if n := int(b[0]); n < 256/len(alphabet)*len(alphabet) { // each letter is as likely as another
			letters = append(letters, alphabet[n%len(alphabet)])
		}
	}
	return Code{plate: string(letters[:group]), secret: string(letters[group:])}, nil
}

// Plate is the half that is said openly.
func (c Code) Plate() string { return c.plate }

// Text is the whole code as a person types it: "K7P-4MX-9TR".
func (c Code) Text() string {
	if c.plate == "" {
		return ""
	}
	return c.plate + "-" + c.secret[:group] + "-" + c.secret[group:]
}

// String gives the open half.
func (c Code) String() string { return c.plate + "-[redacted]" }

// GoString is String.
func (c Code) GoString() string { return c.String() }

// LogValue is String.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Scan is what the code's picture holds: the code, and by which key the terminal that shows it is known
// (signature.ID).
func (c Code) Scan(key string) string { return scanMark + c.Text() + ":" + key }

var (
	scanned = regexp.MustCompile(`^` + scanMark + `([^:]{1,64}):([A-Za-z0-9_-]{43})$`)
	plates  = regexp.MustCompile(`^[` + alphabet + `]{3}$`)
)

// ParseCode reads what a person typed, whatever stands between the letters, or what a picture held; of the
// latter it gives the key's id too.
func ParseCode(text string) (c Code, key string, err error) {
	text = strings.TrimSpace(text)
	if len(text) > 128 {
		return Code{}, "", fmt.Errorf("read a code: %w", ErrCode)
	}
	if m := scanned.FindStringSubmatch(text); m != nil {
		text, key = m[1], m[2]
	}
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_./", r) {
			return -1
		}
		return r
	}, strings.ToUpper(text))
	for _, r := range letters {
		if !strings.ContainsRune(alphabet, r) {
			return Code{}, "", fmt.Errorf("read a code: %w: it has no %q", ErrCode, r)
		}
	}
	if len(letters) != group*groups {
		return Code{}, "", fmt.Errorf("read a code: %w: it has %d letters and digits, not %d", ErrCode,
			len(letters), group*groups)
	}
	return Code{plate: letters[:group], secret: letters[group:]}, key, nil
}
