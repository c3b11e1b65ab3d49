package witness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Counter is one of the machine's that only grows, and is not on its disk (device/tpm).
type Counter interface {
	// Counter gives the number; there is false where it was never counted, or is gone.
	Counter() (n uint64, there bool, err error)
	// Next counts one more, and gives the number then.
	Next() (uint64, error)
}

// generationName is the file of each copy.
const generationName = "generation.json"

// countEvery is how often what is done is counted, at most: a TPM keeps 100,000 counts or more, which are ten
// years of 27 a day; and each start and each end are counted.
const countEvery = time.Hour

// generation is what the machine had counted when the marks were so. What is put back has the number of then,
// and who changes it, or the marks, does not know the key.
type generation struct {
	Count uint64          `json:"count"`           // of the machine; 0: begun
	Begun bool            `json:"begun,omitempty"` // whatever the machine has counted, it begins here
	Marks map[string]Mark `json:"marks,omitempty"`
	Proof string          `json:"proof"` // HMAC-SHA256 of all else, in hexadecimal
}

// text is what is in a copy.
func (g generation) text(key []byte) (text []byte, err error) {
	if g.Proof, err = g.proof(key); err == nil {
		text, err = json.Marshal(g)
	}
	return text, err
}

func (g generation) proof(key []byte) (string, error) {
	g.Proof = ""
	text, err := json.Marshal(g)
	if err != nil {
		return "", err
	}
	sum := hmac.New(sha256.New, key)
	sum.Write(text) //nolint:errcheck // a hash never fails
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// CountBy has a witness count by the machine as well, from the next Reset on (so that a finding stays what
// it is until then). key is 32 bytes that who can write the disk does not know. Call it before Generation.
func (w *Witness) CountBy(c Counter, key []byte) {
	w.counter, w.key = c, key
}

// Generation tells whether all that is on the disk is older than the machine has counted, and knows the
// marks of the last count from then on. begins is that nothing needs to be known yet: of a terminal that
// has written no fact, or of which somebody else is asked.
func (w *Witness) Generation(begins bool) ([]Finding, error) {
	g, known := w.generation()
	n, there, err := w.counter.Counter()
	if err != nil && !known {
		w.log.Warn("the TPM has no counter to use: that the whole disk is put back is found by the cloud alone",
			"err", err)
		w.counter = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	for store, m := range g.Marks {
		if m.Count > w.marks[store].Count {
			w.marks[store] = m
		}
	}
	w.mu.Unlock()
	found := func(format string, args ...any) ([]Finding, error) {
		return []Finding{{Store: machine, What: fmt.Sprintf(format, args...)}}, nil
	}
	switch {
	case begins, g.Begun, !known && !there:
		return nil, nil
	case !known:
		return found("this machine's TPM has counted %d times for the terminal, and none of the files here is of "+
			"then", n)
	case !there:
		return found("the files here are of when the TPM had counted %d times, and its counter is gone: it was "+
			"cleared, or is another machine's", g.Count)
	case g.Count < n:
		return found("all files, those beside the data folder too, are of when this machine's TPM had counted %d "+
			"times, and it has %d times", g.Count, n)
	case g.Count > n+1: // one more is written down before it is counted
		return found("the files here are of when a TPM had counted %d times, and this machine's has %d times: it "+
			"is another one", g.Count, n)
	}
	return nil, nil
}

// generation reads the copy that is further; known is whether there is one that this terminal wrote.
func (w *Witness) generation() (g generation, known bool) {
	for _, dir := range w.dirs {
		var one generation
		text, err := os.ReadFile(filepath.Join(dir, generationName))
		if err != nil || json.Unmarshal(text, &one) != nil {
			continue
		}
		proof, err := one.proof(w.key)
		if err == nil && hmac.Equal([]byte(proof), []byte(one.Proof)) && (!known || one.Count > g.Count) {
			g, known = one, true
		}
	}
	return g, known
}

// count has the machine count. What it will have counted is on the disk before: a power cut between the two
// leaves the disk further than the counter, which is no finding.
func (w *Witness) count() error {
	if w.counter == nil {
		return nil
	}
	w.disk.Lock()
	defer w.disk.Unlock()
	n, there, err := w.counter.Counter()
	if err != nil {
		return err
	}
	w.mu.Lock()
	g := generation{Count: n + 1, Marks: maps.Clone(w.marks)}
	w.counted, w.uncounted = time.Now(), false
	w.mu.Unlock()
	if !there { // where it begins, nobody knows
		g.Count, g.Begun = 0, true
	}
	if err := w.keepGeneration(g); err != nil {
		return err
	}
	if n, err = w.counter.Next(); err != nil || n == g.Count {
		return err
	}
	g.Count, g.Begun = n, false
	return w.keepGeneration(g)
}

func (w *Witness) keepGeneration(g generation) error {
	text, err := g.text(w.key)
	if err == nil {
		err = replace(w.dirs[0], generationName, text)
	}
	if err != nil {
		return fmt.Errorf("keep what the TPM has counted: %w", err)
	}
	w.beside(replace(w.dirs[1], generationName, text))
	return nil
}

// tally has the machine count what was marked since the last count, if that is so long ago. That it fails is
// told in the log alone: the next one counts.
func (w *Witness) tally(every time.Duration) {
	w.mu.Lock()
	due := w.uncounted && !w.counted.IsZero() && time.Since(w.counted) >= every
	w.mu.Unlock()
	if !due {
		return
	}
	if err := w.count(); err != nil {
		w.log.Warn("the TPM does not count what is done; it is tried again", "err", err)
	}
}

// Adopt has the next start of a stopped terminal begin with whatever its machine has counted, and with PINs
// that are not sealed; key is as CountBy's.
func Adopt(dataDir string, key []byte) error {
	text, err := generation{Begun: true}.text(key)
	for _, dir := range []string{dataDir, Beside(dataDir)} {
		f, unread := read(filepath.Join(dir, fileName))
		if _, was := f.Marks[Sealed]; unread != nil || !was || err != nil {
			continue
		}
		delete(f.Marks, Sealed)
		var marks []byte
		if marks, err = json.Marshal(f); err == nil {
			err = replace(dir, fileName, marks)
		}
		if err == nil {
			err = owned(filepath.Join(dir, fileName), dir)
		}
	}
	if err == nil {
		// The copy beside may be further.
		err = os.Remove(filepath.Join(Beside(dataDir), generationName))
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = replace(dataDir, generationName, text)
	}
	if err == nil {
		err = owned(filepath.Join(dataDir, generationName), dataDir)
	}
	if err != nil {
		return fmt.Errorf("have the TPM's counter begin anew: %w", err)
	}
	return nil
}

// owned gives a file that root has made to the owner of a folder.
func owned(path, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, int(owner.Uid), int(owner.Gid))
}
