package journal

// schema2 adds what the second version keeps: reversals, a clock that no wrong date can turn back, what
// waits to be reported as running totals, parked reports, where the chain was last checked, and where it
// begins after old entries were removed. A CHECK can't be changed in place, so the table of facts is made
// anew and filled.
const schema2 = `
CREATE TABLE fact2 (
	seq       INTEGER PRIMARY KEY CHECK (seq > 0),
	id        TEXT NOT NULL UNIQUE,
	payment   TEXT NOT NULL,
	kind      TEXT NOT NULL
		CHECK (kind IN ('opened', 'approved', 'declined', 'cancelled', 'expired', 'reversed')),
	time      TEXT NOT NULL,
	body      TEXT NOT NULL,
	prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
	hash      BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO fact2 SELECT seq, id, payment, kind, time, body, prev_hash, hash FROM fact ORDER BY seq;
DROP TABLE fact;
ALTER TABLE fact2 RENAME TO fact;
CREATE UNIQUE INDEX fact_opening ON fact (payment) WHERE kind = 'opened';
CREATE UNIQUE INDEX fact_end ON fact (payment) WHERE kind NOT IN ('opened', 'reversed');

-- The chain begins after this fact: those up to it were removed when they had been kept long enough.
CREATE TABLE anchor (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	seq  INTEGER NOT NULL,
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO anchor VALUES (1, 0, zeroblob(32));

CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
	BEGIN SELECT raise(ABORT, 'facts do not change'); END;
CREATE TRIGGER fact_is_appended BEFORE INSERT ON fact WHEN NEW.seq <> (SELECT seq + 1 FROM head)
	BEGIN SELECT raise(ABORT, 'facts are appended'); END;
CREATE TRIGGER fact_is_not_removed BEFORE DELETE ON fact WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'facts are not removed'); END;

-- Facts up to here were checked, link by link, when the journal was opened or verified.
CREATE TABLE checkpoint (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	seq  INTEGER NOT NULL,
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO checkpoint VALUES (1, 0, zeroblob(32));

-- The terminal's own clock: how much time provably passed up to the last fact, and by what that was told.
ALTER TABLE head ADD COLUMN clock_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN uptime_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN wall TEXT NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN trusted INTEGER NOT NULL DEFAULT 0;

ALTER TABLE payment ADD COLUMN need TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN pin INTEGER NOT NULL DEFAULT 0 CHECK (pin IN (0, 1));
ALTER TABLE payment ADD COLUMN clock_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN reversed_minor INTEGER NOT NULL DEFAULT 0
	CHECK (reversed_minor BETWEEN 0 AND amount_minor AND (reversed_minor = 0 OR state = 'approved'));
CREATE INDEX payment_customer ON payment (customer, currency, seq, pin, amount_minor, clock_ms)
	WHERE state = 'approved';
DROP TRIGGER payment_ends_once;
CREATE TRIGGER payment_ends_once BEFORE UPDATE ON payment
	WHEN OLD.id <> NEW.id OR OLD.amount_minor <> NEW.amount_minor OR OLD.currency <> NEW.currency
	OR OLD.reference <> NEW.reference OR OLD.opened_at <> NEW.opened_at
	OR NEW.reversed_minor < OLD.reversed_minor
	OR OLD.state <> 'waiting' AND (OLD.state <> NEW.state OR OLD.seq <> NEW.seq OR OLD.reason <> NEW.reason
		OR OLD.detail <> NEW.detail OR OLD.customer <> NEW.customer OR OLD.closed_at <> NEW.closed_at
		OR OLD.pin <> NEW.pin OR OLD.need <> NEW.need)
	BEGIN SELECT raise(ABORT, 'payments end once and keep their content'); END;
DROP TRIGGER payment_is_not_removed;
CREATE TRIGGER payment_is_not_removed BEFORE DELETE ON payment WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'payments are not removed'); END;

CREATE TABLE reversal (
	id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
	seq          INTEGER NOT NULL UNIQUE REFERENCES fact (seq),
	payment      TEXT NOT NULL REFERENCES payment (id),
	amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
	currency     TEXT NOT NULL CHECK (length(currency) = 3),
	whole        INTEGER NOT NULL CHECK (whole IN (0, 1)),
	reference    TEXT NOT NULL,
	customer     TEXT NOT NULL,
	at           TEXT NOT NULL,
	time_trusted INTEGER NOT NULL CHECK (time_trusted IN (0, 1))
) STRICT;
CREATE INDEX reversal_payment ON reversal (payment);
CREATE TRIGGER reversal_is_not_changed BEFORE UPDATE ON reversal
	BEGIN SELECT raise(ABORT, 'reversals do not change'); END;
CREATE TRIGGER reversal_is_not_removed BEFORE DELETE ON reversal WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'reversals are not removed'); END;

DROP TRIGGER outbox_closes_once;
DROP TRIGGER outbox_is_not_removed;
DROP INDEX outbox_open;
ALTER TABLE outbox ADD COLUMN parked TEXT;
ALTER TABLE outbox ADD COLUMN owed_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN clock_ms INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET owed_minor = (SELECT p.amount_minor FROM payment p WHERE p.seq = outbox.seq);
CREATE INDEX outbox_open ON outbox (seq, clock_ms) WHERE acked_at IS NULL AND parked IS NULL;
CREATE INDEX outbox_parked ON outbox (seq) WHERE acked_at IS NULL AND parked IS NOT NULL;

-- What was approved and is not acknowledged, kept by triggers: no payment waits for a sum over the backlog.
CREATE TABLE unreported (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL CHECK (count >= 0),
	minor INTEGER NOT NULL CHECK (minor >= 0)) STRICT;
INSERT INTO unreported SELECT 1, count(*), coalesce(sum(owed_minor), 0) FROM outbox WHERE acked_at IS NULL;
CREATE TRIGGER outbox_adds AFTER INSERT ON outbox WHEN NEW.acked_at IS NULL
	BEGIN UPDATE unreported SET count = count + 1, minor = minor + NEW.owed_minor; END;
CREATE TRIGGER outbox_takes AFTER UPDATE OF acked_at ON outbox WHEN OLD.acked_at IS NULL
	AND NEW.acked_at IS NOT NULL
	BEGIN UPDATE unreported SET count = count - 1, minor = minor - NEW.owed_minor; END;
CREATE TRIGGER outbox_closes_once BEFORE UPDATE ON outbox
	WHEN OLD.acked_at IS NOT NULL OR OLD.seq <> NEW.seq OR OLD.owed_minor <> NEW.owed_minor
	OR OLD.clock_ms <> NEW.clock_ms
	BEGIN SELECT raise(ABORT, 'outbox rows close once'); END;
CREATE TRIGGER outbox_is_not_removed BEFORE DELETE ON outbox
	WHEN OLD.seq > (SELECT seq FROM anchor) OR OLD.acked_at IS NULL
	BEGIN SELECT raise(ABORT, 'outbox rows are not removed'); END;
CREATE TRIGGER anchor_moves_on BEFORE UPDATE ON anchor WHEN NEW.seq < OLD.seq
	OR EXISTS (SELECT 1 FROM outbox WHERE seq <= NEW.seq AND acked_at IS NULL)
	OR EXISTS (SELECT 1 FROM payment WHERE seq <= NEW.seq AND state = 'waiting')
	BEGIN SELECT raise(ABORT, 'what is not acknowledged is not removed'); END;
CREATE TRIGGER anchor_is_one BEFORE DELETE ON anchor
	BEGIN SELECT raise(ABORT, 'the anchor stays'); END;
`
