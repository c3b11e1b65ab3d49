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

// TestShortTestsAreRun: with the race detector the tests run with -short. One that leaves something out then,
// itself or in what it calls, has to be run by another job too: it is one of the Makefile's CUT and its
// package one of LONG, or a job's -run names it.
func TestShortTestsAreRun(t *testing.T) {
	makefile := string(terminaltest.Read(t, filepath.Join(terminaltest.Root(t), "Makefile")))
	if left := neverRun(goFiles(t), makefile); len(left) > 0 {
		t.Errorf("no job of the Makefile runs these whole: %v", left)
	}
	// Without the jobs that run them, they are seen; also those that leave it to another function to ask.
	without := regexp.MustCompile(`(?m)^LONG := .*$|-run '\^[^']*'`).ReplaceAllString(makefile, "LONG :=")
	left := neverRun(goFiles(t), without)
	cut := variable(makefile, "CUT")
	if len(left) < len(cut)+5 || !slices.Contains(left, "payment/journal TestQuarantineCutShort") {
		t.Errorf("of the tests that only other jobs run whole these alone are seen: %v", left)
	}
	for _, name := range cut {
		if !slices.ContainsFunc(left, func(l string) bool { return strings.HasSuffix(l, " "+name) }) {
			t.Errorf("%s is one of CUT in the Makefile, and -short leaves it as it is", name)
		}
	}
}

// variable gives the words of one of the Makefile's variables.
func variable(makefile, name string) []string {
	joined := strings.ReplaceAll(makefile, "\\\n", " ")
	m := regexp.MustCompile(`(?m)^` + name + ` := (.*)$`).FindStringSubmatch(joined)
	if m == nil {
		return nil
	}
	return strings.Fields(m[1])
}

// neverRun lists tests that ask for testing.Short and that no other job runs, each as package and name.
func neverRun(files []goFile, makefile string) (left []string) {
	long, cut := variable(makefile, "LONG"), variable(makefile, "CUT")
	var named []*regexp.Regexp
	jobs := regexp.MustCompile(`(?m)^\t\$\(JOB\).*-run '(\^[^'$]*)`)
	for _, m := range jobs.FindAllStringSubmatch(makefile, -1) {
		named = append(named, regexp.MustCompile(m[1]+"$"))
	}
	for pkg, asking := range askShort(files) {
		for name := range asking {
			if strings.HasPrefix(name, "Test") && !(slices.Contains(long, "./"+pkg) && slices.Contains(cut, name)) &&
				!slices.ContainsFunc(named, func(re *regexp.Regexp) bool { return re.MatchString(name) }) {
				left = append(left, pkg+" "+name)
			}
		}
	}
	slices.Sort(left)
	return left
}

// askShort gives the functions of each package's tests that ask for testing.Short, or call one that does.
func askShort(files []goFile) map[string]map[string]bool {
	asking := map[string]map[string]bool{}
	for before, now := -1, 0; now > before; {
		before, now = now, 0
		for _, f := range files {
			if !strings.HasSuffix(f.path, "_test.go") {
				continue
			}
			if asking[f.pkg] == nil {
				asking[f.pkg] = map[string]bool{}
			}
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && (asksShort(fn) || calls(fn, asking[f.pkg])) {
					asking[f.pkg][fn.Name.Name] = true
				}
			}
		}
		for _, names := range asking {
			now += len(names)
		}
	}
	return asking
}

// calls says whether a function or a method of one of the names is called.
func calls(fn *ast.FuncDecl, names map[string]bool) (found bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			switch f := c.Fun.(type) {
			case *ast.Ident:
				found = found || names[f.Name]
			case *ast.SelectorExpr:
				found = found || names[f.Sel.Name]
			}
		}
		return !found
	})
	return found
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
