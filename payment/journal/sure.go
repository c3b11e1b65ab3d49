package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"os"
)

// sure makes what the files say true on the disk again, after a write that failed; before that nothing is
// read that somebody is told, and nothing is written.
//
// A transaction whose fsync failed is in the -wal file all the same, for whoever reads it: the kernel
// holds its pages for clean, never writes them again, and the next fsync says that all is well. To believe
// that would lose it, and all commits behind it, in a power cut; to move it into the main file could even
// leave half of it there. So the connection, which would do that when it is closed, is kept until the
// bytes of the -wal were written once more and synced. Then it is thrown away, and with it all that it
// believed.
func (j *Journal) sure(ctx context.Context) error {
	if !j.suspect.Load() {
		return nil
	}
	conn, err := j.db.Conn(ctx) // there is one: nobody else writes
	if err != nil {
		return err
	}
	if !j.suspect.Load() {
		return ignoreBad(conn.Close())
	}
	if err := j.options.Rewrite(j.path + "-wal"); err != nil {
		return errors.Join(failed(j.path, "make sure of the last entries of", err), ignoreBad(conn.Close()))
	}
	j.suspect.Store(false)
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it, and says so in vain
	return ignoreBad(conn.Close())
}

func ignoreBad(err error) error {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

// Rewrite writes a file's bytes once more, in place, and syncs them: what an fsync that failed has left in
// memory alone is on the disk then. A file that isn't there is well. SQLite has no locks on a -wal file
// that closing it here would drop.
func Rewrite(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := f.ReadAt(buffer, at)
		if n > 0 {
			if _, err := f.WriteAt(buffer[:n], at); err != nil {
				return errors.Join(err, f.Close())
			}
			at += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
}
