package register

import "encoding/json"

// DiagnosisRequest asks how the terminal does.
type DiagnosisRequest struct {
	POIID         string `json:"POIID,omitempty"`
	HostDiagnosis bool   `json:"HostDiagnosisFlag,omitempty"`
}

// DiagnosisResponse is how it does.
type DiagnosisResponse struct {
	Response Response     `json:"Response"`
	LoggedIn []string     `json:"LoggedSaleID,omitempty"`
	Status   *POIStatus   `json:"POIStatus,omitempty"`
	Hosts    []HostStatus `json:"HostStatus,omitempty"`
}

// POIStatus is the terminal's state: GlobalStatus is OK, Busy, Maintenance or Unreachable.
type POIStatus struct {
	Global        string `json:"GlobalStatus"`
	SecurityOK    bool   `json:"SecurityOKFlag"`
	PEDOK         bool   `json:"PEDOKFlag"`
	Communication bool   `json:"CommunicationOKFlag"`
}

// HostStatus tells whether reports reach the cloud.
type HostStatus struct {
	AcquirerID string `json:"AcquirerID"`
	Reachable  bool   `json:"IsReachableFlag"`
}

// LoginRequest begins a register's session.
type LoginRequest struct {
	DateTime         string          `json:"DateTime"`
	SaleSoftware     json.RawMessage `json:"SaleSoftware"`
	OperatorLanguage string          `json:"OperatorLanguage"`
	OperatorID       string          `json:"OperatorID,omitempty"`
}

// LoginResponse says who answers.
type LoginResponse struct {
	Response Response       `json:"Response"`
	System   *POISystemData `json:"POISystemData,omitempty"`
}

// POISystemData describes the terminal.
type POISystemData struct {
	DateTime string      `json:"DateTime"`
	Software POISoftware `json:"POISoftware"`
	Status   *POIStatus  `json:"POIStatus,omitempty"`
}

// POISoftware is this program. CertificationCode is required by the protocol; there is none.
type POISoftware struct {
	ManufacturerID    string `json:"ManufacturerID"`
	ApplicationName   string `json:"ApplicationName"`
	SoftwareVersion   string `json:"SoftwareVersion"`
	CertificationCode string `json:"CertificationCode"`
}

// LogoutRequest ends a register's session.
type LogoutRequest struct {
	Maintenance bool `json:"MaintenanceAllowed,omitempty"`
}

// LogoutResponse is its answer.
type LogoutResponse struct {
	Response Response `json:"Response"`
}

// GetTotalsRequest asks what came in since the last reconciliation.
type GetTotalsRequest struct {
	Details []string        `json:"TotalDetails,omitempty"`
	Filter  json.RawMessage `json:"TotalFilter,omitempty"`
}

// ReconciliationRequest closes a period (SaleReconciliation) or tells one that was closed
// (PreviousReconciliation).
type ReconciliationRequest struct {
	Type             string `json:"ReconciliationType"`
	ReconciliationID string `json:"POIReconciliationID,omitempty"`
}

// TotalsResponse is the answer to both. Type is empty in one to GetTotals.
type TotalsResponse struct {
	Response         Response            `json:"Response"`
	Type             string              `json:"ReconciliationType,omitempty"`
	ReconciliationID string              `json:"POIReconciliationID"`
	Totals           []TransactionTotals `json:"TransactionTotals,omitempty"`
}

// TransactionTotals are the sums of one currency.
type TransactionTotals struct {
	InstrumentType string          `json:"PaymentInstrumentType"`
	AcquirerID     string          `json:"AcquirerID,omitempty"`
	POIID          string          `json:"POIID,omitempty"`
	Currency       string          `json:"PaymentCurrency"`
	Payments       []PaymentTotals `json:"PaymentTotals"`
}

// PaymentTotals is one sum: Type is Debit, ReverseDebit, Declined or Failed.
type PaymentTotals struct {
	Type   string      `json:"TransactionType"`
	Count  int         `json:"TransactionCount"`
	Amount json.Number `json:"TransactionAmount"` // major units
}

// DisplayRequest puts text on the customer's page.
type DisplayRequest struct {
	Outputs []DisplayOutput `json:"DisplayOutput"`
}

// DisplayOutput is one text for one device.
type DisplayOutput struct {
	Device      string        `json:"Device"`
	InfoQualify string        `json:"InfoQualify"`
	Content     OutputContent `json:"OutputContent"`
	Seconds     int           `json:"MinimumDisplayTime,omitempty"`
}

// OutputContent is text to show or print.
type OutputContent struct {
	Format string       `json:"OutputFormat"` // "Text"
	Text   []OutputText `json:"OutputText"`
}

// OutputText is a line. On receipts Text is a query string with the keys name, value and key.
type OutputText struct {
	Text      string `json:"Text"`
	Style     string `json:"CharacterStyle,omitempty"`
	EndOfLine bool   `json:"EndOfLineFlag,omitempty"`
}

// DisplayResponse has one result for each output, in their order.
type DisplayResponse struct {
	Results []OutputResult `json:"OutputResult"`
}

// OutputResult is the answer to one output.
type OutputResult struct {
	Device      string   `json:"Device"`
	InfoQualify string   `json:"InfoQualify"`
	Response    Response `json:"Response"`
}

// Receipt is for the cashier (CashierReceipt) or the customer (CustomerReceipt).
type Receipt struct {
	Document  string        `json:"DocumentQualifier"`
	Printed   bool          `json:"IntegratedPrintFlag"` // never: the terminal has no printer
	Signature bool          `json:"RequiredSignatureFlag"`
	Content   OutputContent `json:"OutputContent"`
}
