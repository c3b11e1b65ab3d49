package accuracy

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

// many is a crowd in which some have one photo.
func many(people, singles int) Input {
	person, vectors := crowd(21, people, 4, 32, 0.5)
	_, single := crowd(22, singles, 1, 32, 0.5)
	for k := range single {
		person = append(person, 10_000+k)
	}
	return Input{Photos: len(person), Person: person,
		Sets: []Set{{Name: "a", Vectors: append(vectors, single...)}}}
}

// TestTailTables: tables fall, hold what is counted, and say of another half of the people what comes of
// them.
func TestTailTables(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	in := many(260, 200)
	r, err := MeasureTail(t.Context(), in, 0.01, Options{Seed: 3, Rounds: 200, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 2 || r.Tables[0].Templates != 1 || r.Tables[1].Templates != 3 || r.People != 460 {
		t.Fatalf("%d tables of %d people", len(r.Tables), r.People)
	}
	for _, table := range r.Tables {
		rows := table.Rows
		for i, row := range rows {
			if !(row.Low <= row.FalseAccepts && row.FalseAccepts <= row.High) || row.Low <= 0 {
				t.Errorf("%d templates: %+v", table.Templates, row)
			}
			if i > 0 && (row.FalseAccepts >= rows[i-1].FalseAccepts || row.Missed < rows[i-1].Missed ||
				row.Cosine <= rows[i-1].Cosine) {
				t.Errorf("%d templates: %+v after %+v", table.Templates, row, rows[i-1])
			}
		}
		if rows[0].FalseAccepts < 1e-3 || rows[len(rows)-1].FalseAccepts > 1e-7 {
			t.Errorf("from %v to %v", rows[0].FalseAccepts, rows[len(rows)-1].FalseAccepts)
		}
	}
	// What is counted, of all comparisons of one photo with another's.
	for _, row := range r.Tables[0].Rows[:2] {
		above, all := 0, 0
		for i, a := range in.Sets[0].Vectors {
			for j, b := range in.Sets[0].Vectors[:i] {
				if in.Person[i] != in.Person[j] {
					all++
					if float64(dot(a, b)) >= row.Cosine {
						above++
					}
				}
			}
		}
		if is := float64(above) / float64(all); row.FalseAccepts < is/1.5 || row.FalseAccepts > is*1.5 {
			t.Errorf("cosine %v: %v by the table, %v by counting", row.Cosine, row.FalseAccepts, is)
		}
	}
	judged := 0
	for _, j := range r.Judged {
		switch {
		case j.Customers == 300 && j.Missing == "" || j.Customers < 300 && j.Missing != "":
			t.Errorf("%+v", j)
		case j.Customers < 300:
			judged++
			if f := j.Alarms.Value / 0.01; f < 0.5 || f > 2 || j.Alarms.Low > j.Alarms.Value || j.Galleries != 200 {
				t.Errorf("%d customers of %d: %.2f of what was asked for: %+v", j.Customers, j.Templates, f, j)
			}
		}
	}
	if judged != 4 {
		t.Errorf("%d sizes were judged", judged)
	}
	var a strings.Builder
	if err := r.Markdown(&a); err != nil || !strings.Contains(a.String(), "by prediction") {
		t.Errorf("1,000 customers were searched: %v\n%s", err, a.String())
	}
}

// TestTailIsTheSame: the report follows from the photos and the seed, whatever the number of workers.
func TestTailIsTheSame(t *testing.T) {
	var said [2]string
	for i := range said {
		r, err := MeasureTail(t.Context(), many(110, 40), 0.05, Options{Seed: 3, Rounds: 20, Workers: 1 + 2*i})
		var text strings.Builder
		if err := errors.Join(err, r.Markdown(&text)); err != nil {
			t.Fatal(err)
		}
		said[i] = text.String()
	}
	if said[0] != said[1] {
		t.Errorf("%s\n%s", said[0], said[1])
	}
}

func TestTailRefuses(t *testing.T) {
	if _, err := MeasureTail(t.Context(), many(3, 2), 0.001, Options{}); !errors.Is(err, ErrTooFew) {
		t.Errorf("five people: %v", err)
	}
	in := many(260, 0)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := MeasureTail(ctx, in, 0.001, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	in.Sets[0].Vectors[7] = []float32{float32(math.NaN())}
	if _, err := MeasureTail(t.Context(), in, 0.001, Options{}); err == nil {
		t.Error("a vector of nothing")
	}
}
