package screen

import (
	"maps"
	"math"
	"time"
)

// State says which of the pages the customer sees.
type State string

// The states. The zero State is what a Server shows before its first View; it is not for callers.
const (
	starting   State = ""
	Idle       State = "idle"         // nothing to pay
	LookHere   State = "look_here"    // a payment waits for a face
	Recognised State = "recognised"   // the face is known, the smile comes next
	Smile      State = "smile"        // waiting for the smile
	EnterPIN   State = "enter_pin"    // waiting for the customer's PIN
	Vending    State = "vending"      // agreed; a machine gives the product out
	Approved   State = "approved"     // paid
	Declined   State = "declined"     // refused
	Cancelled  State = "cancelled"    // ended by somebody
	Expired    State = "expired"      // ended by time
	OutOfOrder State = "out_of_order" // no payment can be taken
)

// paying reports whether a payment is under way, so that an amount, an instruction and a deadline make sense.
func (s State) paying() bool {
	return s == LookHere || s == Recognised || s == Smile || s == EnterPIN
}

// result reports whether a payment has ended.
func (s State) result() bool {
	return s == Approved || s == Declined || s == Cancelled || s == Expired
}

// Instruction is one thing that the customer can do now; shown instead of the state's own words, one at a
// time, and acted out by the face on the page.
type Instruction string

// The instructions, shown only while paying.
const (
	StepCloser    Instruction = "step_closer"
	StepBack      Instruction = "step_back"
	Centre        Instruction = "centre"
	LookStraight  Instruction = "look_straight"
	HoldStill     Instruction = "hold_still"
	OnePersonOnly Instruction = "one_person_only"
	MoreLight     Instruction = "more_light"
	TooBright     Instruction = "too_bright"
	KeepSmiling   Instruction = "keep_smiling"
	SmileInLight  Instruction = "smile_in_light" // with a Light
	NotKnown      Instruction = "not_known"
	EnrolLook     Instruction = "enrol_look"  // of somebody who is being enrolled
	EnrolSmile    Instruction = "enrol_smile" // and who is to smile
	ForgetLook    Instruction = "forget_look" // of somebody who wants to be forgotten
)

// Reason says why a payment ended as it did, or why none can be taken.
type Reason string

// The reasons, shown with a result or with OutOfOrder.
const (
	NotRecognised       Reason = "not_recognised"
	NoSmile             Reason = "no_smile"
	NotSure             Reason = "not_sure" // that a person smiled; what was found amiss is not told
	NobodyCame          Reason = "nobody_came"
	NoPIN               Reason = "no_pin"
	WrongPIN            Reason = "wrong_pin"
	PINLocked           Reason = "pin_locked"
	PINNotSet           Reason = "pin_not_set"
	Blocked             Reason = "blocked" // the customer; the customer's page tells nobody
	CancelledByCustomer Reason = "cancelled_by_customer"
	CancelledByRegister Reason = "cancelled_by_register"
	CancelledByOperator Reason = "cancelled_by_operator"
	CancelledByMachine  Reason = "cancelled_by_machine"
	NotDispensed        Reason = "not_dispensed"
	NotConfirmed        Reason = "not_confirmed" // that the product fell
	AboveLimit          Reason = "above_limit"   // it is more than this terminal takes
	NotForSale          Reason = "not_for_sale"  // what a machine asked for
	Restarted           Reason = "restarted"
	DeviceFailed        Reason = "device_failed"
	CameraGone          Reason = "camera_gone"
	JournalFull         Reason = "journal_full"
	JournalFailed       Reason = "journal_failed"
	BacklogFull         Reason = "backlog_full"
	TamperOpen          Reason = "tamper_open"
	NotSetUp            Reason = "not_set_up"
	NotClaimed          Reason = "not_claimed"
	BeingErased         Reason = "being_erased"
	Updating            Reason = "updating"
)

// View is everything that the customer's page shows. It deliberately has no place for a name or a picture
// of the customer.
type View struct {
	State       State
	Amount      string      // decimal with a point and the currency's own number of digits: "12.50"; "" for none
	Currency    string      // ISO 4217: "EUR"
	Product     string      // what is paid for, by the shop's name for it, in place of "to pay"; "" for none
	Item        string      // its number at the machine, shown where there is no name
	Instruction Instruction // "" for the state's own words; only while paying
	Note        string      // a register's words, shown as such in a frame; only with Idle; lines end with \n
	Reason      Reason      // "" if there is nothing to add; for results, OutOfOrder, and NotSure with EnterPIN
	Progress    float64     // 0..1: how far the ring is filled and how much the face smiles
	Asked       string      // what a PIN is asked for, sent back with it; only with EnterPIN
	Number      bool        // with EnterPIN: no PIN is asked for, but digits that say who the customer is
	Light       *Light      // colours to play now; only with Recognised and Smile; what flashes is refused
	LightOffer  bool        // colours will come, and can be declined; only with LookHere, Recognised and Smile
	Deadline    time.Time   // end of the payment, with a monotonic reading (time.Now().Add); zero: none is shown
	Merchant    string      // whose shop this is
	Terminal    string      // which terminal this is, for staff
	Lang        string      // the terminal's language, "en" or "de"; "" leaves it to the browser
	Sound       bool        // play a short tune on Approved and Declined
	Detail      Detail      // for staff, with OutOfOrder
	Simulated   bool        // no real hardware: says so, and shows Lamps and Buzzer along the bottom
	Lamps       map[string]bool
	Buzzer      float64 // Hz, 0 when silent
}

// Detail tells the staff what is wrong and what to do about it, a short sentence each. Code, if there is one,
// stands in place of both, on this machine's own pages alone: a person types it somewhere else, or takes a
// picture of Scan.
type Detail struct{ What, Do, Code, Scan string }

// checked returns v with whatever makes no sense taken out of it, and what that was ("" if nothing). An
// unknown State becomes OutOfOrder: a page must never guess at a result.
func (v View) checked(c catalogues) (View, string) {
	complaint := ""
	if !c.has("state." + string(v.State)) {
		complaint = "state " + string(v.State)
		v = View{State: OutOfOrder, Merchant: v.Merchant, Terminal: v.Terminal, Lang: v.Lang,
			Simulated: v.Simulated, Lamps: v.Lamps, Buzzer: v.Buzzer,
			Detail: Detail{What: "The screen was given an unknown state.", Do: "Update the terminal's software."}}
	}
	if v.Instruction != "" && !c.has("instruction."+string(v.Instruction)) {
		complaint = "instruction " + string(v.Instruction)
		v.Instruction = ""
	}
	if v.Reason != "" && !c.has("reason."+string(v.Reason)) {
		complaint = "reason " + string(v.Reason)
		v.Reason = ""
	}
	if v.Lang != "" && c[v.Lang] == nil {
		complaint = "language " + v.Lang
		v.Lang = ""
	}
	if math.IsNaN(v.Progress) {
		complaint = "progress NaN"
		v.Progress = 0
	}
	v.Progress = min(max(v.Progress, 0), 1)
	if v.Light != nil {
		if why := v.Light.wrong(v.State); why != "" {
			complaint = "light " + why
			v.Light = nil
		}
	}
	if v.LightOffer && (v.State == EnterPIN || !v.State.paying()) {
		complaint = "light offered with " + string(v.State)
		v.LightOffer = false
	}
	return v, complaint
}

// same reports whether two Views look alike; used to send nothing when nothing changed.
func (v View) same(w View) bool {
	if !v.Deadline.Equal(w.Deadline) || !maps.Equal(v.Lamps, w.Lamps) {
		return false
	}
	return v.State == w.State && v.Amount == w.Amount && v.Currency == w.Currency &&
		v.Product == w.Product && v.Item == w.Item &&
		v.Instruction == w.Instruction && v.Note == w.Note && v.Reason == w.Reason &&
		v.Asked == w.Asked && v.Number == w.Number &&
		v.Progress == w.Progress && v.Light.same(w.Light) && v.LightOffer == w.LightOffer &&
		v.Merchant == w.Merchant && v.Terminal == w.Terminal && v.Lang == w.Lang && v.Sound == w.Sound &&
		v.Detail == w.Detail && v.Simulated == w.Simulated && v.Buzzer == w.Buzzer
}
