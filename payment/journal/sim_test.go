package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"smiletill/payment"
)

// TestSim runs random operations against a journal and a model of it in maps, closing and opening the file
// after each. SIM_SEED=n repeats one run.
func TestSim(t *testing.T) {
	if text := os.Getenv("SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		simulate(t, seed, 400)
		return
	}
	for seed := range pick[uint64](20, 4) {
		simulate(t, seed, 60)
	}
}

type sim struct {
	*testing.T
	seed  uint64
	r     *rand.Rand
	path  string
	j     *Journal
	want  map[string]payment.Payment
	acked map[string]bool
	step  int
}

func simulate(t *testing.T, seed uint64, steps int) {
	s := &sim{
		T: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1)), path: newPath(t),
		want: map[string]payment.Payment{}, acked: map[string]bool{},
	}
	for s.step = range steps {
		j, err := Open(t.Context(), s.path, Options{OutboxMax: 6})
		s.must(err)
		s.j = j
		switch s.r.IntN(10) {
		case 0, 1, 2:
			s.open()
		case 3, 4, 5, 6:
			s.end()
		case 7, 8:
			s.ack()
		case 9:
			s.recover()
		}
		s.check()
		s.must(j.Close())
	}
}

func (s *sim) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("SIM_SEED=%d, step %d: %v", s.seed, s.step, err)
	}
}

func (s *sim) that(ok bool, format string, args ...any) {
	s.Helper()
	if !ok {
		s.must(fmt.Errorf(format, args...))
	}
}

func (s *sim) id() string { return "p" + strconv.Itoa(s.r.IntN(30)) }

func (s *sim) waiting() (n int) {
	for _, p := range s.want {
		if p.State == payment.StateApproved && !s.acked[p.ID] {
			n++
		}
	}
	return n
}

func (s *sim) open() {
	p := waiting(s, s.id())
	p.TimeTrusted = s.r.IntN(2) == 0
	_, known := s.want[p.ID]
	err := s.j.Commit(s.Context(), p)
	switch {
	case s.waiting() >= 6:
		s.that(errors.Is(err, payment.ErrBacklog), "opened %s over the limit: %v", p.ID, err)
	case known:
		s.that(errors.Is(err, payment.ErrConflict), "opened %s twice: %v", p.ID, err)
	default:
		s.must(err)
		s.want[p.ID] = p
	}
}

func (s *sim) end() {
	id := s.id()
	before, known := s.want[id]
	if !known || before.State.Terminal() {
		p := waiting(s, id)
		if known {
			p.Amount, p.Reference = before.Amount, before.Reference
		}
		s.that(s.j.Commit(s.Context(), approved(s, p)) != nil, "ended %s in state %q", id, before.State)
		return
	}
	var after payment.Payment
	switch s.r.IntN(5) {
	case 0:
		after = next(s, before, payment.Unknown{})
	case 1:
		after = next(s, before, payment.Cancelled{By: payment.ByCustomer})
	case 2:
		after = next(s, before, payment.DeviceFailed{What: "camera \"1\" <é>"})
	default:
		after = approved(s, before)
	}
	s.must(s.j.Commit(s.Context(), after))
	s.want[id] = after
}

func (s *sim) ack() {
	rows := pending(s, s.j, 0, 3)
	if len(rows) == 0 {
		return
	}
	r := rows[s.r.IntN(len(rows))]
	if s.r.IntN(3) == 0 {
		err := s.j.Outbox().Close(s.Context(), r.ID, r.Hash, r.Seq+1)
		s.that(errors.Is(err, ErrMismatch), "closed by another seq: %v", err)
		return
	}
	s.must(s.j.Outbox().Close(s.Context(), r.ID, r.Hash, r.Seq))
	s.acked[r.PaymentID] = true
}

func (s *sim) recover() {
	now := time.Now()
	_, err := s.j.Recover(s.Context(), now, true)
	s.must(err)
	for id, p := range s.want {
		if p.State == payment.StateWaiting {
			p, err = payment.Next(p, payment.Restarted{}, now)
			s.must(err)
			p.TimeTrusted = true
			s.want[id] = p
		}
	}
}

// check compares the journal with the model, and with itself.
func (s *sim) check() {
	report, err := s.j.Verify(s.Context(), nil)
	s.must(err)
	entries, err := s.j.List(s.Context(), Filter{Limit: -1})
	s.must(err)
	s.that(len(entries) == len(s.want) && report.Payments == len(s.want), "%d payments, want %d",
		len(entries), len(s.want))
	approvals := 0
	for _, e := range entries {
		want := asStored(s.want[e.Payment.ID])
		s.that(e.Payment == want, "stored\n%+v, want\n%+v", e.Payment, want)
		delivery := DeliveryNone
		if want.State == payment.StateApproved {
			approvals++
			delivery = DeliveryPending
			if s.acked[want.ID] {
				delivery = DeliveryDone
			}
		}
		s.that(e.Delivery == delivery, "%s: delivery %q, want %q", want.ID, e.Delivery, delivery)
	}
	s.that(report.Approved == approvals, "%d approval facts for %d payments", report.Approved, approvals)
	rows := pending(s, s.j, 0, 99)
	s.that(len(rows) == s.waiting(), "%d rows wait, want %d", len(rows), s.waiting())
	for _, r := range rows {
		s.that(s.want[r.PaymentID].State == payment.StateApproved, "row of %s, which is not approved", r.PaymentID)
	}
}
