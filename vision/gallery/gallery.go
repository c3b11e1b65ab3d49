package gallery

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Protection says in plain words how well the templates are protected by a key's file that nothing seals.
const Protection = "software protection: the key lies in a file beside the records, " +
	"so whoever copies the disk copies the key"

// customersMax bounds memory and the time of Match; BenchmarkMatch is at this size.
const customersMax = 1000

// Customer is an enrolled person. ID is a random pseudonym, the only thing about them that leaves the
// gallery in a payment; Name is what the operator typed.
type Customer struct {
	ID         string
	Name       string
	EnrolledAt time.Time // UTC, whole seconds
	Templates  int
}

// Damage is a record that was left out.
type Damage struct {
	File string
	ID   string // "" when the file's name isn't a customer's
	Name string // when it could be read
	Err  error  // ErrDamaged, ErrOtherKey or ErrFull
	hint string
}

func (d Damage) Error() string { return "read " + d.File + ": " + d.Err.Error() }
func (d Damage) Unwrap() error { return d.Err }

// Hint says what to do about it.
func (d Damage) Hint() string { return d.hint }

// LogValue leaves the name out, as Error does.
func (d Damage) LogValue() slog.Value { return slog.StringValue(d.Error()) }

// GoString leaves the name out too.
func (d Damage) GoString() string { return d.Error() }

// Model is the embedding network whose templates a gallery compares. The cosines belong to it: another
// network has others.
type Model struct {
	SHA256 string // of the file, 64 hexadecimal digits
	// Agree is the least cosine between two templates of one enrolment, above 0 and below 1: the model's
	// threshold for one frame of a known person (false accept rate 1e-4).
	Agree float32
	// Same is the mean cosine with a customer, of new templates' best ones, from which on they are the same
	// person: the model's threshold for recognition (1e-5). At 1e-4 a gallery of 1,000 would turn away about
	// one honest newcomer in ten.
	Same float32
	// Cosine is what Match's best has to reach in a gallery of so many customers, counted by their number
	// of templates (counts[3] have three); nil: nothing is known of it. It must not ask the gallery.
	Cosine func(counts []int) float32
	// Before is the model of which customers may be left, while they come over one by one: the gallery's
	// Before compares them with faces. nil: none, and its own Before counts for nothing.
	Before *Model
}

// Gallery is an open gallery; Open makes one. All methods may be called from any goroutine.
type Gallery struct {
	dir    string
	now    model
	before *model // see Model.Before
	rows   atomic.Pointer[rows]
	older  atomic.Pointer[rows] // of the customers of before

	mu      sync.Mutex // of all that follows
	lock    *os.File   // nil once closed
	locked  bool       // see Lock
	sealer  sealer
	records []record // ordered by customer id
	left    []record // those of the model before, ordered too: they are stale, and can be compared
	stale   []Stale
	sums    map[string]string // see Records

	consents map[string]Consent // by customer

	damaged []Damage
}

// Open opens the gallery in folder dir, made with mode 0700 if it isn't there, for embeddings of a model.
// Customers that were enrolled with another one are listed by Stale and not compared. It fails with ErrInUse
// while another process has the gallery open, and with ErrUnsafe, ErrKeyMissing, ErrKeyDamaged or ErrOtherKey
// when the key won't do. Single records that can't be used are left out, logged, and listed by Damaged.
func Open(dir string, model Model, log *slog.Logger) (*Gallery, error) {
	return OpenSealed(dir, model, plainText{}, log)
}

// OpenSealed is Open of a gallery whose key's file is sealed, or is to be if it is made now. What the Sealer
// can't open is an error as it gives it: no other key is made.
func OpenSealed(dir string, model Model, machine Sealer, log *slog.Logger) (*Gallery, error) {
	g, err := newGallery(dir, model)
	if err != nil {
		return nil, err
	}
	if err := g.open(machine, log); err != nil {
		if g.lock != nil {
			g.lock.Close()
		}
		return nil, fmt.Errorf("open gallery %s: %w", dir, err)
	}
	return g, nil
}

func newGallery(dir string, m Model) (*Gallery, error) {
	g := &Gallery{dir: dir, sums: map[string]string{}, consents: map[string]Consent{}}
	g.forget()
	var err error
	if g.now, err = modelOf(m); err == nil && m.Before != nil {
		g.before = new(model)
		*g.before, err = modelOf(*m.Before)
	}
	if err == nil && g.before != nil && g.before.hash == g.now.hash {
		err = errors.New("the model before is the same one")
	}
	if err != nil {
		return nil, fmt.Errorf("open gallery %s: %w", dir, err)
	}
	return g, nil
}

// model is a Model that was checked.
type model struct {
	Model
	hash modelHash
}

func modelOf(m Model) (model, error) {
	one, sum := model{Model: m}, m.SHA256
	if n, err := hex.Decode(one.hash[:], []byte(sum[:min(len(sum), 2*modelLen)])); err != nil ||
		n != modelLen || len(sum) != 2*modelLen {
		return one, fmt.Errorf("%q isn't the SHA-256 of a model", sum)
	}
	if !(m.Agree > 0 && m.Agree < 1 && m.Same > 0 && m.Same < 1) {
		return one, fmt.Errorf("cosines %v and %v, want 0 to 1", m.Agree, m.Same)
	}
	return one, nil
}

// forget has Match know nobody.
func (g *Gallery) forget() {
	g.rows.Store(&rows{})
	g.older.Store(&rows{})
}

func (g *Gallery) open(machine Sealer, log *slog.Logger) (err error) {
	if err := makeDir(g.dir); err != nil {
		return err
	}
	if g.lock, err = lock(g.dir); err != nil {
		return err
	}
	files, err := recordFiles(g.dir)
	if err != nil {
		return err
	}
	key, err := loadKey(g.dir, len(files), machine, log)
	if err != nil {
		return err
	}
	if g.sealer, err = newSealer(key); err != nil {
		return err
	}
	otherKey := 0
	for _, file := range files {
		if err := g.read(file); err != nil {
			log.Error("customer left out", "err", err, "hint", err.hint)
			g.damaged = append(g.damaged, *err)
			if errors.Is(err, ErrOtherKey) {
				otherKey++
			}
		}
	}
	if otherKey > 0 && otherKey == len(files) {
		return hint(fmt.Errorf("all %d records are %w than %s", otherKey, ErrOtherKey, keyName),
			"put their key back from a copy; without one, move the records away and enrol everybody again")
	}
	if err := errors.Join(g.readSmiles(log), g.readConsents(log)); err != nil {
		return err
	}
	g.renew()
	return nil
}

// read takes one record file into g.records.
func (g *Gallery) read(file string) *Damage {
	id := strings.TrimSuffix(filepath.Base(file), recordExt)
	d := &Damage{File: file}
	if !validID(id) {
		d.Err = fmt.Errorf("%w: its name isn't a customer's", ErrDamaged)
		d.hint = "give it its name back (c_....face), or delete the file"
		return d
	}
	d.ID = id
	d.hint = fmt.Sprintf("put the file back from a copy, or remove %s and enrol the customer again", id)
	g.sums[id] = ""
	data, _, err := readFile(file, int64(recordMax))
	if err != nil {
		d.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
		return d
	}
	g.sums[id] = recordSum(data)
	r, err := g.sealer.open(id, data)
	d.Name = r.customer.Name
	switch {
	case errors.Is(err, ErrOtherKey):
		d.Err = err
		d.hint = fmt.Sprintf("it comes from another terminal or time: remove %s and enrol the customer here", id)
	case err != nil:
		d.Err = err
	case len(g.records)+len(g.stale) == customersMax:
		d.Err = fmt.Errorf("%w with %d customers", ErrFull, customersMax)
		d.hint = "remove customers that are not needed any more"
	case r.model == g.now.hash && otherDimension(g.records, r),
		g.comesOver(r) && otherDimension(g.left, r):
		d.Err = fmt.Errorf("%w: its templates have another dimension", ErrDamaged)
	case r.model == g.now.hash:
		g.records = append(g.records, r)
		return nil
	default:
		g.stale = append(g.stale, Stale{r.customer, hex.EncodeToString(r.model[:]), g.Model(), g.comesOver(r),
			r.digits})
		if g.comesOver(r) {
			g.left = append(g.left, r)
		}
		return nil
	}
	return d
}

// comesOver tells whether a record is of the model before.
func (g *Gallery) comesOver(r record) bool { return g.before != nil && r.model == g.before.hash }

func otherDimension(all []record, r record) bool {
	return len(all) > 0 && len(all[0].templates[0]) != len(r.templates[0])
}

// Close gives the gallery free for other processes and forgets the templates.
func (g *Gallery) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lock == nil {
		return nil
	}
	g.forget()
	g.records, g.left, g.sealer = nil, nil, sealer{}
	err := g.lock.Close()
	g.lock = nil
	return err
}

// find returns where the customer is in g.records, or where they would be.
func (g *Gallery) find(id string) (int, bool) {
	return findIn(g.records, id)
}

func findIn(all []record, id string) (int, bool) {
	return slices.BinarySearchFunc(all, id, func(r record, id string) int {
		return cmp.Compare(r.customer.ID, id)
	})
}

// List returns the customers, ordered by name.
func (g *Gallery) List() []Customer {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Customer, len(g.records))
	for i, r := range g.records {
		list[i] = r.customer
	}
	slices.SortStableFunc(list, func(a, b Customer) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Model returns the SHA-256 of the gallery's model, 64 hexadecimal digits.
func (g *Gallery) Model() string { return hex.EncodeToString(g.now.hash[:]) }

// Damaged returns the records that were left out, each an error with a Hint.
func (g *Gallery) Damaged() []Damage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.damaged)
}
