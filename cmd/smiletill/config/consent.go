package config

// ConsentConfig says what an enrolment wants of a consent: whether the shop keeps signed papers, by the
// reference of which a customer may be enrolled, and files of the shop's own texts; empty: the program's.
type ConsentConfig struct {
	Paper          bool
	TextEN, TextDE string
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
	}
}
