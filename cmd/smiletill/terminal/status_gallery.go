package terminal

import (
	"fmt"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/device/screen"
)

const tooLargeHint = "give customers digits (`smiletill enrol --again ID --digits -`): who is not " +
	"recognised is asked for them; or remove customers who come no more, or allow more strangers to be taken " +
	"for a customer (false_alarms under [gallery])"

// warnSize logs that the gallery has become too large, or is no more; again only when that changes.
func (p *parts) warnSize() {
	if p.gallery.Locked() {
		return
	}
	now, before := p.gallery.All()
	customers := now.Len() + before.Len()
	switch words, large := p.size.Words(p.gallery); {
	case large && !p.large.Swap(true):
		p.log.Warn(words, "customers", customers, "hint", tooLargeHint)
	case !large && p.large.Swap(false):
		p.log.Info("the gallery is no longer too large for faces alone", "customers", customers)
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
	words, large := p.size.Words(p.gallery)
	row.Value += "; " + words
	if n := p.gallery.Unconsented(); n > 0 {
		row.Value += fmt.Sprintf("; of %d nothing tells what they agreed to (`smiletill customers agreed`)", n)
	}
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
