package networks

import (
	"fmt"
	"math"

	"smiletill/models"
)

// Tail says which cosine a gallery of a size asks for, by the tables of a set's manifest.
type Tail struct {
	tables []models.Tail
	floor  float64
	alarms float64
}

// TailOf reads the tables of a set for one false alarm in so many searches of strangers. ok is false where
// the manifest has none: then its match threshold holds for all sizes. An error, with a hint, is a table of a
// built-in network by which the floor of match is twice as good as it was measured; those of other networks,
// of which nobody knows what a cosine is worth, are taken as they are.
func TailOf(set models.Set, oneIn int) (t Tail, ok bool, err error) {
	e := set.Model(models.Embed)
	if len(e.Tail) == 0 {
		return Tail{}, false, nil
	}
	least := float64(floorOf(e.SHA256).match)
	t = Tail{tables: e.Tail, alarms: 1 / float64(oneIn), floor: math.Max(least, float64(e.Thresholds.Verify))}
	if e.SHA256 != sfaceSHA256 && e.SHA256 != smallSHA256 {
		return t, true, nil // nobody knows what its floor comes to; below that no table leads
	}
	for _, table := range t.tables {
		if falseAccepts(table, least) < floorFalse {
			return Tail{}, false, withHint(fmt.Errorf("%s: tail: by the table of %d templates a cosine of %v "+
				"has fewer than 1 false accept in %.0f, which no network was seen to have", e.File, table.Templates,
				least, 1/floorFalse), "measure the tables (`smiletill accuracy --tail`) and write them into the "+
				"manifest; below the floor no manifest is taken, because whoever can write one could else let anybody "+
				"pay")
		}
	}
	return t, true, nil
}

// floorFalse is half of the rate that the floor of match is the lower bound of: a fit is some way off what
// was counted.
const floorFalse = 0.5e-5

// Cosine is what a face has to reach to be one of so many customers: the lowest at which the strangers'
// false alarms that are expected of all comparisons of a search, one a customer, are no more than asked
// for.
//
// It is never below the floor of match, nor below verify, however few the customers are. The first: a table
// is as easily written as a threshold, and the number of customers protects nobody against one who looks
// for the customer most like him. The second: a customer who is recognised lower than one frame is followed
// would be lost again at once. There is no bound above: Missed says what a high one costs.
//
// customers are counted by their number of templates: customers[3] have three.
func (t Tail) Cosine(customers []int) float32 {
	low, high := t.floor, 1.0
	if t.expected(customers, low) <= t.alarms {
		return float32(low)
	}
	for range 40 {
		if mid := (low + high) / 2; t.expected(customers, mid) > t.alarms {
			low = mid
		} else {
			high = mid
		}
	}
	return float32(high)
}

// Missed is the share of customers' photos, one a search, that are below a cosine with their own
// templates; 0 of nobody.
func (t Tail) Missed(customers []int, cosine float32) float64 {
	var sum, all float64
	for n, count := range customers {
		if count > 0 {
			sum += float64(count) * missed(t.table(n), float64(cosine))
			all += float64(count)
		}
	}
	return sum / math.Max(all, 1)
}

// expected is the number of customers that a stranger's photo is taken for.
func (t Tail) expected(customers []int, cosine float64) (sum float64) {
	for n, count := range customers {
		if count > 0 {
			sum += float64(count) * falseAccepts(t.table(n), cosine)
		}
	}
	return sum
}

// table is the one for customers of n templates: of the most that are no more. The means of four and five
// have some more false accepts than that of three, of different moments; pictures of one sitting have
// fewer.
func (t Tail) table(n int) models.Tail {
	best := t.tables[0]
	for _, table := range t.tables {
		if table.Templates <= n {
			best = table
		}
	}
	return best
}

// falseAccepts reads a table: between two rows, and beyond the last as between the last two, by the
// logarithm; before the first it is the first's.
func falseAccepts(t models.Tail, cosine float64) float64 {
	if cosine <= t.Rows[0].Cosine {
		return t.Rows[0].FalseAccepts
	}
	a, b := beside(t, cosine)
	la, lb := math.Log(a.FalseAccepts), math.Log(b.FalseAccepts)
	return math.Exp(la + (lb-la)*(cosine-a.Cosine)/(b.Cosine-a.Cosine))
}

func missed(t models.Tail, cosine float64) float64 {
	if cosine <= t.Rows[0].Cosine {
		return t.Rows[0].Missed
	}
	a, b := beside(t, cosine)
	return math.Min(1, a.Missed+(b.Missed-a.Missed)*(cosine-a.Cosine)/(b.Cosine-a.Cosine))
}

// beside are the rows before and after a cosine, or the last two.
func beside(t models.Tail, cosine float64) (a, b models.TailRow) {
	i := 1
	for i < len(t.Rows)-1 && t.Rows[i].Cosine < cosine {
		i++
	}
	return t.Rows[i-1], t.Rows[i]
}
