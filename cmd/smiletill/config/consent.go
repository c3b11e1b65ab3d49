package config

import "time"

// ConsentConfig says what an enrolment wants of a consent: whether the shop keeps signed papers, by the
// reference of which a customer may be enrolled, and files of the shop's own texts; empty: the program's.
// Contact is whom the screen names to who asks what is stored; empty: the staff. Timeout is how long it waits
// for a touch of who reads that, or wants to be forgotten.
type ConsentConfig struct {
	Paper          bool
	TextEN, TextDE string
	Contact        string
	Timeout        time.Duration
}

// Files are the shop's own texts, by language.
func (c ConsentConfig) Files() map[string]string {
	return map[string]string{"en": c.TextEN, "de": c.TextDE}
}

func (c *Config) consentOptions() []option {
	a := &c.Consent
	return []option{
		{"consent.paper", &a.Paper, "enrol by the reference of a signed paper too", nil},
		{"consent.text_en", &a.TextEN, "file of what customers agree to; empty: the program's text", absolute},
		{"consent.text_de", &a.TextDE, "the same in German", absolute},
		{"consent.contact", &a.Contact, "whom to ask about what is stored; empty: the staff", shortOrNone},
		{"consent.timeout", &a.Timeout, "how long the screen waits for who wants to be forgotten",
			within(20*time.Second, 5*time.Minute)},
	}
}

// shortOrNone takes a short text, or none.
func shortOrNone(v any) *mistake {
	if v == "" {
		return nil
	}
	return shortText(v)
}
