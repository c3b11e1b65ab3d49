package files

import (
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/models"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// missedMost is the share of customers' photos that may not be recognised before the gallery is called
// too large.
const missedMost = 0.05

const tooLarge = "the gallery is too large for faces alone"

// Size says whether a gallery is too large for faces alone, by the tables of the models in force and, while
// customers are left of them, of those before.
type Size struct {
	oneIn       int // strangers of whom one may be taken for a customer
	now, before table
}

// table is what a set knows of sizes.
type table struct {
	tail  networks.Tail // if sized
	sized bool
	match float32 // what holds for all sizes where it is not
}

func tableOf(set models.Set, oneIn int) (t table, err error) {
	t.match = set.Model(models.Embed).Thresholds.Match
	t.tail, t.sized, err = networks.TailOf(set, oneIn)
	return t, err
}

// SizeOf reads the tables of the models in force, and of those before; the zero Set: there are none.
func SizeOf(cfg config.Config, set, before models.Set) (s Size, err error) {
	s.oneIn = cfg.Gallery.OneIn()
	if s.now, err = tableOf(set, s.oneIn); err == nil && before.Has(models.Embed) {
		s.before, err = tableOf(before, s.oneIn)
	}
	return s, err
}

// of is the cosine that customers of the set want, and how many of so many would be missed by it, as far as a
// table says so.
func (t table) of(f gallery.Faces) (cosine float32, missed, counted float64) {
	cosine, ok := f.Cosine()
	if !t.sized || !ok {
		return t.match, 0, 0
	}
	n := float64(f.Len())
	return cosine, n * t.tail.Missed(f.Counts(), cosine), n
}

// Words tell from which cosine on a face is a customer's in the gallery as it is. large: so high that more
// than one in twenty would not be recognised, by the models' tables, of one photo.
func (s Size) Words(g *gallery.Gallery) (words string, large bool) {
	now, before := g.All()
	cosine, missed, counted := s.now.of(now)
	words = fmt.Sprintf("a face is a customer's from a cosine of %.3f on", cosine)
	if before.Len() > 0 {
		older, more, also := s.before.of(before)
		words += fmt.Sprintf(", by the model before from %.3f on", older)
		missed, counted = missed+more, counted+also
	}
	if s.now.sized {
		words += fmt.Sprintf(", for one stranger in %d", s.oneIn)
	} else {
		words += ", however many there are: the models' manifest has no table for it"
	}
	if missed > missedMost*counted {
		return fmt.Sprintf("%s: of 100 looks at a customer about %.0f would not be enough (%s)", tooLarge,
			100*missed/counted, words), true
	}
	return words, false
}
