package terminal

import (
	"fmt"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/device/screen"
)

// missedMost is the share of customers' photos that may not be recognised before the gallery is called
// too large.
const missedMost = 0.05

const (
	tooLarge     = "the gallery is too large for faces alone"
	tooLargeHint = "give customers digits (`smiletill enrol --again ID --digits 1234`): who is not recognised " +
		"is asked for them; or remove customers who come no more, or allow more strangers to be taken for a " +
		"customer (false_alarms under [gallery])"
)

// size tells from which cosine on a face is a customer's in the gallery as it is. large: so high that
// more than one in twenty would not be recognised, by the models' tables, of one photo.
func (p *parts) size() (words string, large bool) {
	c, ok := p.gallery.Cosine()
	if !p.sized || !ok {
		return fmt.Sprintf("a face is a customer's from a cosine of %.3f on, however many there are: the models' "+
			"manifest has no table for it", p.looker.Thresholds().Match), false
	}
	words = fmt.Sprintf("a face is a customer's from a cosine of %.3f on, for one stranger in %d", c, p.oneIn)
	if missed := p.tail.Missed(p.gallery.Counts(), c); missed > missedMost {
		return fmt.Sprintf("%s: of 100 looks at a customer about %.0f would not be enough (%s)", tooLarge,
			100*missed, words), true
	}
	return words, false
}

// warnSize logs that the gallery has become too large, or is no more; again only when that changes.
func (p *parts) warnSize() {
	if p.gallery.Locked() {
		return
	}
	switch words, large := p.size(); {
	case large && !p.large.Swap(true):
		p.log.Warn(words, "customers", len(p.gallery.List()), "hint", tooLargeHint)
	case !large && p.large.Swap(false):
		p.log.Info("the gallery is no longer too large for faces alone", "customers", len(p.gallery.List()))
	}
}

// warnGallery logs who can't be recognised, and that the gallery is too large, when it was opened.
func (p *parts) warnGallery() {
	for _, d := range p.gallery.Damaged() {
		p.log.Error("a customer's record can't be read: this customer can't pay", "err", d, "hint", d.Hint())
	}
	known, stale := enrolment.Left(p.gallery.Stale())
	if len(known) > 0 {
		p.log.Info(enrolment.ComingOver(known))
	}
	if len(stale) > 0 {
		p.log.Warn("customers were enrolled with another model and can't pay until they are enrolled again",
			"customers", len(stale), "hint", staleHint(stale[0]))
	}
	p.warnSize()
}

// galleryRow tells the technician who can be recognised.
func (p *parts) galleryRow() screen.StatusRow {
	row := screen.StatusRow{Name: "gallery", Level: screen.LevelOK,
		Value: fmt.Sprintf("enrolled customers: %d", len(p.gallery.List()))}
	if p.gallery.Locked() {
		row.Level, row.Do = screen.LevelFault, "look at the case, then run `smiletill tamper reset`"
		row.Value = "locked by the alarm of the case: nobody is known until it ends"
		return row
	}
	words, large := p.size()
	row.Value += "; " + words
	if large {
		row.Level, row.Do = screen.LevelWarning, tooLargeHint
	}
	if bad := p.gallery.Damaged(); len(bad) > 0 {
		row.Level, row.Do = screen.LevelWarning, bad[0].Hint()
		row.Value += fmt.Sprintf(", %d records can't be used", len(bad))
	}
	known, stale := enrolment.Left(p.gallery.Stale())
	if len(known) > 0 {
		row.Value += "; " + enrolment.ComingOver(known)
	}
	if len(stale) > 0 {
		row.Level, row.Do = screen.LevelWarning, "`smiletill customers list` says who; "+staleHint(stale[0])
		row.Value += fmt.Sprintf(", %s enrolled with another model and must be enrolled again",
			control.Were(len(stale)))
	}
	return row
}
