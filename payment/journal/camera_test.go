package journal

import (
	"encoding/json"
	"testing"

	"smiletill/payment"
)

// The fact of an approval, which is what the cloud receives, says what camera the customer was seen with. One
// of before that was said is read as it was.
func TestApprovalNamesItsCamera(t *testing.T) {
	j := open(t, newPath(t), Options{})
	for id, c := range map[string]payment.Camera{
		"film": {Kind: "recording"}, "usb": {Kind: "usb", Driver: "uvcvideo"}, "unsaid": {},
	} {
		p := waiting(t, id)
		after := approved(t, p)
		after.Evidence.Camera = c
		commit(t, j, p, after)
	}
	rows, err := j.Outbox().Pending(t.Context(), 0, 9)
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	for _, r := range rows {
		var fact struct {
			Payment string            `json:"payment_id"`
			Camera  map[string]string `json:"camera"`
		}
		if err := json.Unmarshal(r.Body, &fact); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"film": `{"kind":"recording"}`, "usb": `{"driver":"uvcvideo","kind":"usb"}`, "unsaid": `null`,
		}[fact.Payment]
		if got, err := json.Marshal(fact.Camera); err != nil || string(got) != want {
			t.Errorf("%s: camera %s, %v; want %s", fact.Payment, got, err, want)
		}
	}
	if r := verify(t, &j.Reader); r.Approved != 3 {
		t.Errorf("%+v", r)
	}
}
