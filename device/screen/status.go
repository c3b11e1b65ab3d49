package screen

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Level is how well a part of the terminal does.
type Level string

// The levels; any other is shown as LevelUnknown.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning"
	LevelFault   Level = "fault"
	LevelUnknown Level = "unknown"
)

// staleAfter is when the technician's page stops trusting a Status: the terminal sets it every few seconds.
const staleAfter = 30 * time.Second

// Status is what the technician's page shows.
type Status struct{ Rows []StatusRow }

// StatusRow is one part of the terminal. Name is a word that the catalogues have after "status.part." (which
// is translated) or any other (which is not); Value says how it is in a few words; Do what to do, or nothing.
type StatusRow struct {
	Name  string
	Value string
	Level Level
	Do    string
	Code  Code // shown below, to be read by a telephone; nil: none
}

// Code is a two-dimensional code: rows of modules, of which true ones are dark. Its quiet zone is added.
type Code [][]bool

// size is the width and the height in modules, with the quiet zone of four that ISO/IEC 18004 asks for.
func (c Code) size() int { return len(c) + 8 }

// path draws the dark modules as the data of an SVG path.
func (c Code) path() string {
	var b strings.Builder
	for y, row := range c {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	return b.String()
}

// verdict is the row that the page begins with: the first of the worst, if anything is wrong.
func (st Status) verdict() (worst StatusRow) {
	for _, r := range st.Rows {
		if r.Level == LevelFault && worst.Level != LevelFault || r.Level == LevelWarning && worst.Level == "" {
			worst = r
		}
	}
	return worst
}

// SetStatus makes st what the technician's page shows. It never blocks and keeps no reference to st.Rows.
func (s *Server) SetStatus(st Status) {
	st.Rows = slices.Clone(st.Rows)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.statusAt = st, time.Now()
}

func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	s.render(w, "status.html", s.statusPage(r))
}

// statusPage is what the page shows to a reader.
func (s *Server) statusPage(r *http.Request) map[string]any {
	s.mu.Lock()
	st, at, v := s.status, s.statusAt, s.view
	s.mu.Unlock()
	lang := s.language(r, v)
	m := s.words[lang]
	type row struct {
		Name, Value, Level, Word, Do, Code string
		Size                               int
	}
	called := func(part string) string { return cmp.Or(m["status.part."+part], part) }
	rows := make([]row, 0, len(st.Rows))
	for _, r := range st.Rows {
		name := called(r.Name)
		if r.Level != LevelOK && r.Level != LevelWarning && r.Level != LevelFault {
			r.Level = LevelUnknown
		}
		rows = append(rows, row{name, r.Value, string(r.Level), m["status."+string(r.Level)], r.Do, r.Code.path(),
			r.Code.size()})
	}
	age, worst := time.Since(at), st.verdict()
	verdict := row{Level: string(LevelOK), Word: m["status.verdict.ok"]}
	if worst.Level != "" {
		verdict = row{Level: string(worst.Level), Word: m["status.verdict."+string(worst.Level)],
			Name: called(worst.Name), Value: worst.Value, Do: worst.Do}
	}
	return map[string]any{
		"Verdict": verdict,
		"Lang":    lang, "M": m, "Rows": rows, "Merchant": v.Merchant, "Terminal": v.Terminal,
		"Never": at.IsZero(), "Stale": !at.IsZero() && age > staleAfter,
		"AgeText": strings.ReplaceAll(m["status.age"], "{n}", strconv.Itoa(int(age.Seconds()))),
		"Age":     int(age.Seconds()), "LostMS": s.lost.Milliseconds(),
	}
}
