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
		more.Set("message", h.OutOfOrder)
	}
	d := &DiagnosisResponse{
		Response: Response{Result: Success, AdditionalResponse: more.Encode()},
		Status:   s.poiStatus(ctx, h),
	}
	if q.Diagnosis != nil && q.Diagnosis.HostDiagnosis {
		d.Hosts = []HostStatus{{AcquirerID: s.opt.Tenant, Reachable: h.Reachable && h.Cloud}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for sale, in := range s.sessions {
		if in {
			d.LoggedIn = append(d.LoggedIn, sale)
		}
	}
	slices.Sort(d.LoggedIn)
	return d
}

// elsewhere refuses what is for another terminal.
func (s *Server) elsewhere(h Header) *Response {
	if h.POIID == s.opt.POIID {
		return nil
	}
	r := failure(NotAllowed, fmt.Sprintf("the message is for POIID %.60q, this terminal is %q", h.POIID,
		s.opt.POIID))
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
	if r := s.elsewhere(q.Header); r != nil {
		return &LoginResponse{Response: *r}
	}
	if r := s.session(q.Header.SaleID, true); r != nil {
		return &LoginResponse{Response: *r}
	}
	return &LoginResponse{
		Response: Response{Result: Success},
		System: &POISystemData{
			DateTime: stamp(time.Now()), Status: s.poiStatus(ctx, s.opt.Health(ctx)),
			Software: POISoftware{ManufacturerID: "smiletill", ApplicationName: "smiletill",
				SoftwareVersion: s.opt.Version, CertificationCode: "none"},
		},
	}
}

func (s *Server) logout(q *Request) *LogoutResponse {
	if r := s.elsewhere(q.Header); r != nil {
		return &LogoutResponse{*r}
	}
	if r := s.session(q.Header.SaleID, false); r != nil {
		return &LogoutResponse{*r}
	}
	return &LogoutResponse{Response{Result: Success}}
}

func (s *Server) session(sale string, in bool) *Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.sessions[sale]; !known && len(s.sessions) >= sessionsMax {
		r := failure(UnavailableService, "too many registers have logged in here; restart the terminal")
		return &r
	}
	s.sessions[sale] = in
	return nil
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
	if r := s.elsewhere(q.Header); r != nil {
		return refuse(*r)
	}
	till, err := s.opt.Till()
	if err != nil {
		return refuse(refusalOf(err))
	}
	var p Period
	switch kind {
	case "SaleReconciliation":
		// A payment that runs would belong to neither period.
		now, err := till.Engine.Status(ctx)
		if err != nil {
			return refuse(refusalOf(err))
		}
		if now.Payment.ID != "" && !now.Payment.State.Terminal() {
			return refuse(failure(Busy, "a payment is running: reconcile when it has ended"))
		}
		last, err := till.Books.Last(ctx)
		if err == nil {
			p, err = till.Records.CloseAt(ctx, last)
		}
		if err != nil {
			return refuse(s.unreadable(err))
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
func (s *Server) display(q *Request) *DisplayResponse {
	answer := &DisplayResponse{}
	for _, o := range q.Display.Outputs {
		answer.Results = append(answer.Results, OutputResult{Device: o.Device, InfoQualify: o.InfoQualify,
			Response: s.displayOne(q.Header, o)})
	}
	return answer
}

func (s *Server) displayOne(h Header, o DisplayOutput) Response {
	if r := s.elsewhere(h); r != nil {
		return *r
	}
	switch {
	case o.Device != "CustomerDisplay":
		return failure(DeviceOut, fmt.Sprintf("this terminal has no %.40q: it has a CustomerDisplay", o.Device))
	case s.opt.Display == nil:
		return failure(UnavailableDevice, "this terminal has no display")
	case o.Content.Format != "Text" || len(o.Content.Text) == 0:
		return failure(MessageFormat, "DisplayOutput.OutputContent: send OutputFormat Text, with OutputText")
	}
	lines := []string{""}
	for i, t := range o.Content.Text {
		if err := payment.CheckText(t.Text, linesMax*lineMax); err != nil {
			return refusalOf(wrongField(fmt.Sprintf("DisplayOutput.OutputContent.OutputText[%d].Text", i), err))
		}
		lines[len(lines)-1] += t.Text
		if t.EndOfLine && i < len(o.Content.Text)-1 {
			lines = append(lines, "")
		}
	}
	for _, l := range lines {
		if len(lines) > linesMax || utf8.RuneCountInString(l) > lineMax {
			return failure(MessageFormat, fmt.Sprintf("DisplayOutput.OutputContent.OutputText: it is too long; "+
				"send at most %d lines of %d characters", linesMax, lineMax))
		}
	}
	if strings.Join(lines, "") == "" {
		return failure(MessageFormat, "DisplayOutput.OutputContent.OutputText: it is empty; send words")
	}
	long := time.Duration(o.Seconds) * time.Second
	if o.Seconds <= 0 {
		long = displayFor
	}
	s.opt.Display(lines, min(long, displayMax))
	return Response{Result: Success}
}
