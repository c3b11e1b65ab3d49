package journal

import (
	"context"
	"database/sql"
	"maps"
)

// mostPrepared bounds the statements that are kept compiled; the package has fewer that are constant.
const mostPrepared = 64

// transaction is one of the writer's, whose statements SQLite has compiled before: that was a fifth of an
// approval's time. A new connection compiles them again by itself.
type transaction struct {
	*sql.Tx
	known  map[string]*sql.Stmt
	last   link     // that was appended; its seq is 0 if none was
	wanted []string // met for the first time: compiled after the transaction, for the next
}

func (t *transaction) prepared(ctx context.Context, query string) *sql.Stmt {
	if s, ok := t.known[query]; ok {
		return t.StmtContext(ctx, s)
	}
	t.wanted = append(t.wanted, query)
	return nil
}

// ExecContext is sql.Tx's.
func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.prepared(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// QueryRowContext is sql.Tx's.
func (t *transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.prepared(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

// learn compiles what a transaction met for the first time. Nobody waits for it: a statement that can't be
// compiled is run as before.
func (j *Journal) learn(ctx context.Context, wanted []string) {
	fresh := map[string]*sql.Stmt{}
	for _, query := range wanted {
		// Not under the lock: this waits for the one connection, whose holder may wait for the lock.
		if s, err := j.db.PrepareContext(ctx, query); err == nil {
			fresh[query] = s
		}
	}
	if len(fresh) == 0 {
		return
	}
	j.compiling.Lock()
	defer j.compiling.Unlock()
	more := maps.Clone(j.compiled)
	for query, s := range fresh {
		if _, ok := more[query]; ok || len(more) >= mostPrepared {
			_ = s.Close() // somebody was faster
			continue
		}
		more[query] = s
	}
	j.compiled = more
}

// statements gives what is compiled now.
func (j *Journal) statements() map[string]*sql.Stmt {
	j.compiling.Lock()
	defer j.compiling.Unlock()
	return j.compiled
}
