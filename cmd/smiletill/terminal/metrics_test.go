//go:build !notflite

package terminal_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestMetrics reads the numbers of a running terminal with Prometheus' own parser: each is in the handbook,
// none names a customer, and they are what the terminal says of itself.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	s.Pay("one", "4.20")
	s.End("one")
	resp, err := http.Get("http://" + s.Term.Addresses().Screen + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.Status, err)
	}
	handbook := string(terminaltest.Read(t, filepath.Join(terminaltest.Root(t), "systemd", "README.md")))
	for name, family := range all {
		if !strings.HasPrefix(name, "smiletill_") || family.GetHelp() == "" ||
			(family.GetType() == dto.MetricType_COUNTER) != strings.HasSuffix(name, "_total") {
			t.Errorf("%s: %v", name, family)
		}
		if !strings.Contains(handbook, "`"+name+"`") {
			t.Errorf("systemd/README.md does not have %s", name)
		}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.Contains(l.GetValue(), "Hopper") || strings.Contains(l.GetValue(), "c_") {
					t.Errorf("%s names a customer: %v", name, l)
				}
			}
		}
	}
	value := func(name string) float64 {
		f := all[name]
		if f == nil || len(f.GetMetric()) != 1 {
			t.Fatalf("%s: %v", name, f)
		}
		return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
	}
	for name, want := range map[string]float64{"smiletill_ready": 1, "smiletill_customers": 1,
		"smiletill_reports_waiting": 1, "smiletill_reports_parked": 0} {
		if got := value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if value("smiletill_journal_facts_total") < 2 || value("smiletill_frames_looked_at_total") < 1 ||
		value("smiletill_uptime_seconds") <= 0 || value("smiletill_disk_size_bytes") < 1<<20 {
		t.Error("numbers that can't be")
	}
	promtool, err := exec.LookPath("promtool") // of Debian's package prometheus, where somebody has it
	if err != nil {
		return
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(s.Page("/metrics"))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
