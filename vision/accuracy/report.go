package accuracy

import "slices"

// Report is what was measured. It marshals to JSON; rates are shares of 1.
type Report struct {
	Seed       uint64      `json:"seed"`
	Rounds     int         `json:"bootstrap_rounds"`
	Draws      int         `json:"draws"`
	Photos     int         `json:"photos"`
	Unreadable int         `json:"unreadable"`
	Errata     Errata      `json:"errata,omitzero"`
	Detection  []Detection `json:"detection"`
	Scopes     []Scope     `json:"scopes"`

	Groups []GroupResult `json:"groups,omitempty"`
	Smiles *SmilesApart  `json:"smiling_against_neutral,omitempty"`
}

// Detection counts the pictures in which a set of models found a face, and those whose face could be
// compared.
type Detection struct {
	Set      string `json:"set"`
	Pictures int    `json:"pictures"`
	Found    int    `json:"found"`
	Usable   int    `json:"usable"`
}

// Scope is the figures over one choice of people: those with two photos or more or, with Singles, also
// those with one, who can only be strangers.
type Scope struct {
	Singles        bool             `json:"singles"`
	People         int              `json:"people"`
	Photos         int              `json:"photos"`
	Genuine        int              `json:"pairs_of_one_person"`
	Impostor       int              `json:"pairs_of_two_people"`
	Verification   []Verification   `json:"verification"`
	Folds          Folds            `json:"folds,omitzero"`
	Identification []Identification `json:"identification"`
	InUse          []InUse          `json:"at_the_terminals_cosine,omitempty"` // of the set in use
	Rules          []RuleResult     `json:"rules,omitempty"`                   // the same
}

// Interval is a figure with its 95 % bounds.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Verification is one set's figures over all pairs.
type Verification struct {
	Set              string  `json:"set"`
	Points           []Point `json:"points"`
	EqualError       float64 `json:"equal_error_rate"`
	EqualErrorCosine float64 `json:"equal_error_cosine"`
	ROC              []XY    `json:"roc"`
}

// Point is one rate of false accepts. The bounds are those of the bootstrap over people.
type Point struct {
	FAR      float64  `json:"false_accepts"`
	Missing  string   `json:"missing,omitempty"` // why there is no figure
	Cosine   Interval `json:"cosine,omitzero"`
	Accepted Interval `json:"true_accepts,omitzero"`
	// Minus is the true accepts beyond those of the reference; nil for the reference and without one.
	Minus *Interval `json:"true_accepts_minus_reference,omitempty"`

	cosines, rates []float64 // of each bootstrap round
}

// XY is a point of the ROC: false accepts, true accepts.
type XY struct {
	X float64 `json:"false_accepts"`
	Y float64 `json:"true_accepts"`
}

// Folds is the share of right answers to balanced pairs in ten folds.
type Folds struct {
	Missing string       `json:"missing,omitempty"`
	Pairs   int          `json:"pairs"` // in a draw
	Results []FoldResult `json:"results,omitempty"`
}

// FoldResult is one set's share, mean over draws and folds, with the standard error over the folds of a draw.
type FoldResult struct {
	Set      string    `json:"set"`
	Accuracy float64   `json:"accuracy"`
	Error    float64   `json:"standard_error"`
	Minus    *Interval `json:"minus_reference,omitempty"` // 95 %, paired over the folds

	shares [][foldCount]float64 // of each draw
}

// Identification is a cell of the table: customers in the gallery, templates of each, share of strangers'
// photos that may find somebody.
type Identification struct {
	Customers int                    `json:"customers"`
	Templates int                    `json:"templates"`
	FPIR      float64                `json:"false_alarms"`
	Strangers int                    `json:"stranger_photos,omitempty"` // in the draw that has the fewest
	Missing   string                 `json:"missing,omitempty"`
	Rough     bool                   `json:"rough,omitempty"` // fewer strangers than the rule of three asks
	Results   []IdentificationResult `json:"results,omitempty"`
}

// IdentificationResult is one set's share of customers' photos that are not found, or find another.
type IdentificationResult struct {
	Set    string    `json:"set"`
	Cosine float64   `json:"cosine"`
	Missed Interval  `json:"missed"` // the bounds are of the draws
	Minus  *Interval `json:"minus_reference,omitempty"`

	rates []float64 // of each draw
}

// reference is the index of the set that the others are compared with: the second, since the first is the
// one in use, and the question is what it lost. 0 when it is alone.
func reference(sets int) int { return min(1, sets-1) }

// differences fills in what each set has beyond the reference, paired.
func (s *Scope) differences() {
	n := len(s.Verification)
	ref := reference(n)
	for i := range n {
		if i == ref {
			continue
		}
		for k := range s.Verification[i].Points {
			p, q := &s.Verification[i].Points[k], &s.Verification[ref].Points[k]
			if p.Missing == "" && q.Missing == "" {
				p.Minus = minus(p.Accepted.Value-q.Accepted.Value, p.rates, q.rates)
			}
		}
		if s.Folds.Results != nil {
			a, b := &s.Folds.Results[i], s.Folds.Results[ref]
			gaps := slices.Clone(a.shares)
			for d := range gaps {
				for k := range gaps[d] {
					gaps[d][k] -= b.shares[d][k]
				}
			}
			mean, spread := meanAndError(gaps)
			const t9 = 2.262 // Student's t for 95 %, nine degrees of freedom: ten folds
			a.Minus = &Interval{mean, mean - t9*spread, mean + t9*spread}
		}
		for k := range s.Identification {
			if r := s.Identification[k].Results; r != nil {
				r[i].Minus = minus(r[i].Missed.Value-r[ref].Missed.Value, r[i].rates, r[ref].rates)
			}
		}
	}
}

// minus is a difference with the bounds of the differences draw by draw.
func minus(value float64, a, b []float64) *Interval {
	gaps := make([]float64, min(len(a), len(b)))
	for i := range gaps {
		gaps[i] = a[i] - b[i]
	}
	d := &Interval{Value: value}
	d.bound(gaps)
	return d
}
