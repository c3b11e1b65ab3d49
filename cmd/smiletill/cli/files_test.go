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
	"sync"
	"testing"
)

type goFile struct {
	path, pkg string
	src       []byte
	fset      *token.FileSet
	ast       *ast.File
}

// parsed are the project's Go files: for all tests together, since with the race detector parsing them takes
// a second of a processor.
var parsed = sync.OnceValues(func() (files []goFile, err error) {
	top, err := filepath.Abs("../../..")
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
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
	return files, err
})

// goFiles gives every Go file of the project, parsed, whatever its build tags say. They are only read.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d Go files: the walls were not looked at", len(files))
	}
	return files
}
