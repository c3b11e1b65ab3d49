package setup

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	for _, tc := range []struct {
		name, before, typed string
		said                []string
		want, never         []string
	}{
		{name: "a fresh terminal", typed: "acme/berlin-1/till-3\npi4\n\nCHF 80.00\nmqtts://broker.example:8883\n",
			said: []string{"1 of 5", "5 of 5", "[auto]", "[EUR 50.00]"},
			want: []string{"tenant = \"acme\"", "id = \"till-3\"", "kind = \"pi4\"", "currency = \"CHF\"",
				"amount_max = \"80.00\"",
				"broker = \"mqtts://broker.example:8883\"", "# Currency of all payments"}},
		{name: "mistakes are asked about again",
			typed: "acme\ndemo/a/b\nacme/a b/c\nacme/a/b\npi9\nnone\n\nEUR\nEUR 1.234\nEUR 20\nnone\n",
			said: []string{"it has three parts", "demo is nobody", "letters, digits, - or _", `"pi9" won't do`,
				"it has two words"},
			want: []string{"site = \"a\"", "kind = \"none\"", "amount_max = \"20\"", "broker = \"\""}},
		{name: "what is there stays",
			before: "[terminal] # mine\ntenant = \"acme\"\nsite = \"s\"\nid = \"i\"\n[log]\nlevel = \"debug\"\n",
			typed:  "\n\n\n\n\n", said: []string{"[acme/s/i]"},
			want: []string{"[terminal] # mine\n", "level = \"debug\"", "tenant = \"acme\""}},
		{name: "nobody answers", typed: "acme/a/b\n", never: []string{"acme"}},
		{name: "a name is needed", typed: "\n", never: []string{"acme"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t, "")
			path := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
			if tc.before != "" {
				p.write(path, tc.before)
			}
			var out strings.Builder
			got, err := Target{Root: p.root}.ask(strings.NewReader(tc.typed), &out)
			for _, s := range tc.said {
				if !strings.Contains(out.String(), s) {
					t.Errorf("it does not say %q:\n%s", s, &out)
				}
			}
			if tc.never != nil {
				if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
					t.Errorf("%s, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			text := p.read(got)
			for _, w := range tc.want {
				if !strings.Contains(text, w) {
					t.Errorf("the configuration lacks %q:\n%s", w, text)
				}
			}
		})
	}
}
