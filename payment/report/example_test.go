package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// unsigned stands for a KeySigner.
type unsigned struct{}

func (unsigned) SignEvent(signature.Event) (string, error) { return "header..signature", nil }

func ExampleEncode() {
	till := report.Address{Tenant: "acme", Site: "kiosk-1", Terminal: "till_2"}
	event, err := report.Encode(till, report.Row{
		Seq: 7, ID: "0198c1f2", Kind: "approved", PaymentID: "order-9", Hash: "9f86d081",
		Body: json.RawMessage(`{"amount_minor":150,"currency":"EUR"}`),
	}, unsigned{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(till.Topic(report.ChannelPayment))
	var lines bytes.Buffer
	if err := json.Indent(&lines, event, "", "  "); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lines.String())
	// Output:
	// v1/acme/kiosk-1/till_2/payment
	// {
	//   "specversion": "1.0",
	//   "id": "0198c1f2",
	//   "source": "smiletill:/acme/kiosk-1/till_2",
	//   "type": "io.smiletill.payment.approved.v1",
	//   "subject": "order-9",
	//   "datacontenttype": "application/json",
	//   "data": {
	//     "amount_minor": 150,
	//     "currency": "EUR"
	//   },
	//   "hash": "9f86d081",
	//   "seq": "7",
	//   "signature": "header..signature"
	// }
}
