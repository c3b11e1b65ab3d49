package gallery

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Faces are the customers of one model, as a visit asks about them: those of the moment, whoever is enrolled
// or removed meanwhile. The zero Faces know nobody.
type Faces struct {
	g    *Gallery
	rows *atomic.Pointer[rows]
	m    *model    // theirs
	only *narrowed // those with some digits; nil: all
}

// narrowed are the digits of a search, and the cosine that the customers who have them want: worked out once,
// and again when customers were enrolled or removed. A visit asks for it with each frame.
type narrowed struct {
	mark  *mark
	asked atomic.Pointer[asked]
}

// asked is a cosine, and the customers whom it was worked out of.
type asked struct {
	now, older *rows
	cosine     float32
}

func (f Faces) load() *rows {
	if f.rows == nil {
		return &rows{}
	}
	return f.rows.Load()
}

// Match is Gallery.Match, of these customers. Where they were narrowed down, one of the others who is as like
// the probe as Cosine wants counts as the second best.
func (f Faces) Match(probe []float32) (id string, best, second float32) {
	if f.only == nil || f.rows == nil {
		return f.load().match(probe, nil, 0)
	}
	wanted, ok := f.Cosine()
	if !ok {
		wanted = f.m.Same
	}
	return f.load().match(probe, f.only.mark, wanted)
}

// Cosine is Gallery.Cosine: what Match's best has to reach.
func (f Faces) Cosine() (cosine float32, ok bool) {
	r := f.load()
	if f.only == nil || r.cosine == 0 {
		return r.cosine, r.cosine != 0
	}
	now, older := f.g.rows.Load(), f.g.older.Load()
	if a := f.only.asked.Load(); a != nil && a.now == now && a.older == older {
		return a.cosine, true
	}
	counts := make([]int, TemplatesMax+1)
	now.count(counts, f.only.mark)
	older.count(counts, f.only.mark)
	a := &asked{now, older, f.m.cosine(counts)}
	f.only.asked.Store(a)
	return a.cosine, true
}

// Smile is Gallery.Smile.
func (f Faces) Smile(id string) (rest, rise float32, ok bool) { return f.load().smile(id) }

// Counts are the customers by their number of templates: Counts()[3] have three.
func (f Faces) Counts() []int {
	r := f.load()
	if f.only == nil {
		return slices.Clone(r.counts)
	}
	counts := make([]int, TemplatesMax+1)
	r.count(counts, f.only.mark)
	return counts
}

// Len is the number of these customers.
func (f Faces) Len() (n int) {
	for _, of := range f.Counts() {
		n += of
	}
	return n
}

func (g *Gallery) faces() Faces { return Faces{g: g, rows: &g.rows, m: &g.now} }

// Before are the customers of Model.Before who are left; nobody when there is no such model. A probe is an
// embedding of that model.
func (g *Gallery) Before() Faces {
	if g.before == nil {
		return Faces{}
	}
	return Faces{g: g, rows: &g.older, m: g.before}
}

// ModelsIn counts the records in the gallery of a folder by the model that they were enrolled with, its
// SHA-256 in 64 hexadecimal digits. It needs neither key nor lock; what it can't read it leaves out, as Open
// tells of it. A folder that isn't there has none.
func ModelsIn(dir string) (map[string]int, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("count the models of %s: %w", dir, err)
	}
	of := map[string]int{}
	for _, f := range files {
		if !validID(strings.TrimSuffix(f.Name(), recordExt)) {
			continue
		}
		data, _, err := readFile(filepath.Join(dir, f.Name()), int64(headerLen))
		if err == nil && len(data) >= headerLen && recordFormat(data) {
			at := len(recordMagic) + keyIDLen
			of[hex.EncodeToString(data[at:at+modelLen])]++
		}
	}
	return of, nil
}

// CarryOver replaces the templates of a customer of Model.Before with those of the gallery's model, and
// returns after they are on disk; id, name and the own smile stay. seen are embeddings of the same pictures,
// by the model before: they are held against the customer's old templates, as those of one model are, and
// there is no carrying over without them. before is as Enrol's. Errors: ErrUnknownCustomer, ErrTemplates,
// ErrDisagree, ErrAlreadyEnrolled, ErrOtherFace, ErrClosed.
func (g *Gallery) CarryOver(
	id string, templates, seen [][]float32, before func(Change) error,
) (Customer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return Customer{}, err
	}
	at, ok := findIn(g.left, id)
	if !ok {
		return Customer{}, hint(ErrUnknownCustomer, "list the customers for their ids")
	}
	old := g.left[at]
	r := g.newRecord(id, old.customer.Name, templates)
	r.digits = old.digits
	err := g.checkFace(r)
	if err == nil {
		err = g.checkSeen(seen, r, old)
	}
	if err == nil {
		err = g.write(r, Change{Again: true, Carried: true}, nil, before, leaveOnError)
	}
	if err != nil {
		return Customer{}, err
	}
	if old.smile.valid() { // measured by the mesh, of which the embedding's model is no part
		sealed := g.sealer.sealSmile(id, g.sums[id], old.smile)
		if writeFile(g.dir, id+smileExt, sealed, leaveOnError) == nil {
			r.smile = old.smile // else what holds for everybody holds
		}
	}
	g.dropStale(g.findStale(id))
	g.keep(r)
	return r.customer, nil
}

// checkSeen says why the pictures of a renewal, as the model before sees them, are not of the person of a
// record of it, if so.
func (g *Gallery) checkSeen(seen [][]float32, r, old record) error {
	if len(seen) != len(r.templates) {
		return fmt.Errorf("%w: %d of the model before, %d of this one", ErrTemplates, len(seen), len(r.templates))
	}
	held := make([]template, len(seen))
	for i, t := range seen {
		held[i] = t
	}
	if err := checkTemplates(held); err != nil {
		return err
	}
	return g.before.checkSame(held, old)
}
