//go:build !notflite

package terminal_test

import (
	"errors"
	"slices"
	"testing"

	"smiletill/device/screen"
	"smiletill/payment"
)

// TestCuredWhileTheEngineIsBusy: camera, disk and tamper switch work again while the engine is in a commit
// that takes longer than they wait for it. No restart is needed.
func TestCuredWhileTheEngineIsBusy(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	s.Pull(true)
	s.Term.CaseUnwatched(errors.New("line GPIO16 is in use by another program"))
	s.Term.WriteFailed(errors.New("no space left on device"))
	s.Eventually("out of order for all three", func() bool {
		faults := s.faults()
		return slices.Contains(faults, "camera") && slices.Contains(faults, "storage") &&
			slices.Contains(faults, "case")
	})
	letGo := s.Term.HoldEngine()
	t.Cleanup(letGo)
	s.Pull(false)
	s.Eventually("camera and disk are well", func() bool { return slices.Equal(s.faults(), []string{"case"}) })
	s.Term.CaseChanged(false) // gives up after the others
	letGo()
	s.Pay("one", "1.00")
	s.WantEnd("one", string(payment.StateApproved), "")
}

// faults are the names of the technician's rows that are out of order.
func (s *shop) faults() (names []string) {
	for _, row := range s.Term.StatusRows(s.T.Context()) {
		if row.Level == screen.LevelFault {
			names = append(names, row.Name)
		}
	}
	return names
}
