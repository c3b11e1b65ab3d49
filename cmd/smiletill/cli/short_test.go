package cli_test

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// TestShortTestsAreRun: with the race detector the tests run with -short. One that leaves itself out then has
// to be run by another job: its package is one of the Makefile's LONG, or a -run names it.
func TestShortTestsAreRun(t *testing.T) {
	makefile := string(terminaltest.Read(t, filepath.Join(terminaltest.Root(t), "Makefile")))
	if left := neverRun(goFiles(t), makefile); len(left) > 0 {
		t.Errorf("no job of the Makefile runs these: %v", left)
	}
	// Without the jobs that run them, they are seen.
	without := regexp.MustCompile(`(?m)^LONG := .*$|-run '\^[^']*'`).ReplaceAllString(makefile, "LONG :=")
	if left := neverRun(goFiles(t), without); len(left) < 10 {
		t.Errorf("of the tests that only other jobs run these alone are seen: %v", left)
	}
}

// neverRun lists tests that ask for testing.Short and that no other job runs.
func neverRun(files []goFile, makefile string) (left []string) {
	long := strings.Fields(regexp.MustCompile(`(?m)^LONG := (.*)$`).FindString(makefile))
	var named []*regexp.Regexp
	for _, m := range regexp.MustCompile(`-run '(\^[^']*)'`).FindAllStringSubmatch(makefile, -1) {
		named = append(named, regexp.MustCompile(strings.ReplaceAll(m[1], "$$", "$")))
	}
	for _, f := range files {
		if !strings.HasSuffix(f.path, "_test.go") || slices.Contains(long, "./"+f.pkg) {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && asksShort(fn) && !slices.ContainsFunc(named, func(re *regexp.Regexp) bool {
				return re.MatchString(fn.Name.Name)
			}) {
				left = append(left, f.path+" "+fn.Name.Name)
			}
		}
	}
	return left
}

func asksShort(fn *ast.FuncDecl) (asks bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Short" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "testing" {
				asks = true
			}
		}
		return !asks
	})
	return asks
}
