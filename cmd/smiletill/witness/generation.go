package witness

import (
	"context"
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
)

// Counter is one of the machine's that only grows, and is not on its disk (device/tpm).
type Counter interface {
	// Counter gives the number; there is false where it was never counted, or is gone.
	Counter(ctx context.Context) (n uint64, there bool, err error)
	// Next counts one more, and gives the number then. Once ctx has ended it begins nothing.
	Next(ctx context.Context) (uint64, error)
}

// generationName is the file of each copy.
const generationName = "generation.json"

// generation is what the machine had counted when the marks were so. What is put back has the number of then,
// and who changes it, or the marks, does not know the key.
type generation struct {
	Count uint64          `json:"count"`           // of the machine; 0: begun
	Begun bool            `json:"begun,omitempty"` // whatever the machine has counted, it begins here
	Marks map[string]Mark `json:"marks,omitempty"`
	Spent int             `json:"spent,omitempty"` // see allowance
	Since int64           `json:"since,omitempty"` // seconds of Unix time
	Proof string          `json:"proof"`           // HMAC-SHA256 of all else, in hexadecimal
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

// reading is what a start has read of the machine's counter.
type reading struct {
	last  generation // as it is on the disk
	known bool       // that is one which this terminal wrote
	n     uint64
	there bool
}

// CountBy has a witness count by the machine as well, from Begin on (so that a finding stays what it is until
// then). key is 32 bytes that who can write the disk does not know. Call it before Generation.
func (w *Witness) CountBy(c Counter, key []byte) {
	w.counter, w.key = c, key
}

// Generation tells whether all that is on the disk is older than the machine has counted, and knows the
// marks of the last count from then on. begins is that nothing needs to be known yet: of a terminal that
// has written no fact, or of which somebody else is asked.
func (w *Witness) Generation(begins bool) ([]Finding, error) {
	g, known := w.generation()
	n, there, err := w.counter.Counter(context.Background())
	if err != nil && !known {
		w.log.Warn("the TPM has no counter to use: that the whole disk is put back is found by the cloud alone",
			"err", err)
		w.counter = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w.machine = reading{g, known, n, there}
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

// accept writes down that the disk goes on where the machine has counted to, where it has not known that yet:
// a start that fails afterwards is not asked again. It counts nothing. again is that a person said so.
func (w *Witness) accept(again bool) error {
	r := w.machine
	if w.counter == nil || r.known && !again && (r.last.Begun || r.last.Count == r.n || r.last.Count == r.n+1) {
		return nil
	}
	g := generation{Count: r.n, Spent: r.last.Spent, Since: r.last.Since}
	if !r.there { // where it begins, nobody knows
		g.Begun = true
	} else {
		w.mu.Lock()
		g.Marks = maps.Clone(w.marks)
		w.mu.Unlock()
	}
	if err := w.keepGeneration(g); err != nil {
		return err
	}
	w.machine.last, w.machine.known = g, true
	return nil
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
