package register_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"smiletill/payment/register"
)

// TestConformanceTable: every row of the table names tests of this package, and every message, result and
// condition of the code has a row.
func TestConformanceTable(t *testing.T) {
	tests := map[string]bool{}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	}
	text, err := os.ReadFile("CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	named := regexp.MustCompile(`^(Test|Fuzz)\w+$`)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "|\n "), "|")
		if len(cells) != 3 || strings.HasPrefix(cells[0], "-") || strings.TrimSpace(cells[2]) == "tests" {
			continue
		}
		for one := range strings.SplitSeq(cells[0], ",") {
			rows[strings.TrimSpace(one)] = true
		}
		for one := range strings.SplitSeq(cells[2], ",") {
			if one = strings.TrimSpace(one); !named.MatchString(one) || !tests[one] {
				t.Errorf("row %q names %q, which is no test here", strings.TrimSpace(cells[0]), one)
			}
		}
	}
	for _, c := range []register.Category{register.CategoryPayment, register.CategoryAbort,
		register.CategoryTransactionStatus, register.CategoryReversal, register.CategoryDiagnosis,
		register.CategoryLogin, register.CategoryLogout, register.CategoryGetTotals,
		register.CategoryReconciliation, register.CategoryDisplay} {
		if !rows[string(c)] {
			t.Errorf("no row for the message %s", c)
		}
	}
	for _, r := range []register.Result{register.Success, register.Partial, register.Failure} {
		if !rows[string(r)] {
			t.Errorf("no row for the result %s", r)
		}
	}
	for _, c := range []register.Condition{register.Aborted, register.Busy, register.Cancelled,
		register.DeviceOut,
		register.InProgress, register.LoggedOut, register.MessageFormat, register.NotAllowed, register.NotFound,
		register.PaymentRestriction, register.Refusal, register.UnavailableDevice, register.UnavailableService,
		register.UnreachableHost, register.WrongPIN} {
		if !rows[string(c)] {
			t.Errorf("no row for the condition %s", c)
		}
	}
}
