package people

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"smiletill/payment"
)

//go:embed consent/*.txt
var ownTexts embed.FS

// textMax bounds a shop's own text, in bytes: some pages.
const textMax = 64 << 10

// Text is what is explained to a customer before a face is taken.
type Text struct {
	Lang    string `json:"lang"`    // en or de
	Version string `json:"version"` // 16 hexadecimal digits of the SHA-256 of Body
	Body    string `json:"body"`
}

// Rules are what an enrolment wants of a consent.
type Rules struct {
	// Paper says that the shop keeps signed papers: a reference to one does in place of a text.
	Paper bool
	Texts []Text
}

// ErrConsent is of an enrolment that nobody is known to have agreed to.
var ErrConsent = errors.New("nobody has agreed")

// ReadRules reads the texts: the program's own, or a shop's in files, by language.
func ReadRules(paper bool, files map[string]string) (Rules, error) {
	r := Rules{Paper: paper}
	for _, lang := range []string{"en", "de"} {
		body, err := ownTexts.ReadFile("consent/" + lang + ".txt")
		if file := files[lang]; file != "" && err == nil {
			body, err = os.ReadFile(file)
			if err == nil && (len(body) > textMax || !utf8.Valid(body) || strings.TrimSpace(string(body)) == "") {
				err = payment.WithHint(fmt.Errorf("%s is no text", file), "make it up to 64 kB of UTF-8")
			}
		}
		if err != nil {
			return Rules{}, fmt.Errorf("read what customers agree to: %w", err)
		}
		sum := sha256.Sum256(body)
		r.Texts = append(r.Texts, Text{Lang: lang, Version: hex.EncodeToString(sum[:8]), Body: string(body)})
	}
	return r, nil
}

// Text gives the text of a language; ErrConsent where there is none.
func (r Rules) Text(lang string) (Text, error) {
	i := slices.IndexFunc(r.Texts, func(t Text) bool { return t.Lang == lang })
	if i < 0 {
		return Text{}, payment.WithHint(fmt.Errorf("%w: there is no text in %q", ErrConsent, lang),
			"there are en and de; consent.text_en and consent.text_de name files of your own")
	}
	return r.Texts[i], nil
}

// Check says why an agreement won't do, if so: to which text of which language, and which paper there is.
func (r Rules) Check(version, lang, paper string) error {
	switch {
	case version == "" && paper == "":
		return payment.WithHint(ErrConsent, "explain it (`smiletill customers text`), and enrol with --agreed en, "+
			"or de: the language in which the customer has read it and agreed")
	case version == "" && !r.Paper:
		return payment.WithHint(fmt.Errorf("%w: a paper alone does not do here", ErrConsent),
			"set consent.paper = true where the shop keeps signed papers; else say --agreed en, or de")
	case paper != "" && payment.CheckText(paper, payment.ReferenceMax) != nil:
		return fmt.Errorf("the paper's reference: %w", payment.CheckText(paper, payment.ReferenceMax))
	case version == "":
		return nil
	}
	t, err := r.Text(lang)
	if err == nil && t.Version != version {
		err = payment.WithHint(fmt.Errorf("%w: the text has changed since it was shown", ErrConsent),
			"show it again: `smiletill customers text`")
	}
	return err
}
