package screen

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestCustomersWantASession asks for customers without a session, from another page and over a network in
// clear text: nothing is told or done.
func TestCustomersWantASession(t *testing.T) {
	l := newShopTill()
	folk(l)
	c := &counterClient{t: t, s: newServer(t, Options{Counter: l})}
	gets := []string{"/counter/customers", "/counter/extract?id=c_ada", "/counter/consent"}
	posts := map[string]string{"/counter/customers/pin": `{"id":"c_ada","pin":"730164"}`,
		"/counter/customers/block":  `{"id":"c_ada","blocked":true,"why":"misuse"}`,
		"/counter/customers/forget": `{"id":"c_ada","lang":"en"}`,
		"/counter/enrol": `{"token":"0123456789abcdef","name":"New","version":"aa01","lang":"en",` +
			`"agreed":true}`,
		"/counter/enrolment": `{"token":"0123456789abcdef","stop":true}`,
		"/counter/vouch":     `{"id":"c_ada","name":"Berta","pin":"915372"}`}
	all := func(status int, change func(*http.Request)) {
		t.Helper()
		for _, path := range gets {
			c.want(status, "", "GET", path, "", change)
		}
		for path, body := range posts {
			c.want(status, "", "POST", path, body, change)
		}
	}
	all(http.StatusUnauthorized, nil)
	c.unlock()
	all(http.StatusForbidden, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	all(http.StatusForbidden, func(r *http.Request) { r.RemoteAddr = "192.0.2.7:40000" })
	if n := l.heard("forget") + l.heard("customer pin") + l.heard("block") + l.heard("enrol") +
		l.heard("withdrawn") + l.heard("vouch"); n > 0 {
		t.Errorf("%d were done", n)
	}
}

// TestCustomersOnThePage sends what no page sends: PINs that are none, customers whom nobody knows, and what
// is too long.
func TestCustomersOnThePage(t *testing.T) {
	l := newShopTill()
	folk(l)
	c := &counterClient{t: t, s: newServer(t, Options{Counter: l})}
	c.unlock()
	_, answer := c.send("GET", "/counter/customers", "")
	var told struct{ Customers []map[string]any }
	if err := json.Unmarshal([]byte(answer), &told); err != nil || len(told.Customers) != 15 ||
		told.Customers[1]["name"] != "Ada Lovelace" || told.Customers[14]["damaged"] != true {
		t.Errorf("%s, %v", answer, err)
	}
	for _, digits := range []string{"12a4", "1234567890123", "７３０１６４", " 730164"} {
		c.want(http.StatusConflict, `"why":"pin"`, "POST", "/counter/customers/pin",
			`{"id":"c_ada","pin":"`+digits+`"}`)
	}
	c.want(http.StatusConflict, `"why":"customer"`, "POST", "/counter/customers/pin",
		`{"id":"/clerk","pin":"730164"}`)
	c.want(http.StatusBadRequest, "", "POST", "/counter/customers/pin", `{"id":"c_ada","pin":"730164","face":1}`)
	c.want(http.StatusBadRequest, "", "POST", "/counter/customers/pin",
		`{"id":"`+strings.Repeat("a", counterBodyMax)+`","pin":"730164"}`)
	c.want(http.StatusConflict, `"why":"customer"`, "GET", "/counter/extract?id=..%2f..%2fkey", "")
	c.want(http.StatusOK, `{"id":"c_ada"}`, "GET", "/counter/extract?id=c_ada", "")
	c.want(http.StatusConflict, `"why":"customer"`, "POST", "/counter/customers/forget", `{"id":"nobody"}`)
	c.want(http.StatusOK, `"title":"Gelöscht"`, "POST", "/counter/customers/forget",
		`{"id":"c_ada","lang":"de"}`)
	c.want(http.StatusOK, `"signature":"abc"`, "POST", "/counter/customers/forget", `{"id":"c_ada","lang":"xx"}`)
}

// TestEnrolOfNoPage sends what no page sends to enrol somebody: without the customer's tick, with PINs that
// are none, and too much. Whose session has ended is nobody's page any more.
func TestEnrolOfNoPage(t *testing.T) {
	l := newShopTill()
	folk(l)
	c := &counterClient{t: t, s: newServer(t, Options{Counter: l})}
	c.unlock()
	const begin = `{"token":"0123456789abcdef",`
	c.want(http.StatusConflict, `"why":"withdrawn"`, "POST", "/counter/enrol",
		begin+`"name":"New","version":"aa01","lang":"en"}`)
	c.want(http.StatusConflict, `"why":"withdrawn"`, "POST", "/counter/enrol",
		begin+`"again":"c_ada","version":"aa01","lang":"en"}`)
	for _, token := range []string{"", "short", "../../../../../../", strings.Repeat("a", 65)} {
		c.want(http.StatusConflict, `"why":"not_begun"`, "POST", "/counter/enrol",
			`{"token":"`+token+`","name":"New","version":"aa01","lang":"en","agreed":true}`)
	}
	for _, digits := range []string{"12a4", "1234567890123", "７３０１６４"} {
		c.want(http.StatusConflict, `"why":"pin"`, "POST", "/counter/enrol",
			begin+`"name":"New","version":"aa01","lang":"en","agreed":true,"pin":"`+digits+`"}`)
		c.want(http.StatusConflict, `"why":"second"`, "POST", "/counter/vouch",
			`{"id":"c_ada","name":"Berta","pin":"`+digits+`"}`)
	}
	c.want(http.StatusConflict, `"why":"second"`, "POST", "/counter/vouch",
		`{"id":"c_ada","name":"Berta","pin":""}`)
	c.want(http.StatusBadRequest, "", "POST", "/counter/enrol",
		begin+`"name":"New","agreed":true,"face":"data:"}`)
	c.want(http.StatusBadRequest, "", "POST", "/counter/enrol",
		begin+`"name":"`+strings.Repeat("a", counterBodyMax)+`","agreed":true}`)
	if n := l.heard("enrol") + l.heard("vouch"); n > 0 {
		t.Errorf("%d were begun", n)
	}
	for range 2 { // as when the first answer was lost
		c.want(http.StatusOK, "", "POST", "/counter/enrol",
			begin+`"name":"New","version":"aa01","lang":"en","explained":"Anna","agreed":true}`)
	}
	c.want(http.StatusOK, `"state":"enrol_look"`, "POST", "/counter/enrolment", begin+`"stop":false}`)
	c.want(http.StatusConflict, `"why":"not_begun"`, "POST", "/counter/enrolment", `{"token":"another"}`)
	if !StillOpen(l.page) {
		t.Error("the page is not open")
	}
	c.want(http.StatusOK, "", "POST", "/counter/lock", "{}")
	if StillOpen(l.page) || StillOpen(t.Context()) {
		t.Error("a page that was locked is open")
	}
}

// useCustomers notes the words of the customers' page as used.
func useCustomers(used map[string]bool, find func(file, pattern, prefix string)) {
	find("counter_enrol.js", `"((?:enrol)_\w+)"`, "counter.")
	find("counter_customers.js", `"((?:cust|pin|forget|block)_\w+)"`, "counter.")
	for _, k := range []string{"lang_en", "lang_de", "save", "receipt_saved", "extract_name", "enrol_agree",
		"enrol_stop"} {
		used["counter."+k] = true
	}
	for _, k := range []string{"settled", "asked_for", "by_mistake", "misuse", "owes", "other"} {
		used["counter.block."+k] = true
	}
	for _, k := range []string{"title", "note", "file", "customer", "face", "templates", "name", "gone", "smile",
		"consent", "pin", "digits", "payments", "unreported"} {
		used["counter.erased."+k] = true
	}
	for _, r := range []Refusal{RefusedRole, RefusedCustomer, RefusedPIN, RefusedCamera, RefusedWithdrawn,
		RefusedPictures, RefusedWho, RefusedTaken, RefusedFace, RefusedOtherFace, RefusedDigits, RefusedSecond,
		RefusedNotBegun, RefusedIncomparable, RefusedSecondLocked, RefusedSecondRole,
		RefusedAlarm, RefusedText, RefusedFull, RefusedNobody, RefusedSeveral} {
		used["counter.refused."+string(r)] = true
	}
}

// Bystanders don't read that a customer is blocked, the clerk does.
func TestBlockedIsNotToldToBystanders(t *testing.T) {
	c, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	for lang, word := range map[string]string{"en": "block", "de": "gesperrt"} {
		help := c.words(View{State: Declined, Reason: Blocked}, lang)["help"]
		if help == "" || strings.Contains(strings.ToLower(help), word) ||
			!strings.Contains(c[lang]["counter.why.blocked"], word) {
			t.Errorf("%s: %q", lang, help)
		}
	}
}
