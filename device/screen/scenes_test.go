package screen

import (
	"strings"
	"testing"
	"time"
)

// scene is one thing that a customer can see.
type scene struct {
	name string
	view View
	en   string // the words that must be on the screen
	de   string
}

// scenes show every state, every instruction and every reason, and the awkward amounts.
func scenes() []scene {
	shop := View{Merchant: "Café Morgenrot", Terminal: "Till 2", Amount: "12.50", Currency: "EUR"}
	with := func(s State, change func(*View)) View {
		v := shop
		v.State = s
		if s.paying() {
			v.Deadline = time.Now().Add(24 * time.Second)
		}
		if change != nil {
			change(&v)
		}
		return v
	}
	board := func(v *View) {
		v.Simulated = true
		v.Lamps = map[string]bool{"green": false, "amber": true, "red": false, "white": true}
		v.Buzzer = 880
	}
	all := []scene{
		{"starting", View{Merchant: "Café Morgenrot"}, "Starting", "Startet"},
		{"idle", with(Idle, nil), "Pay with a smile", "Zahlen mit einem Lächeln"},
		{"register_writes", with(Idle, func(v *View) {
			line := "PAID 12.00 EUR. " + strings.Repeat("Thank you! ", 4)
			v.Note = strings.Repeat(line+"\n", 3) + line
		}), "The cash register writes", "Die Kasse schreibt"},
		{"look_here", with(LookHere, func(v *View) { v.Progress = 0.3 }), "Look at the camera", "in die Kamera"},
		{"recognised", with(Recognised, func(v *View) { v.Progress = 1 }), "Recognised", "Erkannt"},
		{"smile", with(Smile, func(v *View) { v.Progress = 0.65 }), "Smile to pay", "Zum Bezahlen lächeln"},
		{"enter_pin", with(EnterPIN, func(v *View) { v.Asked = "p1" }), "Enter your PIN", "PIN eingeben"},
		{"sim_enter_pin", with(EnterPIN, func(v *View) {
			v.Asked, v.Amount, v.Currency = "p1", "12345.678", "KWD"
			board(v)
		}), "Cancel", "Abbrechen"},
		{"enter_number", with(EnterPIN, func(v *View) { v.Asked, v.Number = "p1", true }), "customer number",
			"Kundennummer"},
		{"enter_pin_not_sure", with(EnterPIN, func(v *View) { v.Asked, v.Reason = "p1", NotSure }),
			"could not be sure", "nicht sicher"},
		{"smile_full", with(Smile, func(v *View) { v.Progress = 1; v.Instruction = KeepSmiling }),
			"Keep smiling", "Weiter lächeln"},
		{"vending", with(Vending, func(v *View) { v.Product = "Apfelschorle 0,5 l" }), "Your product",
			"Ihr Produkt"},
		{"look_here_product", with(LookHere, func(v *View) { v.Item = "10" }), "Product 10", "Produkt 10"},
		{"approved", with(Approved, nil), "Approved", "Bezahlt"},
		{"declined", with(Declined, func(v *View) { v.Reason = NotRecognised }), "don't know", "nicht bekannt"},
		{"cancelled", with(Cancelled, func(v *View) { v.Reason = CancelledByRegister }),
			"at the till", "An der Kasse"},
		{"expired", with(Expired, func(v *View) { v.Reason = NobodyCame }), "Time is up", "Zeit abgelaufen"},
		{"out_of_order", with(OutOfOrder, func(v *View) {
			v.Reason = CameraGone
			v.Detail = Detail{What: "No picture from /dev/video0 for 3 s.",
				Do: "Check the camera's ribbon cable, then restart."}
		}), "Out of order", "Außer Betrieb"},
		{"unclaimed", with(OutOfOrder, func(v *View) {
			v.Reason = NotClaimed
			v.Detail = Detail{What: "this terminal is not claimed yet", Do: "type the code", Code: "K7P-4MX-9TR",
				Scan: "smiletill-claim:K7P-4MX-9TR:" + strings.Repeat("W", 43)}
		}), "K7P-4MX-9TR", "K7P-4MX-9TR"},
		{"sim_look_here", with(LookHere, board), "Simulation", "keine echte Zahlung"},
		{"sim_out_of_order", with(OutOfOrder, func(v *View) {
			board(v)
			v.Reason = JournalFailed
			v.Detail = Detail{What: "journal: write /var/lib/smiletill/journal.db: no space left on device",
				Do: "Free some space on the data partition, then wait a minute."}
		}), "can't store", "nicht speichern"},
		{"long_amount", with(Smile, func(v *View) { v.Amount, v.Currency = "12345.678", "KWD" }),
			"12,345.678", "12.345,678"},
		{"longest_amount", with(Approved, func(v *View) { v.Amount, v.Currency = "92233720368547758.07", "EUR" }),
			"92,233,720,368,547,758.07", "92.233.720.368.547.758,07"},
		{"long_merchant", with(LookHere, func(v *View) {
			v.Merchant = "Bäckerei und Konditorei Müller-Lüdenscheidt GmbH & Co. KG, Filiale Hauptbahnhof"
			v.Terminal = "Kassenterminal 14 im Untergeschoss, links neben dem Aufzug, bei den Getränken"
			board(v)
		}), "Look at", "schauen"},
	}
	for _, i := range []Instruction{StepCloser, StepBack, Centre, LookStraight, HoldStill, OnePersonOnly,
		MoreLight, TooBright, NotKnown, SmileInLight, EnrolLook, EnrolSmile} {
		all = append(all, scene{"act_" + string(i), with(LookHere, func(v *View) { v.Instruction = i }), "", ""})
	}
	for _, r := range []Reason{NotRecognised, NoSmile, NotSure, NobodyCame, CancelledByCustomer,
		CancelledByRegister, CancelledByOperator, CancelledByMachine, NotDispensed, NotConfirmed, AboveLimit,
		NotForSale, NoPIN, WrongPIN, PINLocked, PINNotSet, Blocked, Restarted,
		DeviceFailed, CameraGone, JournalFull, JournalFailed, BacklogFull,
		TamperOpen, NotSetUp, Updating} {
		all = append(all, scene{"why_" + string(r), with(Cancelled, func(v *View) {
			v.Reason = r
			board(v)
		}), "", ""})
	}
	return all
}

// newServer is a Server with a quick heart.
func newServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.heart, s.lost = 100*time.Millisecond, 400*time.Millisecond
	return s
}
