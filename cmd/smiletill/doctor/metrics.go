package doctor

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/payment/journal"
)

// Numbers is where the metrics of a running terminal come from.
type Numbers struct {
	Version string
	Cfg     config.Config
	Probe   Probe
	Status  func(context.Context) control.Status
	// Books is the journal's: what the cloud has not acknowledged, the seq of the last fact, and how many
	// customers are enrolled. false: it is not open.
	Books func(context.Context) (b journal.Backlog, last int64, customers int, open bool)
}

// Metrics answers with the terminal's numbers in Prometheus' format. There is no name of a customer among
// them, and no amount. systemd/README.md lists them.
func Metrics(n Numbers) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(n)
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 10 * time.Second})
}

// metric names one, with its unit last, and says what it counts.
func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("smiletill_"+name, help, labels, nil)
}

// The metrics.
var (
	infoM      = metric("info", "The program that runs; always 1.", "version")
	readyM     = metric("ready", "1: payments are taken.")
	uptimeM    = metric("uptime_seconds", "Since the terminal's program was started.")
	levelM     = metric("part_level", "How a part does: 0 ok, 1 unknown, 2 warning, 3 fault.", "part")
	looksM     = metric("frames_looked_at_total", "Pictures that the networks looked at since the start.")
	factsM     = metric("journal_facts_total", "Facts in the journal, from its first one on.")
	waitM      = metric("reports_waiting", "Approvals and reversals that the cloud has not acknowledged.")
	parkedM    = metric("reports_parked", "Of these, those that can't be delivered.")
	oldestM    = metric("reports_oldest_seconds", "Age of the oldest report that waits, by the wall clock.")
	customersM = metric("customers", "Customers who are enrolled with the models in force.")
	freeM      = metric("disk_free_bytes", "Room where the terminal's data is.")
	sizeM      = metric("disk_size_bytes", "Size of that file system.")
	filesM     = metric("disk_free_files", "Files that can still be made there.")
	heatM      = metric("temperature_celsius", "The hottest part that has a thermometer.")
	voltageM   = metric("undervoltage", "1: a Raspberry Pi's voltage is too low now.")
	clockM     = metric("clock_synchronised", "1: something keeps the clock right.")
	endsM      = metric("certificate_end_timestamp_seconds", "When one ends, in Unix time.", "certificate")
)

// Describe is a prometheus.Collector's.
func (n Numbers) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{infoM, readyM, uptimeM, levelM, looksM, factsM, waitM, parkedM, oldestM,
		customersM, freeM, sizeM, filesM, heatM, voltageM, clockM, endsM} {
		out <- d
	}
}

// Collect is a prometheus.Collector's: all is asked anew.
func (n Numbers) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	s := n.Status(ctx)
	gauge(infoM, 1, strings.ToValidUTF8(n.Version, "?"))
	gauge(readyM, one(s.Ready))
	gauge(uptimeM, s.Up.Seconds())
	counter(looksM, float64(s.Looked))
	levels := map[string]float64{fine: 0, unknown: 1, warning: 2, fault: 3}
	worst := map[string]float64{} // two rows of one part would be refused
	for _, p := range s.Parts {
		worst[p.Name] = max(worst[p.Name], levels[p.Level])
	}
	for part, level := range worst {
		gauge(levelM, level, part)
	}
	if b, last, customers, open := n.Books(ctx); open {
		counter(factsM, float64(last))
		gauge(waitM, float64(b.Count))
		gauge(parkedM, float64(b.Parked))
		gauge(customersM, float64(customers))
		if !b.Oldest.IsZero() {
			gauge(oldestM, max(0, n.Probe.Now().Sub(b.Oldest).Seconds()))
		}
	}
	n.machine(gauge)
}

func (n Numbers) machine(gauge func(*prometheus.Desc, float64, ...string)) {
	m := n.Probe.Look(n.Cfg)
	if m.DiskErr == nil {
		gauge(freeM, float64(m.Disk.Free))
		gauge(sizeM, float64(m.Disk.Size))
		if m.Disk.Files > 0 {
			gauge(filesM, float64(m.Disk.FreeFiles))
		}
	}
	if m.Celsius != nil {
		gauge(heatM, *m.Celsius)
	}
	if m.Power.Low != nil {
		gauge(voltageM, one(*m.Power.Low))
	}
	gauge(clockM, one(m.Clock.Set))
	for _, c := range endings(n.Cfg) {
		gauge(endsM, float64(c.End.Unix()), c.What)
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
