package register

import (
	"bytes"
	"encoding/json"
	"regexp"
	"time"

	"golang.org/x/text/unicode/norm"
)

// composed is a header by which messages are compared: é is one character, however the register writes it.
func (h Header) composed() Header {
	h.SaleID, h.ServiceID = norm.NFC.String(h.SaleID), norm.NFC.String(h.ServiceID)
	return h
}

func (r *MessageReference) compose() {
	r.SaleID, r.ServiceID = norm.NFC.String(r.SaleID), norm.NFC.String(r.ServiceID)
}

// compose has a request's names compared as its header's are.
func (q *Request) compose() {
	q.Header = q.Header.composed()
	if q.Abort != nil {
		q.Abort.Reference.compose()
	}
	if q.TransactionStatus != nil && q.TransactionStatus.Reference != nil {
		q.TransactionStatus.Reference.compose()
	}
}

// answerable reports a category that has a response of its own, whether this terminal takes it or not.
func (c Category) answerable() bool {
	return c != CategoryEvent && regexp.MustCompile(`^[A-Z][A-Za-z]{1,39}$`).MatchString(string(c))
}

// failed is the response of its category to a request that can't be met because of its form. nil: it has no
// category that could be answered.
func (s *Server) failed(q *Request, why error) *Reply {
	if !q.Header.MessageCategory.answerable() {
		return nil
	}
	r := failure(MessageFormat, textOf(why))
	switch q.Header.MessageCategory {
	case CategoryPayment:
		return &Reply{Payment: refusedPayment(q, r)}
	case CategoryReversal:
		return &Reply{Reversal: refusedReversal(q, r)}
	case CategoryTransactionStatus:
		return &Reply{TransactionStatus: &TransactionStatusResponse{Response: r}}
	case CategoryDiagnosis:
		return &Reply{Diagnosis: &DiagnosisResponse{Response: r}}
	case CategoryLogin:
		return &Reply{Login: &LoginResponse{Response: r}}
	case CategoryLogout:
		return &Reply{Logout: &LogoutResponse{Response: r}}
	case CategoryGetTotals:
		return &Reply{GetTotals: &TotalsResponse{Response: r, ReconciliationID: "0"}}
	case CategoryReconciliation:
		answer := &TotalsResponse{Response: r, ReconciliationID: "0"}
		if q.Reconciliation != nil {
			answer.Type = q.Reconciliation.Type
		}
		return &Reply{Reconciliation: answer}
	case CategoryDisplay:
		return &Reply{Display: &DisplayResponse{Results: []OutputResult{{Device: "CustomerDisplay",
			InfoQualify: "Display", Response: r}}}}
	case CategoryAbort:
		return &Reply{Abort: &AbortResponse{r}}
	case CategoryEvent:
	}
	return &Reply{Other: &r}
}

// refusedPayment is the response to a Payment that was not begun.
func refusedPayment(q *Request, r Response) *PaymentResponse {
	answer := &PaymentResponse{Response: r, Receipts: []Receipt{},
		POIData: POIData{TransactionID: TransactionID{TimeStamp: stamp(time.Now())}}}
	if q.Payment != nil && bytes.HasPrefix(q.Payment.SaleData, []byte("{")) {
		answer.SaleData = q.Payment.SaleData
	}
	return answer
}

// refusedReversal is the response to a Reversal that was not made. Its original is left out where it has no
// time: libraries fail on an empty one.
func refusedReversal(q *Request, r Response) *ReversalResponse {
	answer := &ReversalResponse{Response: r, Receipts: []Receipt{}}
	if q.Reversal != nil && q.Reversal.Original.POITransactionID.TimeStamp != "" {
		answer.Original = &q.Reversal.Original
	}
	return answer
}

// MarshalJSON puts Other under its category's name: "PrintResponse".
func (r Reply) MarshalJSON() ([]byte, error) {
	type bare Reply
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // whoever encodes the reply does it, or leaves query strings readable
	if err := e.Encode(bare(r)); err != nil || r.Other == nil {
		return b.Bytes(), err
	}
	b.Truncate(b.Len() - len("}\n"))
	b.WriteString(`,"` + string(r.Header.MessageCategory) + `Response":`)
	err := e.Encode(AbortResponse{*r.Other})
	b.WriteString("}")
	return b.Bytes(), err
}
