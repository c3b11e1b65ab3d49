package till

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

// errand is one Payment or Reversal that is sent once and followed to its end: over a connection that dies,
// a terminal that is started again, and Ctrl-C.
type errand struct {
	r          *Register
	category   register.Category
	service    string // ServiceID of the message
	interrupts <-chan struct{}
	aborted    bool
}

// outcome is the answer to the message: one of the two.
type outcome struct {
	payment  *register.PaymentResponse
	reversal *register.ReversalResponse
}

func (o outcome) response() register.Response {
	switch {
	case o.payment != nil:
		return o.payment.Response
	case o.reversal != nil:
		return o.reversal.Response
	}
	return register.Response{}
}

const (
	// askPause is the time between two questions how a message went that still runs.
	askPause = time.Second
	// lostPause is the first pause when the terminal doesn't answer; it doubles up to lostPauseMax.
	lostPause    = 500 * time.Millisecond
	lostPauseMax = 8 * time.Second
	// askPatience is the time for one question.
	askPatience = 10 * time.Second
	// unknownTimes is how often the terminal must say that it knows nothing of a message before that is
	// believed: what was sent may have been on its way still.
	unknownTimes = 2
)

// errUnknown is what the terminal says of a message that never reached it.
var errUnknown = errors.New("the terminal knows no")

// interruptions tells each Ctrl-C; the first ends ctx.
func interruptions(ctx context.Context) (<-chan struct{}, func()) {
	told, ended := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		more := make(chan os.Signal, 1)
		signal.Notify(more, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(more)
		for {
			select {
			case told <- struct{}{}:
			case <-ended:
				return
			}
			select {
			case <-more:
			case <-ended:
				return
			}
		}
	}()
	return told, func() { close(ended) }
}

// do sends the message once and gives its answer, or asks for it when none came.
func (e *errand) do(ctx context.Context, send func(context.Context) (outcome, error)) (outcome, error) {
	interrupts, stop := interruptions(ctx)
	defer stop()
	e.interrupts = interrupts
	sending, cut := context.WithCancel(context.WithoutCancel(ctx)) // Ctrl-C aborts, it does not hang up
	defer cut()
	type answer struct {
		outcome
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		o, err := send(sending)
		answers <- answer{o, err}
	}()
	for {
		select {
		case a := <-answers:
			switch {
			case errors.Is(a.err, register.ErrNotSent), errors.Is(a.err, register.ErrRejected):
				return outcome{}, unanswered(a.err) // nothing was done
			case a.err != nil:
				e.r.say("no answer came (%v): asking the terminal how it went", a.err)
			case a.response().ErrorCondition != register.InProgress:
				return a.outcome, nil
			}
			return e.follow(sending)
		case <-e.interrupts:
			if e.giveUp() {
				cut()
				<-answers
				return outcome{}, e.unknown(errors.New("interrupted"))
			}
		}
	}
}

// follow asks how the message went until that is known.
func (e *errand) follow(ctx context.Context) (outcome, error) {
	lost, unknown, told := lostPause, 0, ""
	tell := func(text string) {
		if text != told {
			told = text
			e.r.say("%s", text)
		}
	}
	for {
		pause := askPause
		a, err := e.ask(ctx)
		switch {
		case final(err):
			return outcome{}, e.unknown(err)
		case err != nil:
			tell(fmt.Sprintf("the terminal doesn't answer (%v): asking until it does", err))
			pause, lost = lost, min(2*lost, lostPauseMax)
		case a.Response.Result == register.Success && a.Repeated != nil:
			return outcome{a.Repeated.Body.Payment, a.Repeated.Body.Reversal}, nil
		case a.Response.ErrorCondition == register.NotFound:
			if unknown++; unknown == unknownTimes {
				return outcome{}, payment.WithHintf(
					fmt.Errorf("%w %s %s: nothing was done", errUnknown, e.category, e.service),
					"send it again under the same ServiceID: whatever is still on its way, it is charged once",
				)
			}
		case a.Response.ErrorCondition == register.InProgress:
			tell("it is not decided yet: " + register.Message(a.Response))
			lost, unknown = lostPause, 0
		case a.Response.ErrorCondition == register.UnavailableService:
			tell("the terminal can't tell yet: " + register.Message(a.Response))
			unknown = 0
		default:
			return outcome{}, e.unknown(e.r.refused("the terminal does not tell", a.Response))
		}
		select {
		case <-time.After(pause):
		case <-e.interrupts:
			if e.giveUp() {
				return outcome{}, e.unknown(errors.New("interrupted"))
			}
		}
	}
}

// final reports an error that asking again does not mend.
func final(err error) bool {
	for _, one := range []error{register.ErrRejected, register.ErrSealed, register.ErrMessage,
		register.ErrFingerprint} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

func (e *errand) ask(ctx context.Context) (*register.TransactionStatusResponse, error) {
	id, err := register.NewServiceID()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return e.r.client.Status(ctx, id, register.TransactionStatusRequest{
		Reference: &register.MessageReference{
			MessageCategory: e.category,
			SaleID:          e.r.o.SaleID,
			ServiceID:       e.service,
			POIID:           e.r.o.POIID,
		},
		Reprint: true, Documents: []string{CustomerReceipt},
	})
}

// giveUp is what a Ctrl-C does: the first aborts a payment, the second ends the waiting.
func (e *errand) giveUp() bool {
	if e.aborted || e.category != register.CategoryPayment {
		return true
	}
	e.aborted = true
	e.r.say("aborting the payment (Ctrl-C once more stops waiting for its end)")
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), askPatience)
		defer cancel()
		if err := e.r.abort(ctx, e.service); err != nil {
			e.r.say("the abort did not reach the terminal: %v", err)
		}
	}()
	return false
}

// abort sends an Abort. It has a client of its own: what it is told is not the answer of the payment.
func (r *Register) abort(ctx context.Context, service string) error {
	id, err := register.NewServiceID()
	if err != nil {
		return err
	}
	c := *r.client
	c.Raw = nil
	return c.Abort(ctx, id, service, "MerchantAbort")
}

// unknown is the end of an errand whose outcome was not learned.
func (e *errand) unknown(why error) error {
	return payment.WithHintf(fmt.Errorf("it is not known how %s %s went: %w", e.category, e.service, why),
		"`smiletill register status %s`, with the same flags, asks again; take no second payment before that",
		e.service)
}
