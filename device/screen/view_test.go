package screen

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestShowTakesOutNonsense(t *testing.T) {
	var log strings.Builder
	s := newServer(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, c := range []struct{ give, want View }{
		{View{State: "paid", Amount: "1.00", Merchant: "M"}, View{State: OutOfOrder, Merchant: "M",
			Detail: Detail{What: "The screen was given an unknown state.", Do: "Update the terminal's software."}}},
		{View{State: Smile, Instruction: "dance"}, View{State: Smile}},
		{View{State: Declined, Reason: "ugly"}, View{State: Declined}},
		{View{State: Idle, Lang: "tlh"}, View{State: Idle}},
		{View{State: Smile, Progress: math.NaN()}, View{State: Smile}},
		{View{State: Smile, Progress: -3}, View{State: Smile}},
		{View{State: Smile, Progress: math.Inf(1)}, View{State: Smile, Progress: 1}},
		{View{State: EnterPIN, LightOffer: true}, View{State: EnterPIN}},
		{View{State: Idle, LightOffer: true}, View{State: Idle}},
	} {
		s.Show(c.give)
		s.Show(c.give)
		if got, _ := s.current(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v is shown as %+v", c.give, got)
		}
	}
	if n := strings.Count(log.String(), "instruction dance"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

// Every field counts for a change: one that is forgotten in same would never reach the screen.
func TestSame(t *testing.T) {
	base := View{State: Idle}
	typ := reflect.TypeFor[View]()
	for i := range typ.NumField() {
		v := base
		f := reflect.ValueOf(&v).Elem().Field(i)
		switch f.Interface().(type) {
		case string, State, Instruction, Reason:
			f.SetString("x")
		case float64:
			f.SetFloat(1)
		case bool:
			f.SetBool(true)
		case time.Time:
			f.Set(reflect.ValueOf(time.Now()))
		case Detail:
			f.Set(reflect.ValueOf(Detail{Do: "x"}))
		case *Light:
			f.Set(reflect.ValueOf(&Light{Colours: []Colour{{1}}}))
		case map[string]bool:
			f.Set(reflect.ValueOf(map[string]bool{"x": false}))
		default:
			t.Fatalf("%s: this test doesn't know %s", typ.Field(i).Name, f.Type())
		}
		if v.same(base) {
			t.Errorf("%s doesn't count", typ.Field(i).Name)
		}
	}
	if !base.same(base) {
		t.Error("a View isn't the same as itself")
	}
}

func TestShowCopiesLamps(t *testing.T) {
	s := newServer(t, Options{})
	lamps := map[string]bool{"red": false}
	s.Show(View{State: Idle, Lamps: lamps})
	lamps["red"] = true
	if v, _ := s.current(); v.Lamps["red"] {
		t.Error("the caller's map is shown")
	}
	_, before := s.current()
	s.Show(View{State: Idle, Lamps: lamps})
	if _, seq := s.current(); seq != before+1 {
		t.Error("a changed lamp is not shown")
	}
}

func TestShowDoesNotAllocate(t *testing.T) {
	s := newServer(t, Options{})
	v := View{State: Smile, Amount: "12.50", Currency: "EUR", Instruction: KeepSmiling}
	if n := testing.AllocsPerRun(100, func() { s.Show(v) }); n != 0 {
		t.Errorf("%v allocations for the same View", n)
	}
	n := testing.AllocsPerRun(100, func() {
		v.Progress = math.Mod(v.Progress+0.01, 1)
		s.Show(v)
	})
	if n != 0 {
		t.Errorf("%v allocations for a new View", n)
	}
}

func TestLanguage(t *testing.T) {
	c, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ asked, own, accept, want string }{
		{"xx", "", "fr,it;q=0.8", "en"},
		{"", "", "", "en"},
		{"", "", "de;q=nonsense", "en"},
		{"", "", "de;q=7", "en"},
		{"", "", "de;q=0", "en"},
		{"", "", ";;;,,,de;;q", "de"},
		{"", "", "en;q=0.3, de-AT;q=0.9", "de"},
		{"", "", "DE", "de"},
		{"", "de", "en", "de"},
		{"en", "de", "de", "en"},
		{"xx", "de", "en", "de"},
	} {
		if got := c.pick(x.asked, x.own, x.accept); got != x.want {
			t.Errorf("%+v: %s", x, got)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	c, err := loadCatalogues()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("en;q=0.3, de-AT;q=0.9")
	f.Fuzz(func(t *testing.T, accept string) {
		if got := c.pick("", "", accept); c[got] == nil {
			t.Errorf("%q gives %q", accept, got)
		}
	})
}

// TestMessages: both catalogues have the same keys; every key that Go, the page or the script uses
// exists; and no key is left that nothing uses.
func TestMessages(t *testing.T) {
	c, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	used := usedKeys(t)
	for lang, m := range c {
		for key := range used {
			if _, ok := m[key]; !ok {
				t.Errorf("%s: no message %q", lang, key)
			}
		}
		for key, text := range m {
			if !used[key] {
				t.Errorf("%s: nothing uses %q", lang, key)
			}
			if text == "" && (lang == "en" || c["en"][key] != "") && !strings.HasPrefix(key, "help.") {
				t.Errorf("%s: %q is empty", lang, key)
			}
			en := c["en"][key]
			if (text == "") != (en == "") || strings.Count(text, "{n}") != strings.Count(en, "{n}") {
				t.Errorf("%s: %q is unlike the English", lang, key)
			}
		}
	}
	raw, _ := page.ReadFile("page/de.json")
	if n := strings.Count(string(raw), "\": \""); n != len(c["de"]) {
		t.Errorf("de.json has %d lines and %d keys: one is there twice", n, len(c["de"]))
	}
}

// usedKeys collects the message keys from the sources: the typed constants, the templates and the script.
func usedKeys(t *testing.T) map[string]bool {
	used := map[string]bool{}
	prefixes := map[string][]string{"State": {"state.", "help."}, "Instruction": {"instruction."},
		"Reason": {"reason."}, "Level": {"status."}}
	fset := token.NewFileSet()
	for _, name := range []string{"view.go", "status.go", "lang.go"} {
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			typ, _ := spec.Type.(*ast.Ident)
			lit, _ := spec.Values[0].(*ast.BasicLit)
			if typ != nil && lit != nil {
				value, _ := strconv.Unquote(lit.Value)
				for _, p := range prefixes[typ.Name] {
					used[p+value] = true
				}
			}
			return true
		})
	}
	for _, k := range []string{"to_pay", "amount", "product", "number", "staff", "register", "claim"} {
		used["label."+k] = true
	}
	for _, k := range []string{"camera", "models", "accelerator", "gallery", "journal", "report", "register",
		"counter", "board", "version", "limits", "storage", "light", "picture", "case", "terminal",
		"vending", "disk", "temperature", "power", "clock", "network", "certificates", "keys", "update",
		"claim", "protection"} {
		used["status.part."+k] = true
	}
	for _, k := range []string{"ok", "warning", "fault"} {
		used["status.verdict."+k] = true
	}
	used["status.age"], used["status.code"] = true, true
	used["help.light"], used["help.not_sure"], used["help.number"] = true, true, true
	used["help.claim"], used["claim.scan"] = true, true
	find := func(file, pattern, prefix string) {
		raw, err := page.ReadFile("page/" + file)
		if err != nil {
			t.Fatal(err)
		}
		hits := regexp.MustCompile(pattern).FindAllStringSubmatch(string(raw), -1)
		if len(hits) == 0 {
			t.Errorf("%s: nothing matches %s", file, pattern)
		}
		for _, h := range hits {
			used[prefix+h[1]] = true
		}
	}
	find("app.js", `\bfixed\.(\w+)`, "page.")
	find("keypad.js", `\bwords\.(\w+)`, "page.")
	find("forget.js", `\bword\("(\w+)"[,)]`, "forget.")
	for _, k := range []string{"stored", "me"} {
		used["forget."+k] = true
	}
	for _, err := range []error{ErrForgetUnsure, ErrForgetNobody, ErrForgetSeveral, ErrForgetPicture,
		ErrForgetBusy, ErrForgetLate, ErrForgetClosed} {
		_, why := forgetWhy(err)
		used["forget.why."+why] = true
	}
	used["forget.why.locked"], used["forget.why.failed"] = true, true
	find("index.html", `data-fixed="(\w+)"`, "page.")
	find("index.html", `\{\{\.Page\.(\w+)\}\}`, "page.")
	find("status.html", `index \.M "([\w.]+)"`, "")
	find("counter.html", `index \$?\.M "([\w.]+)"`, "")
	for _, file := range []string{"counter.js", "counter_list.js", "counter_paper.js", "counter_shop.js",
		"counter_clerks.js"} {
		find(file, `\bword\("(\w+)"[,)]`, "counter.")
	}
	useCustomers(used, find)
	for _, k := range []string{"starting", "trouble", "busy_counter", "busy_help", "no", "later", "key_correct",
		"key_clear", "key_ok", "pin_ended", "close_open", "close_failed", "table_name",
		"clerks_remove_me", "clerks_remove_help", "clerks_pin_set", "clerks_pin_none", "clerks_pin", "clerks_pin2",
		"clerks_added", "clerks_pin_saved", "clerks_removed", "clerks_role_me", "clerks_role_help",
		"clerks_role_saved"} {
		used["counter."+k] = true
	}
	for _, s := range []State{LookHere, Smile, EnterPIN, Vending} {
		used["counter.now."+string(s)] = true
	}
	for _, r := range []Reason{NotRecognised, NoSmile, NotSure, NobodyCame, NoPIN, WrongPIN, PINLocked,
		PINNotSet, Blocked, CancelledByCustomer, CancelledByRegister, CancelledByOperator, CancelledByMachine,
		NotDispensed, NotConfirmed, Restarted, DeviceFailed,
		JournalFailed} {
		used["counter.why."+string(r)] = true
	}
	for _, r := range []Refusal{RefusedBusy, RefusedAmount, RefusedLimit, RefusedLocked, RefusedBacklog,
		RefusedOutOfOrder, RefusedJournal, RefusedTooMuch, RefusedUnsure, RefusedNothing, RefusedDays,
		RefusedRole, RefusedName, RefusedPIN, RefusedKnown, RefusedGone, RefusedLastOwner} {
		used["counter.refused."+string(r)] = true
	}
	for _, r := range []string{"goods_returned", "wrong_amount", "charged_twice", "other_reason"} {
		used["counter.reason."+r] = true
	}
	for _, r := range []string{"title", "note", "shop", "terminal", "date", "time", "date_form", "payment",
		"reference", "amount", "state", "returned", "clock", "point"} {
		used["counter.receipt."+r] = true
	}
	for _, r := range []string{"clerk", "owner", "technician"} {
		used["counter.role."+r], used["counter.role_may."+r] = true, true
	}
	for _, r := range []Report{ReportWaiting, ReportDone, ReportParked} {
		used["counter.report."+string(r)] = true
	}
	return used
}

// Every place for words on the page is one that words fills, and every fixed text is sent.
func TestPlaces(t *testing.T) {
	s := newServer(t, Options{})
	raw, err := page.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	filled := s.words.words(View{State: OutOfOrder}, "en")
	for _, h := range regexp.MustCompile(`data-word="(\w+)"`).FindAllStringSubmatch(string(raw), -1) {
		if _, ok := filled[h[1]]; !ok {
			t.Errorf("nothing fills %q", h[1])
		}
		delete(filled, h[1])
	}
	if len(filled) > 0 {
		t.Errorf("no place for %q", slices.Collect(maps.Keys(filled)))
	}
	fixed := s.words.fixed("en")
	for key := range usedKeys(t) {
		if name, ok := strings.CutPrefix(key, "page."); ok && fixed[name] == "" {
			t.Errorf("the page is not sent %q", name)
		}
	}
	if _, err := json.Marshal(s.message(View{State: Idle}, 1, "en", time.Now())); err != nil {
		t.Error(err)
	}
}

// TestRegistersWordsAreNotTheTerminals: what a register has shown stands beside the terminal's own words and
// under a line that says whose it is, and only while nothing is to be paid.
func TestRegistersWordsAreNotTheTerminals(t *testing.T) {
	c, err := loadCatalogues()
	if err != nil {
		t.Fatal(err)
	}
	for lang, says := range map[string]string{"en": "The cash register writes:", "de": "Die Kasse schreibt:"} {
		bare := c.words(View{State: Idle}, lang)
		w := c.words(View{State: Idle, Note: "PAID 12.00 EUR"}, lang)
		if w["title"] != bare["title"] || w["help"] != bare["help"] || w["note"] != "PAID 12.00 EUR" ||
			w["from"] != says {
			t.Errorf("%s: %v", lang, w)
		}
		for _, s := range []State{LookHere, Approved, OutOfOrder} {
			if w := c.words(View{State: s, Note: "PAID"}, lang); w["note"] != "" || w["from"] != "" {
				t.Errorf("%s, %s: %v", lang, s, w)
			}
		}
	}
}
