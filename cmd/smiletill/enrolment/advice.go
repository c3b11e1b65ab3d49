package enrolment

import (
	"fmt"

	"smiletill/cmd/smiletill/control"
	"smiletill/vision/networks"
)

// Advice says which photo of an enrolment is worth taking again: one that is as if of the same moment as
// another. "" if none is. Photos that can't be used at all were refused before. templates are those of the
// photos, in their order.
func Advice(l *networks.Looker, photos []control.Photo, templates [][]float32) string {
	most, with, again := 0, 0, -1
	for i, a := range templates {
		alike, first := 0, -1
		for k, b := range templates {
			if k != i && l.OneMoment(a, b) {
				if alike++; first < 0 {
					first = k
				}
			}
		}
		if alike > 0 && alike >= most { // of two the later one
			most, with, again = alike, first, i
		}
	}
	if again < 0 {
		return ""
	}
	name := func(i int) string { return fmt.Sprintf("photo %d (%s)", i+1, photos[i].Name) }
	return fmt.Sprintf("%s and %s are of one moment, or as good as: the two are worth one. Take %s again, on "+
		"another day or in other light", name(min(with, again)), name(max(with, again)), name(again))
}
