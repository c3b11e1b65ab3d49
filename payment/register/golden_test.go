package register_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"smiletill/payment"
	"smiletill/payment/register"
)

// schemas compiles a definition of testdata/messages.schema.json: "Request" or "Answer".
func schemas(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "messages.schema.json") + "#/$defs/" +
		name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// steady takes out of a text what differs from run to run: times.
func steady(text string) string {
	for _, r := range []struct{ pattern, by string }{
		{`\d{4}-\d{2}-\d{2}`, "2026-11-20"},
		{`\d{2}:\d{2}:\d{2}(\.\d{3})?`, "10:00:00$1"},
		{`\.\d{3}Z`, ".000Z"},
		{`\d{2}%3A\d{2}%3A\d{2}`, "10%3A00%3A00"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	return text
}

// TestGoldenMessages sends the requests of testdata/messages in their order and holds each answer against its
// golden file and against the schema.
func TestGoldenMessages(t *testing.T) {
	d := newDesk(t)
	d.set(register.Health{Reachable: true, Cloud: true, Unreported: 3})
	acts := map[string]func(payment.Payment){
		"03": d.smiles,
		"04": func(p payment.Payment) { d.seen(p.ID, payment.Unknown{}) },
		"05": func(p payment.Payment) { d.seen(p.ID, payment.Cancelled{By: payment.ByCustomer}) },
	}
	requests, answers := schemas(t, "Request"), schemas(t, "Answer")
	files, err := filepath.Glob(filepath.Join("testdata", "messages", "*.request.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		valid(t, requests, file, body)
		type reply struct {
			code int
			text string
		}
		done := make(chan reply, 1)
		go func() {
			code, text := d.raw(string(body))
			done <- reply{code, text}
		}()
		name := strings.TrimSuffix(filepath.Base(file), ".request.json")
		if act := acts[name[:2]]; act != nil {
			act(d.running())
		}
		r := <-done
		if r.code != 200 {
			t.Fatalf("%s: %d %s", name, r.code, r.text)
		}
		var pretty bytes.Buffer
		if r.text != "" {
			valid(t, answers, name, []byte(r.text))
			if err := json.Indent(&pretty, []byte(r.text), "", "  "); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, filepath.Join("messages", name+".answer.json"), pretty.String())
	}
}

func valid(t *testing.T, s *jsonschema.Schema, name string, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", name, err, text)
	}
}

// TestSchemaNotices: the schema is no formality.
func TestSchemaNotices(t *testing.T) {
	answers := schemas(t, "Answer")
	text, err := os.ReadFile(filepath.Join("testdata", "messages", "03-payment-approved.answer.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new string }{
		{`"Result": "Success"`, `"Result": "Fine"`},
		{`"Result": "Success"`, `"Result": "Failure"`},
		{`"AuthorizedAmount": 10.10`, `"AuthorizedAmount": "10.10"`},
		{`"OnlineFlag": false`, `"OnlineFlag": true`},
		{`"MessageType": "Response"`, `"MessageType": "Request"`},
		{`"MessageCategory": "Payment"`, `"MessageCategory": "Reversal"`},
		{`"PaymentReceipt"`, `"Receipts"`},
	} {
		broken := strings.Replace(string(text), c.old, c.new, 1)
		if broken == string(text) {
			t.Fatalf("%s is not in the answer", c.old)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(broken))
		if err != nil {
			t.Fatal(err)
		}
		if answers.Validate(v) == nil {
			t.Errorf("%s for %s was not noticed", c.new, c.old)
		}
	}
}
