package journal

import (
	"context"
	"encoding/hex"
	"fmt"
)

// keptSubject is the SQL of what an audit fact is the last change of, if it is the last one; NULL of what
// nothing has to be known of later.
const keptSubject = `CASE
	WHEN json_extract(body, '$.audit') IN (` + auditCustomers + `) THEN 'customer ' ||
		json_extract(body, '$.customer')
	WHEN json_extract(body, '$.audit') IN (` + auditBlocks + `) THEN 'block ' || json_extract(body, '$.customer')
	WHEN json_extract(body, '$.audit') IN (` + auditPINs + `) THEN 'pin ' ||
		coalesce(json_extract(body, '$.customer'), '') || '/' || coalesce(json_extract(body, '$.clerk'), '')
	WHEN json_extract(body, '$.audit') IN (` + auditClerks + `) THEN 'clerk ' || json_extract(body, '$.clerk')
	WHEN json_extract(body, '$.audit') IN (` + auditRegisters + `) THEN 'register ' ||
		json_extract(body, '$.register') || ' ' || json_extract(body, '$.key_version')
	WHEN json_extract(body, '$.audit') IN (` + auditCase + `) THEN 'case'
	WHEN json_extract(body, '$.audit') IN (` + auditMachine + `) THEN 'machine'
	WHEN json_extract(body, '$.audit') = '` + DayClosed + `' THEN 'closing' END`

// lastOfAll is the SQL of several kinds of changes, those included whose facts were removed, the oldest
// first: of each subject the last one is among them.
func lastOfAll(whats string) string {
	const of = `SELECT seq, body, lower(hex(hash)) FROM %s WHERE %s json_extract(body, '$.audit') IN (%s)`
	return fmt.Sprintf(of, "kept", "", whats) + ` UNION ALL ` +
		fmt.Sprintf(of, "fact", "kind = 'audit' AND", whats) + ` ORDER BY 1`
}

// keepLast is what keeps the last changes of each subject up to a fact, before they are removed. Of who and
// what is gone nothing is kept, nor of what a later fact tells.
func keepLast() []string {
	const gone = `('` + CustomerRemoved + `', '` + CustomerForgotten + `')`
	return []string{
		`INSERT INTO kept SELECT subject, seq, body, hash FROM (SELECT ` + keptSubject + ` AS subject,
			max(seq) AS seq, body, hash FROM fact WHERE kind = 'audit' AND seq <= ?1 GROUP BY 1)
			WHERE subject IS NOT NULL ON CONFLICT (subject) DO UPDATE SET seq = excluded.seq, body = excluded.body,
			hash = excluded.hash`,
		`DELETE FROM kept WHERE seq <= ?1 AND subject IN (SELECT 'pin ' || json_extract(body, '$.customer') || '/'
			FROM kept WHERE json_extract(body, '$.audit') IN ` + gone + ` UNION ALL SELECT 'block ' ||
			json_extract(body, '$.customer') FROM kept WHERE json_extract(body, '$.audit') IN ` + gone + `
			UNION ALL SELECT 'pin /' ||
			json_extract(body, '$.clerk') FROM kept WHERE json_extract(body, '$.audit') = '` + ClerkRemoved + `')`,
		`DELETE FROM kept WHERE seq <= ?1 AND (json_extract(body, '$.audit') IN ` + gone + ` OR
			json_extract(body, '$.audit') IN ('` + CustomerUnblocked + `', '` + CustomerPINTaken + `',
			'` + ClerkPINTaken + `', '` + RegisterUnpaired + `', '` + ClerkRemoved + `', '` + AlarmEnded + `'))`,
		`DELETE FROM kept WHERE subject IN (SELECT ` + keptSubject + ` FROM fact
			WHERE kind = 'audit' AND seq > ?1)`,
	}
}

// kept checks what outlives its facts: each is one that was removed, as it was written.
func (v *verifier) kept() error {
	anchor, err := readMark(v.ctx, v.tx, "anchor")
	if err != nil {
		return err
	}
	rows, err := v.tx.QueryContext(v.ctx, `SELECT seq, body, lower(hex(hash)), subject <> `+keptSubject+`
		FROM kept`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var text []byte
		var sum string
		var other bool
		if err := rows.Scan(&seq, &text, &sum, &other); err != nil {
			return err
		}
		b, err := parseBody(text)
		l := link{body: b, text: text}
		if err == nil {
			_, err = hex.Decode(l.prev[:], []byte(b.PrevHash))
		}
		hash := chain(l.prev, text)
		if err != nil || hex.EncodeToString(hash[:]) != sum || b.Seq != seq || seq > anchor.seq || other {
			return &DamagedError{Path: v.path, Seq: seq, What: "what was kept of it is not what was written"}
		}
	}
	return rows.Err()
}

// lastNumber is the number of the last closing that the file at path knows of, as far as it can be read; 0:
// none.
func lastNumber(ctx context.Context, q queryer) (number int64) {
	// What can't be read is unknown: the caller leaves room.
	_ = q.QueryRowContext(ctx, `SELECT coalesce(max(CAST(json_extract(body, '$.closing.number') AS INTEGER)), 0)
		FROM (SELECT body FROM kept UNION ALL SELECT body FROM fact WHERE kind = 'audit')
		WHERE json_extract(body, '$.audit') = '`+DayClosed+`'`).Scan(&number)
	return number
}
