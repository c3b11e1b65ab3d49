package screen

import (
	"strings"
	"testing"
	"time"
)

// TestCodeIsOnTheOwnScreen: what a person has to type somewhere else is shown by the terminal's own display,
// and by no page that another machine has opened.
func TestCodeIsOnTheOwnScreen(t *testing.T) {
	s := newServer(t, Options{})
	s.Show(View{State: OutOfOrder, Reason: NotClaimed, Detail: Detail{What: "it is not claimed", Do: "claim it",
		Code: "K7P-4MX-9TR", Scan: "smiletill-claim:K7P-4MX-9TR"}})
	for _, own := range []bool{true, false} {
		v, seq, _ := s.viewFor(&client{own: own})
		for _, lang := range []string{"en", "de"} {
			m := s.message(v, seq, lang, time.Now())
			if (m.Words["what"] == "K7P-4MX-9TR") != own || (m.Scan != nil) != own {
				t.Errorf("own %v, %s: %v, %v", own, lang, m.Words, m.Scan)
			}
			for key, text := range m.Words {
				if !own && strings.Contains(text, "4MX") {
					t.Errorf("elsewhere %s says %q", key, text)
				}
			}
		}
	}
}
