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
		err error
		why screen.Refusal
	}{
		{errPaying, screen.RefusedBusy},
		{ErrCameraInUse, screen.RefusedCamera},
		{errWithdrawn, screen.RefusedWithdrawn},
		{&unseen{vision.NoFace, 0, 5}, screen.RefusedNobody},
		{&unseen{vision.SeveralFaces, 2, 5}, screen.RefusedSeveral},
		{&unseen{vision.TooDark, 2, 5}, screen.RefusedPictures},
		{gallery.ErrDisagree, screen.RefusedPictures},
		{gallery.ErrFull, screen.RefusedFull},
		{gallery.ErrLocked, screen.RefusedAlarm},
		{gallery.ErrNameTaken, screen.RefusedTaken},
		{gallery.ErrAlreadyEnrolled, screen.RefusedFace},
		{gallery.ErrOtherFace, screen.RefusedOtherFace},
		{gallery.ErrIncomparable, screen.RefusedIncomparable},
		{people.ErrConsent, screen.RefusedText},
		{payment.ErrPINWrong, screen.RefusedSecond},
		{payment.ErrPINLocked, screen.RefusedSecondLocked},
		{payment.Join(payment.ErrOutOfOrder, payment.ErrAlarm), screen.RefusedAlarm},
		{payment.ErrOutOfOrder, screen.RefusedOutOfOrder},
		{payment.ErrJournal, screen.RefusedJournal},
	} {
		var told *screen.CounterError
		err := toldEnrol(payment.WithHint(fmt.Errorf("enrol: %w", c.err), "try again"))
		if !errors.As(err, &told) || told.Why != c.why || told.Do != "try again" || told.Open {
			t.Errorf("%v: %+v, want %s", c.err, told, c.why)
		}
	}
}
