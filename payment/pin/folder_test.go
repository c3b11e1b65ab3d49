package pin

import (
	"testing"

	"smiletill/payment"
)

// A folder in the place of the PINs is told with what to do.
func TestFolderInPlaceOfPINs(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), nil, nil); err == nil || payment.HintOf(err) == "" {
		t.Errorf("%v, hint %q", err, payment.HintOf(err))
	}
}
