package journal

// schema4 adds audit facts: who may pay and which register is let in was changed. They go to the cloud as
// payments do, and stop none: no limit of what is unreported counts them, and they go when they have been
// kept long enough, acknowledged or not.
const schema4 = `
CREATE TABLE fact4 (
	seq       INTEGER PRIMARY KEY CHECK (seq > 0),
	id        TEXT NOT NULL UNIQUE,
	payment   TEXT NOT NULL CHECK ((payment = '') = (kind = 'audit')),
	kind      TEXT NOT NULL
		CHECK (kind IN ('opened', 'approved', 'declined', 'cancelled', 'expired', 'reversed', 'audit')),
	time      TEXT NOT NULL,
	body      TEXT NOT NULL,
	prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
	hash      BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO fact4 SELECT seq, id, payment, kind, time, body, prev_hash, hash FROM fact ORDER BY seq;
DROP TABLE fact;
ALTER TABLE fact4 RENAME TO fact;
CREATE UNIQUE INDEX fact_opening ON fact (payment) WHERE kind = 'opened';
CREATE UNIQUE INDEX fact_end ON fact (payment) WHERE kind NOT IN ('opened', 'reversed', 'audit');
CREATE INDEX fact_audit ON fact (seq) WHERE kind = 'audit';
CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
	BEGIN SELECT raise(ABORT, 'facts do not change'); END;
CREATE TRIGGER fact_is_appended BEFORE INSERT ON fact WHEN NEW.seq <> (SELECT seq + 1 FROM head)
	BEGIN SELECT raise(ABORT, 'facts are appended'); END;
CREATE TRIGGER fact_is_not_removed BEFORE DELETE ON fact WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'facts are not removed'); END;

DROP TRIGGER outbox_adds;
DROP TRIGGER outbox_takes;
DROP TRIGGER outbox_closes_once;
DROP TRIGGER outbox_is_not_removed;
DROP INDEX outbox_open;
ALTER TABLE outbox ADD COLUMN audit INTEGER NOT NULL DEFAULT 0 CHECK (audit IN (0, 1));
CREATE INDEX outbox_open ON outbox (audit, seq, clock_ms) WHERE acked_at IS NULL AND parked IS NULL;
CREATE TRIGGER outbox_adds AFTER INSERT ON outbox WHEN NEW.acked_at IS NULL AND NEW.audit = 0
	BEGIN UPDATE unreported SET count = count + 1, minor = minor + NEW.owed_minor; END;
CREATE TRIGGER outbox_takes AFTER UPDATE OF acked_at ON outbox WHEN OLD.acked_at IS NULL
	AND NEW.acked_at IS NOT NULL AND NEW.audit = 0
	BEGIN UPDATE unreported SET count = count - 1, minor = minor - NEW.owed_minor; END;
CREATE TRIGGER outbox_closes_once BEFORE UPDATE ON outbox
	WHEN OLD.acked_at IS NOT NULL OR OLD.seq <> NEW.seq OR OLD.owed_minor <> NEW.owed_minor
	OR OLD.clock_ms <> NEW.clock_ms OR OLD.audit <> NEW.audit
	BEGIN SELECT raise(ABORT, 'outbox rows close once'); END;
CREATE TRIGGER outbox_is_not_removed BEFORE DELETE ON outbox
	WHEN OLD.seq > (SELECT seq FROM anchor) OR OLD.acked_at IS NULL AND OLD.audit = 0
	BEGIN SELECT raise(ABORT, 'outbox rows are not removed'); END;
DROP TRIGGER anchor_moves_on;
CREATE TRIGGER anchor_moves_on BEFORE UPDATE ON anchor WHEN NEW.seq < OLD.seq
	OR EXISTS (SELECT 1 FROM outbox WHERE seq <= NEW.seq AND acked_at IS NULL AND audit = 0)
	OR EXISTS (SELECT 1 FROM payment WHERE seq <= NEW.seq AND state = 'waiting')
	BEGIN SELECT raise(ABORT, 'what is not acknowledged is not removed'); END;
`
