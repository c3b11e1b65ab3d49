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

// warnLimits logs what the technician's page warns of too: a file of settings that was written for an
// earlier version says 0, which is no limit.
func (p *parts) warnLimits() {
	if p.policy.Endless() {
		p.log.Warn(p.policy.Text(p.limit.Currency)+endless, "hint", endlessHint)
	}
}

// warnUnlit logs so too of a screen whose delay nobody has measured; a simulated one has none.
func (p *parts) warnUnlit() {
	if why := p.unlit(); why != "" {
		p.log.Warn(why+unlitEnd, "hint", unlitHint)
	}
}

const (
	unlitEnd  = ": payments that demand it ask for the PIN"
	unlitHint = "run `smiletill camera calibrate` with somebody before the terminal; it takes ten seconds"
)

// unlit says why a light that payments demand can't be played; "" if it can.
func (p *parts) unlit() string {
	d := p.delay.Load()
	switch now := p.eyes.lens.Now(); {
	case !p.policy.Liveness.On || !p.policy.Liveness.Lit() || p.eyes.lamp.Screen() != "" || d.With(now).Known:
		return ""
	case d.Known:
		return fmt.Sprintf("how late the camera sees the screen's light was measured with another camera or "+
			"other pictures (%s) than now (%s)", d.Camera, now)
	}
	return "how late the camera sees the screen's light was not measured"
}

// lightRow tells the technician how good the screen's light is here. none: no payment demands it.
func lightRow(p *parts) (row screen.StatusRow, none bool) {
	row = screen.StatusRow{Name: "light", Level: screen.LevelOK}
	if !p.policy.Liveness.On || !p.policy.Liveness.Lit() {
		return row, true
	}
	if why := p.unlit(); why != "" {
		row.Level, row.Value, row.Do = screen.LevelWarning, why+unlitEnd, unlitHint
		return row, false
	}
	var poor bool
	if row.Value, row.Do, poor = p.eyes.lamp.Words(); poor {
		row.Level = screen.LevelWarning
	}
	return row, false
}
