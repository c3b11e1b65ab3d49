package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What every file and name of the house keeps to.

func TestNoInitAndNoMutablePackageState(t *testing.T) {
	type declared map[string]string
	globals := map[string]declared{}
	files := goFiles(t)
	for _, f := range files {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		if globals[f.pkg] == nil {
			globals[f.pkg] = declared{}
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: init(): start-up work belongs where its errors can be returned", f.path)
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, s := range d.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						globals[f.pkg][n.Name] = f.path
					}
				}
			}
		}
	}
	for _, f := range files {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		for _, name := range assignedGlobals(f.ast, globals[f.pkg]) {
			t.Errorf("%s: assigns the package-level %s: state belongs into a value that its user holds", f.path, name)
		}
	}
}

// assignedGlobals lists package-level variables that a function of the file assigns. A name that the function
// declares anywhere (parameter, var, :=) is taken for its own.
func assignedGlobals(file *ast.File, globals map[string]string) []string {
	var found []string
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		own := map[string]bool{}
		var assigned []ast.Expr
		ast.Inspect(fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				for _, name := range n.Names {
					own[name.Name] = true
				}
			case *ast.ValueSpec:
				for _, name := range n.Names {
					own[name.Name] = true
				}
			case *ast.RangeStmt:
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
						own[id.Name] = true
					}
				}
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
						own[id.Name] = true
					}
				}
				if n.Tok != token.DEFINE {
					assigned = append(assigned, n.Lhs...)
				}
			case *ast.IncDecStmt:
				assigned = append(assigned, n.X)
			}
			return true
		})
		for _, e := range assigned {
			if name := rootName(e); name != "_" && globals[name] != "" && !own[name] {
				found = append(found, name)
			}
		}
	}
	return found
}

// rootName is the variable that a[i].b.c begins with.
func rootName(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func TestAssignedGlobalsAreSeen(t *testing.T) {
	const src = `package p
var table = map[string]int{}
var count int
var config struct{ name string }
func f() { table["x"] = 1; count++; config.name = "y" }
func g(count int) { count = 2; table := map[string]int{}; table["x"] = 1 }
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := assignedGlobals(file, map[string]string{"table": "p.go", "count": "p.go", "config": "p.go"})
	if !slices.Equal(got, []string{"table", "count", "config"}) {
		t.Errorf("found %v", got)
	}
}

func TestSizesAndDocs(t *testing.T) {
	docs, rooms := map[string]bool{}, map[string]int{}
	for _, f := range goFiles(t) {
		test := strings.HasSuffix(f.path, "_test.go")
		docs[f.pkg] = docs[f.pkg] || path.Base(f.path) == "doc.go" || f.ast.Name.Name == "main"
		limit := 400
		if test {
			limit = 600
		}
		lines := strings.Split(string(f.src), "\n")
		if room, ours := strings.CutPrefix(f.pkg, program); ours && !test {
			rooms[room] += len(lines) - 1
		}
		if len(lines) > limit {
			t.Errorf("%s: %d lines; a file has at most %d, so that a reader can hold it", f.path, len(lines), limit)
		}
		for i, l := range lines {
			whole := strings.TrimPrefix(strings.TrimSpace(l), "// ")
			if n := len([]rune(l)); n > 110 && strings.Contains(whole, " ") { // there is a place to break it
				t.Errorf("%s:%d: %d characters; a line has at most 110", f.path, i+1, n)
			}
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || test {
				continue
			}
			if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; n > 70 {
				t.Errorf("%s: %s has %d lines; a function has at most 70", f.path, fn.Name.Name, n)
			}
		}
	}
	for pkg, has := range docs {
		if !has {
			t.Errorf("package %s has no doc.go: purpose, invariants, what it must not import, sources", pkg)
		}
	}
	for room, n := range rooms {
		switch {
		case room == "" && n > 30:
			t.Errorf("%s has %d lines; it calls cli, in at most 30", program, n)
		case n > 3500:
			t.Errorf("%s%s has %d lines; a room of the program has at most 3500", program, room, n)
		}
	}
}

// TestExportedNames: in the rooms of the program each exported name has a comment, and another package that
// uses it. Methods and fields are not looked for.
func TestExportedNames(t *testing.T) {
	type name struct{ pkg, name string }
	declared, used := map[name]string{}, map[name]bool{}
	for _, f := range goFiles(t) {
		for n := range foreign(f) {
			used[name(n)] = used[name(n)] || n.pkg != f.pkg
		}
		if strings.HasSuffix(f.path, "_test.go") || !strings.HasPrefix(f.pkg, program+"/") {
			continue
		}
		for n := range spoken(f.ast) {
			used[name{f.pkg, n}] = true
		}
		for n, doc := range exported(f.ast) {
			declared[name{f.pkg, n}] = f.path
			if doc == "" {
				t.Errorf("%s: %s is exported and has no comment", f.path, n)
			}
		}
	}
	if len(declared) < 30 || len(used) < 30 {
		t.Fatalf("found %d exported names and %d uses: the rooms were not looked at", len(declared), len(used))
	}
	for n, where := range declared {
		if !used[n] {
			t.Errorf("%s: %s is exported, and no other room uses it", where, n.name)
		}
	}
}

type reference struct{ pkg, name string }

// foreign are the names of other packages of the project that a file uses.
func foreign(f goFile) map[reference]bool {
	imports, found := map[string]string{}, map[reference]bool{}
	for _, imp := range f.ast.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		if p, ours := strings.CutPrefix(p, module); ours {
			as := path.Base(p)
			if imp.Name != nil {
				as = imp.Name.Name
			}
			imports[as] = p
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && imports[x.Name] != "" {
				found[reference{imports[x.Name], s.Sel.Name}] = true
			}
		}
		return true
	})
	return found
}

// exported are the exported names that a file declares at its top level, with their comments.
func exported(file *ast.File) map[string]string {
	found := map[string]string{}
	add := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		if !id.IsExported() {
			return
		}
		found[id.Name] = ""
		for _, d := range docs {
			found[id.Name] += d.Text()
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					add(s.Name, d.Doc, s.Doc)
				case *ast.ValueSpec:
					for _, n := range s.Names {
						add(n, d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
	return found
}

// spoken are the names that exported types and functions of a file speak of: whoever uses these needs those.
func spoken(file *ast.File) map[string]bool {
	found := map[string]bool{}
	speaks := func(own string, n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name != own {
				found[id.Name] = true
			}
			return true
		})
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() {
				speaks("", d.Type)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
					speaks(s.Name.Name, s.Type)
				}
			}
		}
	}
	return found
}

func TestExportedNamesAreSeen(t *testing.T) {
	const src = `package p
import "smiletill/cmd/smiletill/control"
// Doc has one.
type Doc struct{ X int }
func Bare() { control.Listen("") }
const ( A = 1 // has one
	b = 2 )
func (Doc) Method() {}
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if got := exported(file); len(got) != 3 || got["Doc"] == "" || got["Bare"] != "" || got["A"] == "" {
		t.Errorf("exported: %v", got)
	}
	if got := spoken(file); !got["int"] || got["Doc"] || got["Bare"] {
		t.Errorf("spoken of: %v", got)
	}
	if got := foreign(goFile{ast: file}); len(got) != 1 || !got[reference{program + "/control", "Listen"}] {
		t.Errorf("uses: %v", got)
	}
}
