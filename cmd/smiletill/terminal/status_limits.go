package terminal

import (
	"context"
	"fmt"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
)

// limitsRow tells the technician what a face alone may pay, and who can't go on where that ends.
func limitsRow(ctx context.Context, p *parts) screen.StatusRow {
	row := screen.StatusRow{Name: "limits", Level: screen.LevelOK, Value: p.policy.Text(p.limit.Currency)}
	if p.policy.Endless() {
		row.Level, row.Do = screen.LevelWarning, endlessHint
		row.Value += endless
		return row
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	with, err := p.pins.Customers(ctx)
	if err != nil {
		row.Level, row.Value, row.Do = screen.LevelFault, err.Error(), payment.HintOf(err)
		return row
	}
	without := 0
	for _, c := range p.gallery.List() {
		if !with[c.ID] {
			without++
		}
	}
	if without > 0 {
		row.Level = screen.LevelWarning
		row.Value += fmt.Sprintf("; customers without a PIN, who are declined beyond that: %d", without)
		row.Do = "`smiletill customers list` says who; `smiletill customers pin ID` sets a PIN"
	}
	return row
}

const (
	endless     = ", again and again: so could a photo of a customer"
	endlessHint = "set count_max and sum_max under [pin], and start the terminal again; the usual ones are 5 " +
		"and \"150.00\""
)

// warnLimits logs what the technician's page warns of too: a file of settings that was written for an earlier
// version says 0, which is no limit. And what liveness means as long as the eyes give no verdict.
func (p *parts) warnLimits() {
	if p.policy.Endless() {
		p.log.Warn(p.policy.Text(p.limit.Currency)+endless, "hint", endlessHint)
	}
	if p.policy.Liveness.On {
		p.log.Warn("this version can't judge yet whether it sees a person: every payment asks for the PIN",
			"hint", `set PINs (smiletill customers pin ID), or mode = "off" under [liveness]`)
	}
}
