package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"smiletill/payment"
)

// diagnose tells how the terminal does.
func (s *Server) diagnose(ctx context.Context, q *Request) *DiagnosisResponse {
	if r := s.elsewhere(q.Header); r != nil {
		return &DiagnosisResponse{Response: *r}
	}
	h := s.opt.Health(ctx)
	more := url.Values{"firmwareVersion": {s.opt.Version}, "unconfirmedBatchCount": {strconv.Itoa(h.Unreported)},
		"storeId": {s.opt.Site}}
	if h.OutOfOrder != "" {
		more.Set("message", oneLine(h.OutOfOrder))
	}
	d := &DiagnosisResponse{
		Response: Response{Result: Success, AdditionalResponse: more.Encode()},
		Status:   s.poiStatus(ctx, h),
	}
	if q.Diagnosis != nil && q.Diagnosis.HostDiagnosis {
		d.Hosts = []HostStatus{{AcquirerID: s.opt.Tenant, Reachable: h.Reachable && h.Cloud}}
	}
	if till, err := s.opt.Till(); err == nil {
		if d.LoggedIn, err = till.Records.LoggedIn(ctx); err != nil {
			s.log.Error("the register's records can't be read", "err", err)
		}
	}
	return d
}

// elsewhere refuses what is for another terminal.
func (s *Server) elsewhere(h Header) *Response {
	if h.POIID == s.opt.POIID {
		return nil
	}
	r := failure(NotAllowed, fmt.Sprintf("the message is for POIID %.60q, this terminal is %q", h.POIID,
		s.opt.POIID), "poiId", s.opt.POIID)
	return &r
}

func (s *Server) poiStatus(ctx context.Context, h Health) *POIStatus {
	p := &POIStatus{Global: "OK", SecurityOK: !h.Tampered, PEDOK: h.OutOfOrder == "", Communication: h.Reachable}
	if h.OutOfOrder != "" {
		p.Global = "Maintenance"
		return p
	}
	till, err := s.opt.Till()
	if err != nil {
		p.Global, p.PEDOK = "Maintenance", false
		return p
	}
	if now, err := till.Engine.Status(ctx); err == nil && now.Payment.ID != "" && !now.Payment.State.Terminal() {
		p.Global = "Busy"
	}
	return p
}

// login notes that a register is there. It is not needed for a payment; a logout ends what it began.
func (s *Server) login(ctx context.Context, q *Request) *LoginResponse {
	answer := &LoginResponse{
		Response: Response{Result: Success},
		System: &POISystemData{
			DateTime: stamp(time.Now()), Status: s.poiStatus(ctx, s.opt.Health(ctx)),
			Software: POISoftware{ManufacturerID: "smiletill", ApplicationName: "smiletill",
				SoftwareVersion: s.opt.Version, CertificationCode: "none"},
		},
	}
	return once(ctx, s, q, act[LoginResponse]{body: q.Login, session: LoggedIn, answer: answer,
		refuse: func(r Response) *LoginResponse { return &LoginResponse{Response: r} }})
}

func (s *Server) logout(ctx context.Context, q *Request) *LogoutResponse {
	return once(ctx, s, q, act[LogoutResponse]{body: q.Logout, session: LoggedOff,
		answer: &LogoutResponse{Response{Result: Success}},
		refuse: func(r Response) *LogoutResponse { return &LogoutResponse{r} }})
}

// totals adds up what came since the last reconciliation.
func (s *Server) totals(ctx context.Context, q *Request) *TotalsResponse {
	refuse := func(r Response) *TotalsResponse { return &TotalsResponse{Response: r, ReconciliationID: "0"} }
	if r := s.elsewhere(q.Header); r != nil {
		return refuse(*r)
	}
	answer := Response{Result: Success}
	if g := q.GetTotals; g != nil {
		if len(g.Filter) > 0 && !s.isOwnFilter(g.Filter) {
			return refuse(failure(NotAllowed, "totals are kept of the whole terminal: send no TotalFilter"))
		}
		if len(g.Details) > 0 {
			answer = Response{Result: Partial, AdditionalResponse: url.Values{
				"message": {"totals are of the whole terminal; TotalDetails are not told apart"}}.Encode()}
		}
	}
	till, err := s.opt.Till()
	if err != nil {
		return refuse(refusalOf(err))
	}
	p, err := till.Records.Current(ctx)
	if err != nil {
		return refuse(s.unreadable(err))
	}
	return s.addUp(ctx, till, p, answer, "")
}

// isOwnFilter reports a filter that leaves nothing out: none, or this terminal alone.
func (s *Server) isOwnFilter(raw json.RawMessage) bool {
	if isEmptyList(raw) {
		return true // PHP's empty object
	}
	var f map[string]string
	if json.Unmarshal(raw, &f) != nil {
		return false
	}
	for k, v := range f {
		if k != "POIID" || v != s.opt.POIID {
			return false
		}
	}
	return true
}

// reconcile closes the period, or tells an earlier one.
func (s *Server) reconcile(ctx context.Context, q *Request) *TotalsResponse {
	kind := q.Reconciliation.Type
	refuse := func(r Response) *TotalsResponse {
		return &TotalsResponse{Response: r, Type: kind, ReconciliationID: q.Reconciliation.ReconciliationID}
	}
	till, _, r := s.forRegister(ctx, q)
	if r != nil {
		return refuse(*r)
	}
	var p Period
	switch kind {
	case "SaleReconciliation":
		if p, r = s.closePeriod(ctx, till, q); r != nil {
			return refuse(*r)
		}
	case "PreviousReconciliation":
		number, err := strconv.ParseInt("0"+q.Reconciliation.ReconciliationID, 10, 64)
		if err != nil {
			return refuse(failure(MessageFormat, fmt.Sprintf("ReconciliationRequest.POIReconciliationID: "+
				"%q is no number; send one that this terminal gave", shorten(q.Reconciliation.ReconciliationID))))
		}
		p, err = till.Records.Closed(ctx, number)
		if errors.Is(err, payment.ErrNotFound) {
			return refuse(failure(NotFound, "no such reconciliation was made here"))
		}
		if err != nil {
			return refuse(s.unreadable(err))
		}
	default:
		return refuse(failure(NotAllowed,
			fmt.Sprintf("ReconciliationType %.40q is not made here: send SaleReconciliation",
				kind)))
	}
	return s.addUp(ctx, till, p, Response{Result: Success}, kind)
}

// closePeriod closes the period for a message, once: the same message again gives the period that it closed.
func (s *Server) closePeriod(ctx context.Context, till *Till, q *Request) (Period, *Response) {
	refuse := func(r Response) (Period, *Response) { return Period{}, &r }
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beginMax)
	defer cancel()
	done, ok := s.claim(q.Header)
	if !ok {
		return refuse(failure(Busy, "this very message is being worked on", "serviceId", q.Header.ServiceID))
	}
	defer done()
	rec, err := recordOf(q, q.Reconciliation)
	if err != nil {
		return refuse(s.unnoted(err))
	}
	before, known, err := till.Records.Known(ctx, q.Header)
	if err == nil && !known {
		// A payment that runs would belong to neither period.
		now, err := till.Engine.Status(ctx)
		if err != nil {
			return refuse(refusalOf(err))
		}
		if now.Payment.ID != "" && !now.Payment.State.Terminal() {
			return refuse(failure(Busy, "a payment is running: reconcile when it has ended"))
		}
		var last int64
		if last, err = till.Books.Last(ctx); err != nil {
			return refuse(s.unreadable(err))
		}
		if before, known, err = till.Records.CloseAt(ctx, rec, last); err != nil {
			return refuse(s.unnoted(err))
		}
	}
	if err != nil {
		return refuse(s.unreadable(err))
	}
	if known && before.Digest != rec.Digest {
		return refuse(usedBefore(q.Header))
	}
	p, err := till.Records.Closed(ctx, before.Period)
	if err != nil {
		return refuse(s.unreadable(err))
	}
	return p, nil
}

func (s *Server) unreadable(err error) Response {
	s.log.Error("totals can't be read", "err", err)
	return failure(UnavailableService, "the terminal can't read its totals: ask again")
}

// addUp is the answer with a period's sums.
func (s *Server) addUp(ctx context.Context, till *Till, p Period, answer Response,
	kind string) *TotalsResponse {
	out := &TotalsResponse{Response: answer, Type: kind, ReconciliationID: fmt.Sprint(p.Number)}
	upto := p.Upto
	if kind != "" && upto == 0 {
		return out // closed before the first fact
	}
	sums, err := till.Books.Sums(ctx, p.After, upto)
	if err != nil {
		out.Response = s.unreadable(err)
		return out
	}
	for _, sum := range sums {
		i := slices.IndexFunc(out.Totals,
			func(t TransactionTotals) bool { return t.Currency == sum.Amount.Currency })
		if i < 0 {
			i = len(out.Totals)
			out.Totals = append(out.Totals, TransactionTotals{InstrumentType: instrumentFace, AcquirerID: s.opt.Tenant,
				POIID: s.opt.POIID, Currency: sum.Amount.Currency})
		}
		name := "Failed"
		switch sum.Result {
		case string(payment.StateApproved):
			name = "Debit"
		case "reversed":
			name = "ReverseDebit"
		case string(payment.StateDeclined):
			name = "Declined"
		}
		add(&out.Totals[i], name, sum)
	}
	return out
}

// add puts a sum to those of its kind: cancelled and expired payments are both Failed.
func add(t *TransactionTotals, name string, sum Sum) {
	i := slices.IndexFunc(t.Payments, func(p PaymentTotals) bool { return p.Type == name })
	if i < 0 {
		t.Payments = append(t.Payments, PaymentTotals{Type: name, Count: sum.Count, Amount: major(sum.Amount)})
		return
	}
	p := &t.Payments[i]
	if before, err := Minor(p.Amount, sum.Amount.Currency); err == nil {
		sum.Amount.Minor += before.Minor
	}
	p.Count, p.Amount = p.Count+sum.Count, major(sum.Amount)
}

const (
	// linesMax and lineMax bound what a register may write on the customer's page.
	linesMax = 4
	lineMax  = 60 // characters
	// displayFor is how long it stays if the register does not say, and displayMax at the longest.
	displayFor = 20 * time.Second
	displayMax = 5 * time.Minute
)

// display shows a register's text on the customer's page.
func (s *Server) display(ctx context.Context, q *Request) *DisplayResponse {
	every := func(r Response) *DisplayResponse {
		answer := &DisplayResponse{}
		for _, o := range q.Display.Outputs {
			answer.Results = append(answer.Results, OutputResult{Device: o.Device, InfoQualify: o.InfoQualify,
				Response: r})
		}
		return answer
	}
	if r := s.elsewhere(q.Header); r != nil {
		return every(*r)
	}
	answer := every(Response{Result: Success})
	var shown []func()
	for i, o := range q.Display.Outputs {
		show, r := s.displayOne(o)
		if r != nil {
			answer.Results[i].Response = *r
			continue
		}
		shown = append(shown, show)
	}
	if len(shown) == 0 {
		return answer // nothing was done
	}
	return once(ctx, s, q, act[DisplayResponse]{body: q.Display, answer: answer, refuse: every, do: func() {
		for _, show := range shown {
			show()
		}
	}})
}

// displayOne gives what shows an output, or says why it can't be shown.
func (s *Server) displayOne(o DisplayOutput) (show func(), refused *Response) {
	no := func(c Condition, text string) (func(), *Response) {
		r := failure(c, text)
		return nil, &r
	}
	switch {
	case o.Device != "CustomerDisplay":
		return no(DeviceOut, fmt.Sprintf("this terminal has no %.40q: it has a CustomerDisplay", o.Device))
	case s.opt.Display == nil:
		return no(UnavailableDevice, "this terminal has no display")
	case o.Content.Format != "Text" || len(o.Content.Text) == 0:
		return no(MessageFormat, "DisplayOutput.OutputContent: send OutputFormat Text, with OutputText")
	}
	lines := []string{""}
	for i, t := range o.Content.Text {
		if err := payment.CheckText(t.Text, linesMax*lineMax); err != nil {
			r := refusalOf(wrongField(fmt.Sprintf("DisplayOutput.OutputContent.OutputText[%d].Text", i), err))
			return nil, &r
		}
		lines[len(lines)-1] += t.Text
		if t.EndOfLine && i < len(o.Content.Text)-1 {
			lines = append(lines, "")
		}
	}
	for _, l := range lines {
		if len(lines) > linesMax || utf8.RuneCountInString(l) > lineMax {
			return no(MessageFormat, fmt.Sprintf("DisplayOutput.OutputContent.OutputText: it is too long; "+
				"send at most %d lines of %d characters", linesMax, lineMax))
		}
	}
	if strings.Join(lines, "") == "" {
		return no(MessageFormat, "DisplayOutput.OutputContent.OutputText: it is empty; send words")
	}
	long := time.Duration(o.Seconds) * time.Second
	if o.Seconds <= 0 {
		long = displayFor
	}
	return func() { s.opt.Display(lines, min(long, displayMax)) }, nil
}
