package accuracy

import (
	"context"
	"fmt"
	"math"
)

// rule is how a photo is compared with a customer of several templates.
type rule int

const (
	byMean rule = iota // with their normalised mean: what a terminal does
	byBest             // with each: the best counts
	byBoth             // with each and with the mean: the best counts
)

var ruleNames = [...]string{"their mean", "the best of them", "the best of them and their mean"}

// rows are the vectors that a search goes through, each so many to a customer.
func (s *seats) rows(set [][]float32, by rule) (rows [][]float32, each int) {
	for from := 0; from < len(s.templates); from += s.each {
		var own [][]float32
		for _, t := range s.templates[from : from+s.each] {
			own = append(own, set[t])
		}
		if by != byMean {
			rows = append(rows, own...)
		}
		if by != byBest {
			rows = append(rows, meanOf(own))
		}
	}
	return rows, len(rows) / (len(s.templates) / s.each)
}

// meanOf is the normalised mean of vectors of length 1.
func meanOf(vectors [][]float32) []float32 {
	m := make([]float32, len(vectors[0]))
	for _, v := range vectors {
		for i, x := range v {
			m[i] += x
		}
	}
	length := float32(math.Sqrt(float64(dot(m, m))))
	for i := range m {
		m[i] /= length
	}
	return m
}

// RuleResult is how many customers are missed when their templates are compared in a way.
type RuleResult struct {
	Rule      string   `json:"rule"`
	Customers int      `json:"customers"`
	Templates int      `json:"templates"`
	FPIR      float64  `json:"false_alarms"`
	Cosine    float64  `json:"cosine"`
	Missed    Interval `json:"missed"` // bounds of the draws
}

// rules tries each way on the same galleries of three templates, with the set in use.
func (f *faces) rules(ctx context.Context, o Options) (out []RuleResult, err error) {
	const each = 3
	of := f.photos()
	var fit []int
	for p, photos := range of {
		if len(photos) > each {
			fit = append(fit, p)
		}
	}
	for _, size := range gallerySizes {
		draws, fewest, missing := f.seatAll(of, fit, size, each, o)
		if missing != "" {
			continue // the table of galleries says so
		}
		for by, name := range ruleNames {
			step := fmt.Sprintf("galleries of %d by %s", size, name)
			found, err := search(ctx, f.sets[0], draws, rule(by), o, step)
			if err != nil {
				return nil, err
			}
			for _, fpir := range falseAlarms {
				if float64(fewest)*fpir < 1 {
					continue
				}
				r := miss(found, fpir, f.names[0])
				out = append(out, RuleResult{name, size, each, fpir, r.Cosine, r.Missed})
			}
		}
	}
	return out, nil
}

func (s *Scope) rulesMarkdown(t *text) {
	if len(s.Rules) == 0 {
		return
	}
	t.section("### What a customer of three templates is compared by")
	t.table("customers", "false alarms", "compared with", "cosine", "missed, % (95 %)")
	for _, r := range s.Rules {
		t.table(thousands(r.Customers), rate(r.FPIR), r.Rule, fmt.Sprintf("%.3f", r.Cosine), r.Missed.percent())
	}
}
