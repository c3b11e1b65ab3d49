package enrolment

import (
	"errors"
	"fmt"
	"testing"

	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

// A record that can't be read is not one that was changed; one that is gone or other is told.
func TestDifferencesOfWhatCannotBeRead(t *testing.T) {
	last := map[string]journal.Audit{
		"c_1": {What: journal.CustomerEnrolled, Customer: "c_1", Record: "aa"},
		"c_2": {What: journal.CustomerEnrolled, Customer: "c_2", Record: "bb"},
		"c_3": {What: journal.CustomerEnrolled, Customer: "c_3", Record: "cc"},
	}
	all := differences(t.Context(), map[string]string{"c_1": "", "c_2": "b2"}, last)
	if len(all) != 2 || all[0].Customer != "c_2" || all[0].What != journal.CustomerRenewed ||
		!all[0].Unmatched || all[1].Customer != "c_3" || all[1].What != journal.CustomerRemoved {
		t.Errorf("told: %+v", all)
	}
}

// Each reason for which nobody is enrolled has words of its own on the page; that a name is somebody's is
// told from that a face is.
func TestWhyNobodyIsEnrolled(t *testing.T) {
	for _, c := range []struct {
		err   error
		early bool
		why   screen.Refusal
	}{
		{errPaying, false, screen.RefusedBusy},
		{ErrCameraInUse, false, screen.RefusedCamera},
		{errWithdrawn, false, screen.RefusedWithdrawn},
		{&unseen{vision.NoFace, 0, 5}, false, screen.RefusedNobody},
		{&unseen{vision.SeveralFaces, 2, 5}, false, screen.RefusedSeveral},
		{&unseen{vision.TooDark, 2, 5}, false, screen.RefusedPictures},
		{gallery.ErrDisagree, false, screen.RefusedPictures},
		{gallery.ErrFull, true, screen.RefusedFull},
		{gallery.ErrLocked, false, screen.RefusedAlarm},
		{gallery.ErrAlreadyEnrolled, true, screen.RefusedTaken},
		{gallery.ErrAlreadyEnrolled, false, screen.RefusedFace},
		{gallery.ErrOtherFace, false, screen.RefusedOtherFace},
		{gallery.ErrIncomparable, false, screen.RefusedIncomparable},
		{people.ErrConsent, true, screen.RefusedText},
		{payment.ErrPINWrong, false, screen.RefusedSecond},
		{payment.ErrPINLocked, false, screen.RefusedSecondLocked},
		{payment.Join(payment.ErrOutOfOrder, payment.ErrAlarm), true, screen.RefusedAlarm},
		{payment.ErrOutOfOrder, true, screen.RefusedOutOfOrder},
		{payment.ErrJournal, false, screen.RefusedJournal},
	} {
		var told *screen.CounterError
		err := toldEnrol(payment.WithHint(fmt.Errorf("enrol: %w", c.err), "try again"), c.early)
		if !errors.As(err, &told) || told.Why != c.why || told.Do != "try again" || told.Open {
			t.Errorf("%v: %+v, want %s", c.err, told, c.why)
		}
	}
}
