package report

import "testing"

// TestWatch plays what a terminal hears on its own status topic, connection by connection.
func TestWatch(t *testing.T) {
	type message struct {
		status, session string
		retained        bool
		foreign         bool
	}
	for _, c := range []struct {
		name        string
		connections [][]message // the n-th is of session own-n
	}{
		{"alone", [][]message{
			{{"online", "own-0", false, false}},
			{{"offline", "own-0", true, false}, {"online", "own-1", false, false}},
		}},
		{"after a process that crashed", [][]message{
			{
				{"online", "before", true, false}, {"offline", "before", false, false},
				{"online", "own-0", false, false},
			},
			{{"offline", "before", true, false}},
		}},
		{"cut before anything was heard", [][]message{
			{},
			{{"online", "before", true, false}, {"online", "own-1", false, false}},
			{{"online", "other", true, true}},
		}},
		{"a rival beside it", [][]message{
			{{"online", "own-0", false, false}, {"online", "other", false, true}},
		}},
		{"a rival in between, seen by its birth or its will", [][]message{
			{{"online", "own-0", false, false}},
			{{"online", "other-1", true, true}, {"online", "own-1", false, false}},
			{{"offline", "other-2", true, true}},
		}},
		{"an old session of its own comes late", [][]message{
			{{"online", "own-0", false, false}}, {{"online", "own-1", false, false}},
			{{"online", "own-0", true, false}, {"offline", "own-1", false, false}},
		}},
		{"no session at all", [][]message{{{"online", "own-0", false, false}}, {{"online", "", true, false}}}},
	} {
		var w watch
		for n, messages := range c.connections {
			w.own("own-" + string(rune('0'+n)))
			for _, m := range messages {
				if got := w.foreign(status{Status: m.status, Session: m.session}, m.retained); got != m.foreign {
					t.Errorf("%s, connection %d, %+v: foreign %t", c.name, n, m, got)
				}
			}
			w.ended()
		}
	}
}
