//go:build !notflite

package till_test

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// TestMain lets this test program be smiletill itself.
func TestMain(m *testing.M) { terminaltest.Main(m) }

// shop is a terminaltest.Shop whose visitors come when a register asks for money.
type shop struct {
	*terminaltest.Shop

	mu         sync.Mutex
	running    payment.Payment // the latest that the terminal told of
	attended   string          // the payment for which visitors came last
	reconciled int64           // the latest fact at the last reconciliation
}

// newCounter is a shop whose terminal serves registers, and whose visitors the test chooses.
func newCounter(t *testing.T, flags ...string) *shop {
	t.Helper()
	s := &shop{Shop: terminaltest.New(t)}
	visitors, err := demo.NewDirector(2)
	if err != nil {
		t.Fatal(err)
	}
	s.Visitors, s.OnPayment = visitors, s.attend
	s.Flags = append(s.Flags, append([]string{"--register-listen", "127.0.0.1:0", "--register-plain",
		"--camera-source", "replay:visitors", "--payment-timeout", "100s"}, flags...)...)
	s.EnrolCustomer()
	return s
}

// ready opens the terminal and gives the address at which it serves registers. Who steps up when a payment
// begins is named by the first word of its reference: smile, stranger, neutral, or nobody.
func (s *shop) ready() (addr string, end func()) {
	s.T.Helper()
	end = s.Open()
	s.Opened()
	s.Eventually("registers", func() bool {
		addr = s.Term.Addresses().Register
		return addr != ""
	})
	return addr, end
}

// attend has the visitors come whom a payment names.
func (s *shop) attend(now payment.Status) {
	p := now.Payment
	s.mu.Lock()
	s.running = p
	known := p.ID == s.attended
	s.mu.Unlock()
	if p.ID == "" || p.State.Terminal() || known {
		return
	}
	who, _, _ := strings.Cut(p.Reference, " ")
	clip := map[string]string{"smile": "customer_smile", "stranger": "stranger_smile",
		"neutral": "customer_neutral"}[who]
	if clip == "" {
		s.Visitors.Leave()
	} else {
		s.stepUp(clip)
	}
	s.mu.Lock()
	s.attended = p.ID
	s.mu.Unlock()
}

// began waits until the payment with a reference runs, and the camera shows whom its reference names: who is
// to step up later would otherwise be sent away again.
func (s *shop) began(t *testing.T, reference string) {
	t.Helper()
	s.Eventually("payment "+reference, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.running.Reference == reference && !s.running.State.Terminal() && s.attended == s.running.ID
	})
}

// stepUp has somebody come to the camera. A customer comes again and again, since a busy machine looks at few
// frames of a visit; the others stay, as a stranger must to be refused.
func (s *shop) stepUp(clip string) {
	times := 1
	if clip == "customer_smile" {
		times = 12
	}
	if err := s.Visitors.Enter(slices.Repeat([]string{clip}, times)...); err != nil {
		s.T.Error(err)
	}
}

// journal opens the terminal's journal to read in it.
func (s *shop) journal() *journal.Reader {
	s.T.Helper()
	r, err := journal.OpenReader(s.T.Context(), filepath.Join(s.Dir, "data", "journal.db"))
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}
