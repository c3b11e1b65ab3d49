package enrolment

import (
	"testing"

	"smiletill/payment/journal"
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
