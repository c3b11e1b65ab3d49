package journal

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
)

// Head is the last fact of a journal, and the copy's of it.
type Head struct {
	ID   string
	Hash string // 64 hexadecimal digits
	Seq  int64  // 0: there is none
}

// Head gives the journal's last fact; zero where there is none, or where the last was removed when it had
// been kept long enough.
func (r *Reader) Head(ctx context.Context) (Head, error) {
	h, err := readHead(ctx, r.db)
	if err != nil || h.seq == 0 {
		return Head{}, wrap(r.path, "read the last fact", err)
	}
	is := Head{Hash: hex.EncodeToString(h.hash[:]), Seq: h.seq}
	const query = `SELECT coalesce((SELECT id FROM fact WHERE seq = ?), '')`
	err = r.db.QueryRowContext(ctx, query, h.seq).Scan(&is.ID)
	return is, wrap(r.path, "read the last fact", err)
}

// CopyTo writes the journal as it is at one moment into a new file, while the terminal goes on writing.
func (r *Reader) CopyTo(ctx context.Context, path string) error {
	if _, err := r.db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return wrap(r.path, "copy journal", fmt.Errorf("to %s: %w", path, err))
	}
	return nil
}

// Hold keeps others from opening the journal at path for writing, until it is closed: while its files are
// replaced. ErrInUse if somebody has it open.
func Hold(path string) (io.Closer, error) { return acquire(path) }
