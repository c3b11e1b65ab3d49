package register

import (
	"errors"
	"net/url"
	"strings"

	"smiletill/payment"
)

// failure is the answer to a request that can't be met. more are further pairs of key and value.
func failure(c Condition, text string, more ...string) Response {
	v := url.Values{"message": {oneLine(text)}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return Response{Result: Failure, ErrorCondition: c, AdditionalResponse: v.Encode()}
}

// oneLine is a text as registers show and print it: several errors at once stand in lines of their own.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

// refusalOf is the answer to a request that an error refuses: nothing was charged or given back.
func refusalOf(err error) Response {
	return failure(conditionOf(err), textOf(err))
}

// conditionOf tells a register what kind of refusal an error is.
func conditionOf(err error) Condition {
	switch {
	case errors.Is(err, payment.ErrBusy):
		return Busy
	case errors.Is(err, payment.ErrNotFound):
		return NotFound
	case errors.Is(err, payment.ErrBacklog):
		return UnreachableHost
	case errors.Is(err, payment.ErrLocked):
		return Refusal
	case errors.Is(err, payment.ErrConflict), errors.Is(err, payment.ErrNotApproved),
		errors.Is(err, payment.ErrTooMuch), errors.Is(err, payment.ErrUnsure):
		return NotAllowed
	case errors.Is(err, ErrAmount), errors.Is(err, payment.ErrRequest), errors.Is(err, payment.ErrCurrency),
		errors.Is(err, payment.ErrAmountZero), errors.Is(err, payment.ErrAmountNegative),
		errors.Is(err, payment.ErrAmountTooLarge), errors.Is(err, ErrMessage):
		return MessageFormat
	case errors.Is(err, payment.ErrOutOfOrder):
		return UnavailableDevice
	}
	return UnavailableService
}

// conditionOfEnd tells a register why a payment ended without approval.
func conditionOfEnd(r payment.Reason) Condition {
	switch r {
	case payment.ReasonNotRecognised, payment.ReasonPINNotSet, payment.ReasonNotSure,
		payment.ReasonBlocked:
		return Refusal
	case payment.ReasonWrongPIN, payment.ReasonPINLocked:
		return WrongPIN
	case payment.ReasonTimeout, payment.ReasonNoSmile, payment.ReasonNoPIN, payment.ReasonCancelledByCustomer,
		payment.ReasonCancelledByOperator:
		return Cancelled
	case payment.ReasonCancelledByRegister, payment.ReasonCancelledByMachine:
		return Aborted
	case payment.ReasonNotDispensed, payment.ReasonNotConfirmed: // of no payment of a register's
	case payment.ReasonDeviceFailed, payment.ReasonJournalFailed, payment.ReasonRestarted:
	}
	return UnavailableDevice
}

// Message is a response's text for people, or its ErrorCondition where there is none.
func Message(r Response) string {
	if v, err := url.ParseQuery(r.AdditionalResponse); err == nil && v.Get("message") != "" {
		return v.Get("message")
	}
	return string(r.ErrorCondition)
}
