package journal

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// zones loads every zone that Go knows, from the file that comes with it.
func zones(t *testing.T) []*time.Location {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []*time.Location
	for _, f := range file.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, zone)
	}
	return all
}

// TestDaysWithoutMidnight goes through every change of the clocks of every zone: a day begins with its first
// moment, whether that is midnight or not, and a moment is in the day that its own clock showed.
func TestDaysWithoutMidnight(t *testing.T) {
	const day = 24 * time.Hour
	on := func(at time.Time) string { return at.Format(time.DateOnly) }
	skipped, returned := map[string]bool{}, 0
	for _, zone := range zones(t) {
		end := time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).In(zone); at.Before(end); {
			_, change := at.ZoneBounds()
			if change.IsZero() {
				break
			}
			at = change
			before := change.Add(-time.Second)
			today, yesterday := Range{FirstDay: on(change), LastDay: on(change), Zone: zone},
				Range{FirstDay: on(before), LastDay: on(before), Zone: zone}
			if !today.holds(change) || !yesterday.holds(before) {
				t.Errorf("%s: not in its own day at %v", zone, change)
			}
			switch {
			case on(change) > on(before) && change.Hour()+change.Minute()+change.Second() > 0:
				skipped[zone.String()] = true // midnight
				if today.holds(before) || yesterday.holds(change) {
					t.Errorf("%s: %s does not begin at %v", zone, on(change), change)
				}
			case on(change) < on(before): // midnight was there, and a part of the day before comes again
				returned++
				if today.holds(before) || !today.holds(before.Add(-day/2)) {
					t.Errorf("%s: what comes again at %v is not in its day", zone, change)
				}
			}
		}
	}
	if len(skipped) < 50 || returned < 50 || !skipped["Atlantic/Azores"] || !skipped["America/Sao_Paulo"] {
		t.Errorf("%d zones have days without midnight, %d changes went back over it: the table has lost its sense",
			len(skipped), returned)
	}
}

// TestTotalsOfADayWithoutMidnight: the Azores' clocks go from 23:59 to 01:00 in the night to 29 March 2026.
func TestTotalsOfADayWithoutMidnight(t *testing.T) {
	zone, err := time.LoadLocation("Atlantic/Azores")
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, newPath(t), Options{})
	for id, at := range map[string]time.Time{
		"noon": time.Date(2026, 3, 28, 12, 0, 0, 0, zone), "late": time.Date(2026, 3, 28, 23, 59, 0, 0, zone),
		"early": time.Date(2026, 3, 29, 1, 0, 0, 0, zone),
	} {
		p, err := payment.Open(payment.Request{ID: id, Amount: payment.Amount{Minor: 100, Currency: "EUR"}}, at,
			time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, j, p)
		if p, err = payment.Next(p, payment.Cancelled{By: payment.ByOperator}, at); err != nil {
			t.Fatal(err)
		}
		commit(t, j, p)
	}
	for _, c := range []struct {
		from, to string
		want     int64
	}{
		{"2026-03-28", "2026-03-28", 200}, {"2026-03-29", "2026-03-29", 100}, {"", "2026-03-28", 200},
		{"2026-03-29", "", 100}, {"2026-03-28", "2026-03-29", 300}, {"2026-03-30", "", 0},
	} {
		sums, err := j.Totals(t.Context(), Range{FirstDay: c.from, LastDay: c.to, Zone: zone}, zone)
		var minor int64
		for _, s := range sums {
			minor += s.Minor
		}
		if err != nil || minor != c.want {
			t.Errorf("%s to %s: %d, want %d: %+v, %v", c.from, c.to, minor, c.want, sums, err)
		}
	}
}
