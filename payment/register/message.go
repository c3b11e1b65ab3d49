package register

import (
	"encoding/json"
	"time"
)

// Category is what a message is about.
type Category string

// The categories that the terminal answers, and Event, which it sends.
const (
	CategoryPayment           Category = "Payment"
	CategoryAbort             Category = "Abort"
	CategoryTransactionStatus Category = "TransactionStatus"
	CategoryReversal          Category = "Reversal"
	CategoryDiagnosis         Category = "Diagnosis"
	CategoryLogin             Category = "Login"
	CategoryLogout            Category = "Logout"
	CategoryGetTotals         Category = "GetTotals"
	CategoryReconciliation    Category = "Reconciliation"
	CategoryDisplay           Category = "Display"
	CategoryEvent             Category = "Event"
)

// Header is the MessageHeader. SaleID names the register, ServiceID (1 to 10 characters) one message of it,
// POIID the terminal.
type Header struct {
	ProtocolVersion string   `json:"ProtocolVersion,omitempty"`
	MessageClass    string   `json:"MessageClass"`
	MessageCategory Category `json:"MessageCategory"`
	MessageType     string   `json:"MessageType"`
	ServiceID       string   `json:"ServiceID,omitempty"`
	DeviceID        string   `json:"DeviceID,omitempty"`
	SaleID          string   `json:"SaleID"`
	POIID           string   `json:"POIID"`
}

// Request is a SaleToPOIRequest: a header and the one body that its category names, or a sealed one.
type Request struct {
	Header Header `json:"MessageHeader"`

	Payment           *PaymentRequest           `json:"PaymentRequest,omitempty"`
	Abort             *AbortRequest             `json:"AbortRequest,omitempty"`
	TransactionStatus *TransactionStatusRequest `json:"TransactionStatusRequest,omitempty"`
	Reversal          *ReversalRequest          `json:"ReversalRequest,omitempty"`
	Diagnosis         *DiagnosisRequest         `json:"DiagnosisRequest,omitempty"`
	Login             *LoginRequest             `json:"LoginRequest,omitempty"`
	Logout            *LogoutRequest            `json:"LogoutRequest,omitempty"`
	GetTotals         *GetTotalsRequest         `json:"GetTotalsRequest,omitempty"`
	Reconciliation    *ReconciliationRequest    `json:"ReconciliationRequest,omitempty"`
	Display           *DisplayRequest           `json:"DisplayRequest,omitempty"`
	Event             *EventNotification        `json:"EventNotification,omitempty"`

	NexoBlob        string           `json:"NexoBlob,omitempty"` // base64
	SecurityTrailer *SecurityTrailer `json:"SecurityTrailer,omitempty"`

	from sender // who sent it; not part of what was sent
}

// Reply is a SaleToPOIResponse.
type Reply struct {
	Header Header `json:"MessageHeader"`

	Payment           *PaymentResponse           `json:"PaymentResponse,omitempty"`
	Abort             *AbortResponse             `json:"AbortResponse,omitempty"`
	TransactionStatus *TransactionStatusResponse `json:"TransactionStatusResponse,omitempty"`
	Reversal          *ReversalResponse          `json:"ReversalResponse,omitempty"`
	Diagnosis         *DiagnosisResponse         `json:"DiagnosisResponse,omitempty"`
	Login             *LoginResponse             `json:"LoginResponse,omitempty"`
	Logout            *LogoutResponse            `json:"LogoutResponse,omitempty"`
	GetTotals         *TotalsResponse            `json:"GetTotalsResponse,omitempty"`
	Reconciliation    *TotalsResponse            `json:"ReconciliationResponse,omitempty"`
	Display           *DisplayResponse           `json:"DisplayResponse,omitempty"`
	Event             *EventNotification         `json:"EventNotification,omitempty"` // sealed: of no category

	// Other refuses a category that this terminal doesn't take, and is called after it: "PrintResponse".
	Other *Response `json:"-"`

	NexoBlob        string           `json:"NexoBlob,omitempty"`
	SecurityTrailer *SecurityTrailer `json:"SecurityTrailer,omitempty"`
}

// message is what travels: one of the two.
type message struct {
	Request *Request `json:"SaleToPOIRequest,omitempty"`
	Reply   *Reply   `json:"SaleToPOIResponse,omitempty"`
}

// Response says how a request went. AdditionalResponse is a URL query string.
type Response struct {
	Result             Result    `json:"Result"`
	ErrorCondition     Condition `json:"ErrorCondition,omitempty"`
	AdditionalResponse string    `json:"AdditionalResponse,omitempty"`
}

// Result is how a request went.
type Result string

// The results.
const (
	Success Result = "Success"
	Partial Result = "Partial"
	Failure Result = "Failure"
)

// Condition says why a request failed.
type Condition string

// The conditions that this terminal sends. Of the protocol's others, InsertedCard and InvalidCard belong to
// cards.
const (
	Aborted            Condition = "Aborted"
	Busy               Condition = "Busy"
	Cancelled          Condition = "Cancel"
	DeviceOut          Condition = "DeviceOut"
	InProgress         Condition = "InProgress"
	LoggedOut          Condition = "LoggedOut"
	MessageFormat      Condition = "MessageFormat"
	NotAllowed         Condition = "NotAllowed"
	NotFound           Condition = "NotFound"
	PaymentRestriction Condition = "PaymentRestriction"
	Refusal            Condition = "Refusal"
	UnavailableDevice  Condition = "UnavailableDevice"
	UnavailableService Condition = "UnavailableService"
	UnreachableHost    Condition = "UnreachableHost"
	WrongPIN           Condition = "WrongPIN"
)

// TransactionID names a transaction of the register (SaleTransactionID) or of the terminal
// (POITransactionID).
type TransactionID struct {
	TransactionID string `json:"TransactionID"`
	TimeStamp     string `json:"TimeStamp"` // RFC 3339
}

// AmountsReq are amounts in major units, as written.
type AmountsReq struct {
	Currency        string      `json:"Currency"`
	RequestedAmount json.Number `json:"RequestedAmount,omitempty"` // with the tip
	TipAmount       json.Number `json:"TipAmount,omitempty"`       // of it
	CashBackAmount  json.Number `json:"CashBackAmount,omitempty"`
}

// PaymentRequest asks for a payment. SaleData is kept as it came: it is copied into the response.
type PaymentRequest struct {
	SaleData    json.RawMessage `json:"SaleData"`
	Transaction struct {
		Amounts AmountsReq `json:"AmountsReq"`
	} `json:"PaymentTransaction"`
	Data *PaymentData `json:"PaymentData,omitempty"`
	// Loyalty is who the customer is, as far as the register knows: see digits. It is kept nowhere.
	Loyalty []struct {
		Account struct {
			Type string `json:"IdentificationType,omitempty"`
			ID   string `json:"LoyaltyID,omitempty"`
		} `json:"LoyaltyAccountID,omitempty"`
	} `json:"LoyaltyData,omitempty"`
}

// PaymentData says which kind of payment; empty is Normal.
type PaymentData struct {
	PaymentType string `json:"PaymentType,omitempty"`
}

// SaleData is the part of a request's SaleData that the terminal reads.
type SaleData struct {
	SaleTransactionID TransactionID `json:"SaleTransactionID"`
	OperatorID        string        `json:"OperatorID,omitempty"`
	SaleReferenceID   string        `json:"SaleReferenceID,omitempty"`
}

// PaymentResponse is the end of a payment.
type PaymentResponse struct {
	Response Response        `json:"Response"`
	SaleData json.RawMessage `json:"SaleData,omitempty"`
	POIData  POIData         `json:"POIData"`
	Result   *PaymentResult  `json:"PaymentResult,omitempty"`
	Receipts []Receipt       `json:"PaymentReceipt"` // never null: registers search in it
}

// POIData is what the terminal calls the transaction.
type POIData struct {
	TransactionID    TransactionID `json:"POITransactionID"`
	ReconciliationID string        `json:"POIReconciliationID,omitempty"`
}

// PaymentResult is what was paid, and how.
type PaymentResult struct {
	PaymentType    string     `json:"PaymentType"`
	Instrument     Instrument `json:"PaymentInstrumentData"`
	Amounts        AmountResp `json:"AmountsResp"`
	Online         bool       `json:"OnlineFlag"`
	Authentication []string   `json:"AuthenticationMethod"`
	Acquirer       Acquirer   `json:"PaymentAcquirerData"`
}

// Instrument is what was paid with. The protocol knows no faces: "Mobile".
type Instrument struct {
	Type string `json:"PaymentInstrumentType"`
}

// AmountResp are amounts in major units.
type AmountResp struct {
	Currency   string      `json:"Currency"`
	Authorized json.Number `json:"AuthorizedAmount"`
	Tip        json.Number `json:"TipAmount,omitempty"`
}

// Acquirer names who is paid; the terminal's tenant, and the terminal.
type Acquirer struct {
	AcquirerID    string        `json:"AcquirerID"`
	MerchantID    string        `json:"MerchantID"`
	AcquirerPOIID string        `json:"AcquirerPOIID"`
	TransactionID TransactionID `json:"AcquirerTransactionID"`
}

// MessageReference names an earlier message. Empty fields stand for any.
type MessageReference struct {
	MessageCategory Category `json:"MessageCategory,omitempty"`
	ServiceID       string   `json:"ServiceID,omitempty"`
	DeviceID        string   `json:"DeviceID,omitempty"`
	SaleID          string   `json:"SaleID,omitempty"`
	POIID           string   `json:"POIID,omitempty"`
}

// AbortRequest ends a payment that runs.
type AbortRequest struct {
	Reason    string           `json:"AbortReason"`
	Reference MessageReference `json:"MessageReference"`
}

// AbortResponse refuses an Abort that names no message; one that does has no answer.
type AbortResponse struct {
	Response Response `json:"Response"`
}

// TransactionStatusRequest asks how an earlier Payment or Reversal went; without a reference, the latest
// of this register.
type TransactionStatusRequest struct {
	Reference *MessageReference `json:"MessageReference,omitempty"`
	Reprint   bool              `json:"ReceiptReprintFlag,omitempty"`
	Documents []string          `json:"DocumentQualifier,omitempty"`
}

// TransactionStatusResponse repeats the response of the message asked about.
type TransactionStatusResponse struct {
	Response  Response          `json:"Response"`
	Reference *MessageReference `json:"MessageReference,omitempty"`
	Repeated  *RepeatedMessage  `json:"RepeatedMessageResponse,omitempty"`
}

// RepeatedMessage is an earlier response.
type RepeatedMessage struct {
	Header Header `json:"MessageHeader"`
	Body   struct {
		Payment  *PaymentResponse  `json:"PaymentResponse,omitempty"`
		Reversal *ReversalResponse `json:"ReversalResponse,omitempty"`
	} `json:"RepeatedResponseMessageBody"`
}

// OriginalTransaction names a payment of this terminal.
type OriginalTransaction struct {
	POITransactionID TransactionID `json:"POITransactionID"`
	SaleID           string        `json:"SaleID,omitempty"`
	POIID            string        `json:"POIID,omitempty"`
}

// ReversalRequest gives a payment back; without an amount, all that is left of it.
type ReversalRequest struct {
	SaleData json.RawMessage     `json:"SaleData,omitempty"`
	Original OriginalTransaction `json:"OriginalPOITransaction"`
	Amount   json.Number         `json:"ReversedAmount,omitempty" null:"refused"` // in the payment's currency
	Reason   string              `json:"ReversalReason"`
}

// ReversalResponse is what was given back.
type ReversalResponse struct {
	Response Response             `json:"Response"`
	POIData  *POIData             `json:"POIData,omitempty"`
	Original *OriginalTransaction `json:"OriginalPOITransaction,omitempty"`
	Amount   json.Number          `json:"ReversedAmount,omitempty"`
	Receipts []Receipt            `json:"PaymentReceipt"`
}

// EventNotification is what the terminal says unasked. Rejected is a message that it could not read, base64.
type EventNotification struct {
	TimeStamp string `json:"TimeStamp"`
	Event     string `json:"EventToNotify"`
	Details   string `json:"EventDetails,omitempty"`
	Rejected  string `json:"RejectedMessage,omitempty"`
}

// SecurityTrailer says how a NexoBlob was sealed.
type SecurityTrailer struct {
	CryptoVersion int    `json:"AdyenCryptoVersion"`
	KeyIdentifier string `json:"KeyIdentifier"`
	KeyVersion    int    `json:"KeyVersion"`
	Nonce         string `json:"Nonce"` // base64 of 16 bytes
	HMAC          string `json:"Hmac"`  // base64 of 32 bytes
}

const (
	protocolVersion = "3.0"
	typeRequest     = "Request"
	typeResponse    = "Response"
	classService    = "Service"
	classEvent      = "Event"
	instrumentFace  = "Mobile"
)

// stamp writes a time as registers' libraries expect it: RFC 3339 in UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
