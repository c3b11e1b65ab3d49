package gallery

import (
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A smile's file lies beside its record, so that versions that know nothing of it go on reading the record:
// magic, id of the key, then nonce, ciphertext and tag of AES-256-GCM. Additional data: magic, the customer's
// id and the sum of the record that it was measured with, so that it is void when that is replaced. The
// sealed part: rest and rise, float32, little-endian.
const (
	smileMagic = "smtsmile\x01" // the last byte is the format's version
	smileExt   = ".smile"
	smileMax   = len(smileMagic) + keyIDLen + 12 + 8 + 16
)

// Smile is what an enrolment by camera measured of a customer's own smile, in the pipeline's measure.
type Smile struct {
	Rest float32 // the face at rest
	Rise float32 // how far the smile was above it, more than 0
}

func (s Smile) valid() bool {
	ok := func(v float32) bool { return !math.IsNaN(float64(v)) && v > -10 && v < 10 }
	return ok(s.Rest) && ok(s.Rise) && s.Rise > 0
}

// Format answers every verb: how somebody smiles is nobody's business.
func (Smile) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) } //nolint:errcheck // fmt's own
func (Smile) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Smile) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// KeepSmile keeps what was measured of a customer's smile, and returns after it is on disk. It is for the
// templates of the moment: enrolling again voids it. Errors: ErrUnknownCustomer, ErrSmile, ErrClosed,
// ErrLocked.
func (g *Gallery) KeepSmile(id string, s Smile) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.usable(); err != nil {
		return fmt.Errorf("keep the smile of %s: %w", id, err)
	}
	at, ok := g.find(id)
	if !ok {
		return hint(fmt.Errorf("keep the smile of %q: %w", id, ErrUnknownCustomer),
			"list the customers for their ids")
	}
	if !s.valid() {
		return fmt.Errorf("keep the smile of %s: %w", id, ErrSmile)
	}
	sealed := g.sealer.sealSmile(id, g.sums[id], s)
	if err := writeFile(g.dir, id+smileExt, sealed, leaveOnError); err != nil {
		return hint(fmt.Errorf("keep the smile of %s: %w", id, err),
			"see that the disk has room and can be written")
	}
	g.records[at].smile = s
	g.renew()
	return nil
}

// Smile returns a customer's own rest and how far the own smile rises above it, if an enrolment by camera
// measured them. Like Match it waits for nobody.
func (g *Gallery) Smile(id string) (rest, rise float32, ok bool) { return g.faces().Smile(id) }

func (r *rows) smile(id string) (rest, rise float32, ok bool) {
	at, found := slices.BinarySearch(r.ids, id)
	if !found {
		return 0, 0, false
	}
	s := r.smiles[at]
	return s.Rest, s.Rise, s.Rise > 0
}

func (s sealer) sealSmile(id, record string, one Smile) []byte {
	h := append([]byte(smileMagic), s.keyID[:]...)
	b := binary.LittleEndian.AppendUint32(nil, math.Float32bits(one.Rest))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(one.Rise))
	return s.aead.Seal(h, nil, b, additional(h, id+" "+record))
}

// openSmile reads the smile of customer id with the record of a sum.
func (s sealer) openSmile(id, record string, data []byte) (Smile, error) {
	if len(data) != smileMax || string(data[:len(smileMagic)]) != smileMagic {
		return Smile{}, fmt.Errorf("%w: it isn't a smile of this version", ErrDamaged)
	}
	h := data[:len(smileMagic)+keyIDLen]
	plain, err := s.aead.Open(nil, nil, data[len(h):], additional(h, id+" "+record))
	if err != nil {
		return Smile{}, fmt.Errorf("%w, or it was measured with templates that were replaced", ErrDamaged)
	}
	one := Smile{math.Float32frombits(binary.LittleEndian.Uint32(plain)),
		math.Float32frombits(binary.LittleEndian.Uint32(plain[4:]))}
	if !one.valid() {
		return Smile{}, fmt.Errorf("%w: its content makes no sense", ErrDamaged)
	}
	return one, nil
}

// comparable is the record of a customer whom faces are compared with; nil if there is none.
func (g *Gallery) comparable(id string) *record {
	if at, ok := findIn(g.records, id); ok {
		return &g.records[at]
	}
	if at, ok := findIn(g.left, id); ok {
		return &g.left[at]
	}
	return nil
}

// readSmiles gives the records their smiles. Without one a customer pays by the thresholds of everybody, so
// that nothing that is wrong with it is a fault. The smile of a customer who was removed, by a version that
// did not know of it, goes too.
func (g *Gallery) readSmiles(log *slog.Logger) error {
	return g.beside(smileExt, int64(smileMax), func(id string, data []byte, err error) {
		r := g.comparable(id)
		if r == nil {
			return // of a model that nobody is compared by, or damaged
		}
		if err == nil {
			r.smile, err = g.sealer.openSmile(id, g.sums[id], data)
		}
		if err != nil {
			log.Warn("a customer's own smile is left out: the thresholds of everybody hold", "customer", id,
				"err", err)
		}
	})
}

// beside gives the files with an extension that lie beside customers' records, of most bytes each, or why
// they can't be read. One of a customer who is not there any more goes.
func (g *Gallery) beside(ext string, most int64, take func(id string, data []byte, err error)) error {
	files, err := os.ReadDir(g.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), ext)
		if !ok {
			continue
		}
		path := filepath.Join(g.dir, f.Name())
		if _, there := g.sums[id]; !there {
			if err := remove(path); err != nil {
				return err
			}
			continue
		}
		data, _, err := readFile(path, most)
		take(id, data, err)
	}
	return nil
}
