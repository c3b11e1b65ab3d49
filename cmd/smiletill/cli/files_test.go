package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
)

type goFile struct {
	path, pkg string
	src       []byte
	fset      *token.FileSet
	ast       *ast.File
}

// goFiles parses every Go file of the project, whatever its build tags say.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	top := terminaltest.Root(t)
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
