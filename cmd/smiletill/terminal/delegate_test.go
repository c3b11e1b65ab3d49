//go:build !notflite

package terminal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/vision/edgetpu"
	"smiletill/vision/tflite/plugintest"
)

// TestMain lets this test program be the child that tries delegate libraries, as smiletill itself is.
func TestMain(m *testing.M) { terminaltest.Main(m) }

// The accelerator fails in the middle of a visit: the payment goes on, and is approved by what the CPU saw.
func TestDelegateFailsInTheMiddleOfAPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	lib := plugintest.Build(t, fmt.Sprintf("FAIL_RUN_FROM=%d", terminaltest.DetectorRELUs*6+1))
	s.Flags = append(s.Flags, "--paths-models-dir", terminaltest.CompiledDetector(t), "--vision-delegate", lib)
	s.Open()
	s.Eventually("the accelerator", func() bool {
		return s.Term.Accelerator().Phase == edgetpu.Ready
	})
	s.Pay("one", "4.20")
	if p := s.End("one"); p.State != string(payment.StateApproved) {
		t.Fatalf("payment: %+v", p)
	}
	rows, err := json.Marshal(s.Term.StatusRows(t.Context()))
	const want = "CPU after a failure: detect: a run on the Edge TPU failed"
	if err != nil || !strings.Contains(string(rows), want) {
		t.Errorf("the technician sees %s %v", rows, err)
	}
	s.Pay("two", "4.30")
	if p := s.End("two"); p.State != string(payment.StateApproved) {
		t.Errorf("the next payment: %+v", p)
	}
}
