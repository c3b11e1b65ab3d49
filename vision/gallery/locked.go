package gallery

import (
	"fmt"
	"log/slog"
)

// OpenLocked opens a gallery of which nothing is read, not even its key: only the folder is kept from other
// processes. Everything but Close, Lock, Locked and Remove gives ErrLocked; nobody matches.
func OpenLocked(dir string, model Model, log *slog.Logger) (*Gallery, error) {
	g, err := newGallery(dir, model)
	if err != nil {
		return nil, err
	}
	g.locked = true
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("open gallery %s: %w", dir, err)
	}
	if g.lock, err = lock(dir); err != nil {
		return nil, fmt.Errorf("open gallery %s: %w", dir, err)
	}
	log.Warn("the gallery stays locked", "dir", dir)
	return g, nil
}

// Lock forgets the key and all templates, for good: only opening the gallery anew reads them again. A Match
// that runs at the moment may still end with what it has seen. It does not wait for the disk.
func (g *Gallery) Lock() {
	g.forget() // before mu: nobody matches from here on, whoever holds it
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget()
	g.locked = true
	g.records, g.left, g.stale, g.damaged, g.sealer = nil, nil, nil, nil, sealer{}
	clear(g.sums)
	clear(g.consents)
}

// Locked tells whether the gallery is locked.
func (g *Gallery) Locked() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.locked
}

// usable says why nothing can be read or written, if so. The caller holds mu.
func (g *Gallery) usable() error {
	switch {
	case g.lock == nil:
		return ErrClosed
	case g.locked:
		return hint(fmt.Errorf("%w by the alarm of the case", ErrLocked),
			"a technician looks at the case, then runs `smiletill tamper reset`: nobody's face is lost")
	}
	return nil
}
