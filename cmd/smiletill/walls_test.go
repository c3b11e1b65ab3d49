package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The walls of the house. Each is a rule with its reason; the test walks every Go file of the project and
// fails with that reason. TestWallsCanFail shows each rule something that breaks it.

const module = "smiletill/"

// rooms lists what each package may import besides the standard library, and in its tests whatever it likes
// of other modules. "C" stands for cgo.
var rooms = map[string][]string{
	"models":          {},
	"vision":          {module + "models"},
	"vision/tflite":   {"C", "github.com/mattn/go-tflite", "golang.org/x/sys/unix"},
	"vision/edgetpu":  {},
	"vision/gallery":  {},
	"vision/visits":   {},
	"vision/accuracy": {"golang.org/x/sync/errgroup"},
	"payment":         {},
	"payment/journal": {
		"modernc.org/sqlite",
		"github.com/gowebpki/jcs",
		"github.com/google/uuid", "golang.org/x/sys",
		module + "payment",
	},
	"payment/report": {"github.com/eclipse/paho.mqtt.golang", "github.com/cloudevents/sdk-go/v2",
		module + "payment/report/link", module + "payment/report/signature"},
	"payment/report/signature": {"github.com/go-jose/go-jose/v4", "github.com/gowebpki/jcs"},
	"payment/cloud": {"github.com/cloudevents/sdk-go/v2", "github.com/gowebpki/jcs", "modernc.org/sqlite",
		"github.com/mochi-mqtt/server/v2", module + "payment/report"},
	"payment/pin":      {"golang.org/x/crypto", "modernc.org/sqlite", module + "payment"},
	"payment/register": {"modernc.org/sqlite", module + "payment"},
	"payment/sim":      {},
	"device":           {"periph.io/x/conn/v3"},
	"device/camera":    {"github.com/blackjack/webcam", "github.com/ebitengine/purego"},
	"device/screen":    {},
	"device/bench":     {"golang.org/x/sys/unix"},

	"device/watchdog": {"golang.org/x/sys/unix"},
	"device/lines":    {"periph.io/x/conn/v3", "periph.io/x/host/v3", "golang.org/x/sys/unix"},

	"device/bench/remote": {module + "device/bench"},
	"device/bench/guest":  {"golang.org/x/sys/unix", module + "device/bench"},
}

type importFact struct {
	pkg, imp string
	test     bool
}

// wing is the first word of a package inside the project: payment, device, vision, models or cmd.
func wing(pkg string) string {
	w, _, _ := strings.Cut(strings.TrimPrefix(pkg, module), "/")
	return w
}

// checkImport gives the reason for which a package may not import another, or "".
func checkImport(f importFact) string {
	inside := strings.HasPrefix(f.imp, module)
	const bench = "device/bench"
	if strings.HasPrefix(f.imp+"/", module+bench+"/") && !f.test && !strings.HasPrefix(f.pkg, bench) {
		return "device/bench is for tests on emulated drivers; what ships does not carry it"
	}
	if wing(f.pkg) == "cmd" {
		return ""
	}
	if inside {
		from, to := wing(f.pkg), wing(f.imp)
		switch {
		case to == "cmd":
			return "only the wiring in cmd sees every wing; nothing imports it"
		case to == "models" && from != "vision" && from != "models":
			return "only vision/... imports models: no other wing has a use for weights"
		case to != "models" && from != to:
			return "payment, device and vision never import each other: std types cross, and only in cmd"
		}
	}
	if f.test {
		return ""
	}
	if inside && !strings.Contains(f.pkg, "/") && strings.HasPrefix(f.imp, module+f.pkg+"/") {
		return "a wing's root imports none of its children: they are handed to it as interfaces"
	}
	if inside && strings.HasPrefix(f.pkg+"/", strings.TrimPrefix(f.imp, module)+"/") &&
		strings.Count(f.pkg, "/") == 2 {
		return "" // a generator below a room uses that room
	}
	std := !strings.Contains(strings.SplitN(f.imp, "/", 2)[0], ".") && !inside && f.imp != "C"
	if std {
		return ""
	}
	if f.imp == "C" && f.pkg != "vision/tflite" {
		return "cgo lives in vision/tflite alone, so that the rest builds and tests anywhere"
	}
	room, known := rooms[roomOf(f.pkg)]
	if !known {
		return "no such room: add it to the tables here and in ARCHITECTURE.md, with what it may import"
	}
	for _, allowed := range room {
		if f.imp == allowed || strings.HasPrefix(f.imp, strings.TrimSuffix(allowed, "/")+"/") {
			return ""
		}
	}
	return fmt.Sprintf("the room %s may import %v besides the standard library", f.pkg, room)
}

// roomOf gives a package below a listed room (a generator, say) that room's rights.
func roomOf(pkg string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := rooms[p]; ok && strings.Count(p, "/") == 1 || p == pkg && ok {
			return p
		}
	}
	return pkg
}

func TestWallsBetweenRooms(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, imp := range f.ast.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			fact := importFact{pkg: f.pkg, imp: name, test: strings.HasSuffix(f.path, "_test.go")}
			if why := checkImport(fact); why != "" {
				t.Errorf("%s imports %s: %s", f.path, name, why)
			}
		}
	}
}

func TestWallsCanFail(t *testing.T) {
	broken := []struct {
		name string
		fact importFact
		why  string
	}{
		{
			"payment sees vision",
			importFact{"payment/journal", "smiletill/vision", false},
			"never import each other",
		},
		{"even in a test", importFact{"device/screen", "smiletill/payment", true}, "never import each other"},
		{"device sees models", importFact{"device", "smiletill/models", false}, "only vision/... imports models"},
		{"root sees its child", importFact{"payment", "smiletill/payment/journal", false}, "none of its children"},
		{"wing sees cmd", importFact{"vision", "smiletill/cmd/smiletill", false}, "nothing imports it"},
		{"cgo elsewhere", importFact{"device/camera", "C", false}, "cgo lives in vision/tflite"},
		{"a module too many", importFact{"payment", "github.com/google/uuid", false}, "may import"},
		{"the bench ships", importFact{"cmd/smiletill", "smiletill/device/bench", false}, "for tests"},
		{"unknown room", importFact{"payment/util", "github.com/google/uuid", false}, "no such room"},
	}
	for _, c := range broken {
		if why := checkImport(c.fact); !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, want a reason with %q", c.name, why, c.why)
		}
	}
	for _, ok := range []importFact{
		{"payment/journal", "smiletill/payment", false}, {"vision/tflite", "C", false},
		{"cmd/smiletill", "smiletill/vision", false}, {"vision", "smiletill/models", false},
		{"device", "periph.io/x/conn/v3/gpio", false}, {"device/camera", "smiletill/device/bench", true},
		{"device/bench/guest", "smiletill/device/bench", false},
		{"payment/report", "github.com/stretchr/testify", true},
	} {
		if why := checkImport(ok); why != "" {
			t.Errorf("%v is refused: %s", ok, why)
		}
	}
}

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
	docs := map[string]bool{}
	for _, f := range goFiles(t) {
		test := strings.HasSuffix(f.path, "_test.go")
		docs[f.pkg] = docs[f.pkg] || path.Base(f.path) == "doc.go" || wing(f.pkg) == "cmd" ||
			f.ast.Name.Name == "main"
		limit := 400
		if test {
			limit = 600
		}
		lines := strings.Split(string(f.src), "\n")
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
}

func TestTopLevelIsTheOwners(t *testing.T) {
	out, err := exec.Command("git", "-C", root(t), "ls-files").Output()
	if err != nil {
		t.Skipf("not a git checkout: %v", err)
	}
	fixed := []string{
		"cmd",
		"device",
		"vision",
		"payment",
		"models",
		"systemd",
		"buildroot",
		"go.mod",
		"go.sum",
		"Makefile",
		"README.md",
		"ARCHITECTURE.md",
		"LICENSE",
		"CHANGELOG.md",
	}
	for _, f := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(f, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(fixed, top) {
			t.Errorf("%s: %q does not belong at the top; it holds %v and dot files", f, top, fixed)
		}
		for _, bad := range []string{"util", "common", "types", "interfaces", "manager"} {
			if slices.Contains(strings.Split(path.Dir(f), "/"), bad) {
				t.Errorf("%s: a folder %q says nothing about what is in it", f, bad)
			}
		}
	}
}

type goFile struct {
	path, pkg string
	src       []byte
	fset      *token.FileSet
	ast       *ast.File
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goFiles parses every Go file of the project, whatever its build tags say.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	top := root(t)
	var files []goFile
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && p != top {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(top, p)
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, p, src, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{path: rel, pkg: path.Dir(rel), src: src, fset: fset, ast: tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d Go files below %s: the walls were not looked at", len(files), top)
	}
	return files
}
