package models

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

//go:embed manifest.json small.json *.tflite *.md
var embedded embed.FS

// ErrFile marks a model file that is missing, unreadable or not the one in the manifest.
var ErrFile = errors.New("model file cannot be used")

const (
	// ManifestName is what a manifest is called in its folder.
	ManifestName = "manifest.json"

	// Small is what Open is given, in place of a folder, for the built-in set of small machines: an embedding
	// of less work, and more customers missed.
	Small = "built-in:small"

	smallName = "small.json" // the manifest of Small: what it has otherwise than the default set
	maxText   = 1 << 20      // bytes of a manifest or a card; this build's have a few thousand
)

// FileError says what is wrong with a file of a set.
type FileError struct {
	Path     string // where it was looked for
	Expected string // its sha256 in the manifest; "" for the manifest itself
	Found    string // its sha256 on disk; "" when it could not be read whole
	Err      error  // why it could not be used; nil when only the hash differs
}

func (e *FileError) Error() string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("models: open %s: the manifest has sha256 %s, the file %s", e.Path, e.Expected, e.Found)
	case e.Expected == "":
		return fmt.Sprintf("models: open %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("models: open %s: %v (expected sha256 %s)", e.Path, e.Err, e.Expected)
}

// Unwrap makes every FileError an ErrFile, and keeps the cause.
func (e *FileError) Unwrap() []error { return []error{ErrFile, e.Err} }

// Hint says what the operator can do about it.
func (e *FileError) Hint() string {
	name, dir := filepath.Base(e.Path), filepath.Dir(e.Path)
	switch {
	case name == ManifestName && errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("a folder of models has a %s: name such a folder, or use the built-in models "+
			"(`smiletill models swap --embedded`)", ManifestName)
	case name == ManifestName:
		return fmt.Sprintf("mend %s, or use the built-in models (`smiletill models swap --embedded`)", e.Path)
	}
	return fmt.Sprintf("put the %s of the manifest into %s, or use the built-in models "+
		"(`smiletill models swap --embedded`)", name, dir)
}

// Set is one model a task, each with its bytes, verified; an Optional task's may be missing. The zero Set has
// none.
type Set struct {
	Manifest Manifest
	Dir      string // the folder; "" for an embedded set
	Small    bool   // the embedded set of that name
	own      map[Task]bool
	files    map[string][]byte
	sum      [sha256.Size]byte // of the manifest's file
}

// ManifestSHA256 is that of the set's manifest, 64 hexadecimal digits: it names the thresholds in force,
// which the models' own hashes don't.
func (s Set) ManifestSHA256() string { return hex.EncodeToString(s.sum[:]) }

// Open reads a set whole and verifies every file against its manifest. dir "" is the default set in this
// binary, Small the other one. The manifest of a folder lists the models that it replaces, one or more; the
// others are those of the default set. Its errors are a *FileError, ErrManifest within one that the manifest
// caused.
func Open(dir string) (Set, error) {
	s, err := load(embedded, "", ManifestName, Parse)
	if err != nil || dir == "" {
		return s, err
	}
	var own Set
	if dir == Small {
		own, err = load(embedded, "", smallName, parse)
		own.Small = true
	} else {
		own, err = load(os.DirFS(dir), dir, ManifestName, parse)
	}
	if err != nil {
		return Set{}, err
	}
	own.own = map[Task]bool{}
	var all []Model
	for _, task := range Tasks() {
		mod, ok := own.Manifest.Model(task)
		own.own[task] = ok && !own.Small
		if !ok {
			if mod, ok = s.Manifest.Model(task); !ok {
				continue // Parse has seen to it that only what is Optional is missing
			}
			for _, file := range mod.files() {
				own.files[key(task, file)] = s.files[key(task, file)]
			}
		}
		all = append(all, mod)
	}
	own.Manifest.Models = all
	return own, nil
}

// BuiltIn finds the built-in set, as Open names it, whose own manifest has a file of that sha256. It looks at
// no file but the manifests.
func BuiltIn(sha256 string) (dir string, ok bool) {
	for name, dir := range map[string]string{ManifestName: "", smallName: Small} {
		data, err := read(embedded, name, maxText)
		if err != nil {
			continue
		}
		m, err := parse(data)
		if err == nil && slices.ContainsFunc(m.Models, func(m Model) bool { return m.SHA256 == sha256 }) {
			return dir, true
		}
	}
	return "", false
}

// load reads the manifest of that name, and its files.
func load(from fs.FS, dir, manifest string, parse func([]byte) (Manifest, error)) (Set, error) {
	s := Set{Dir: dir, files: map[string][]byte{}}
	bad := func(name, want, found string, err error) (Set, error) {
		return Set{}, &FileError{Path: filepath.Join(dir, name), Expected: want, Found: found, Err: err}
	}
	data, err := read(from, manifest, maxText)
	if err != nil {
		return bad(manifest, "", "", err)
	}
	s.sum = sha256.Sum256(data)
	if s.Manifest, err = parse(data); err != nil {
		return bad(manifest, "", "", err)
	}
	for _, mod := range s.Manifest.Models {
		files := []Variant{{File: mod.File, SHA256: mod.SHA256, Bytes: mod.Bytes}}
		if mod.EdgeTPU != nil {
			files = append(files, *mod.EdgeTPU)
		}
		if mod.Card != "" {
			if s.files[key(mod.Task, mod.Card)], err = read(from, mod.Card, maxText); err != nil {
				return bad(mod.Card, "", "", err)
			}
		}
		for _, f := range files {
			data, err := read(from, f.File, f.Bytes)
			if err != nil {
				return bad(f.File, f.SHA256, "", err)
			}
			sum := sha256.Sum256(data)
			if found := hex.EncodeToString(sum[:]); found != f.SHA256 {
				return bad(f.File, f.SHA256, found, nil)
			}
			s.files[key(mod.Task, f.File)] = data
		}
	}
	return s, nil
}

// A file of the folder may have the name of an embedded one of another task.
func key(task Task, file string) string { return string(task) + "/" + file }

// read reads a regular file of at most limit bytes.
func read(from fs.FS, name string, limit int64) ([]byte, error) {
	fi, err := fs.Stat(from, name)
	if err != nil {
		return nil, cause(err)
	}
	if !fi.Mode().IsRegular() { // a pipe would hold us up for ever
		return nil, errors.New("it is no regular file")
	}
	f, err := from.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(min(fi.Size(), limit)) + bytes.MinRead) // or a model is copied again and again while it grows
	if _, err = data.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, cause(err)
	}
	if int64(data.Len()) > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	return data.Bytes(), nil
}

// cause is err without the path, which FileError has.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Tasks returns those that there is a model for, in the order of the pipeline.
func (s Set) Tasks() []Task {
	return slices.DeleteFunc(Tasks(), func(t Task) bool { return !s.Has(t) })
}

// Has says whether there is a model for a task; only an Optional one's can be missing.
func (s Set) Has(task Task) bool {
	_, ok := s.Manifest.Model(task)
	return ok
}

// Model returns the model of a set that Open gave, for one of Tasks that it Has.
func (s Set) Model(task Task) Model {
	mod, _ := s.Manifest.Model(task)
	return mod
}

// Bytes returns the verified file for a task, nil if the set has none. It must not be changed.
func (s Set) Bytes(task Task) []byte { return s.files[key(task, s.Model(task).File)] }

// EdgeTPU returns the verified variant that is compiled for the accelerator, nil if there is none.
func (s Set) EdgeTPU(task Task) []byte {
	v := s.Model(task).EdgeTPU
	if v == nil {
		return nil
	}
	return s.files[key(task, v.File)]
}

// Card returns the text about the model for a task: what it is for, what it was trained on, what it can't do.
// nil if there is none.
func (s Set) Card(task Task) []byte { return s.files[key(task, s.Model(task).Card)] }

// Embedded says whether the model for a task is the one in this binary.
func (s Set) Embedded(task Task) bool { return !s.own[task] }

// files names everything that belongs to a model.
func (m Model) files() []string {
	names := []string{m.File}
	if m.Card != "" {
		names = append(names, m.Card)
	}
	if m.EdgeTPU != nil {
		names = append(names, m.EdgeTPU.File)
	}
	return names
}

// Save writes the models that a folder has replaced, as they were verified, into another folder, which must
// be there and empty, and returns after they are on disk. Open then gives the same set from it.
func (s Set) Save(dir string) error {
	m := Manifest{Format: Format}
	out := map[string][]byte{}
	for _, mod := range s.Manifest.Models {
		if s.Embedded(mod.Task) {
			continue
		}
		m.Models = append(m.Models, mod)
		for _, name := range mod.files() {
			out[name] = s.files[key(mod.Task, name)]
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("models: save: %w", err)
	}
	out[ManifestName] = append(text, '\n')
	for name, data := range out {
		if err := write(filepath.Join(dir, name), data); err != nil {
			return fmt.Errorf("models: save: %w", err)
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("models: save: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("models: save: %w", err)
	}
	return nil
}

func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
