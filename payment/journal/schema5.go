package journal

// schema5 adds what vending machines need: a payment that is vending, open and written down, and one that was
// voided; the machine's name of the product. The tables' CHECKs name the states, so both are made anew.
const schema5 = `
DROP TRIGGER anchor_moves_on;
CREATE TABLE fact5 (
	seq       INTEGER PRIMARY KEY CHECK (seq > 0),
	id        TEXT NOT NULL UNIQUE,
	payment   TEXT NOT NULL CHECK ((payment = '') = (kind = 'audit')),
	kind      TEXT NOT NULL CHECK (kind IN ('opened', 'vending', 'approved', 'declined', 'cancelled', 'expired',
		'voided', 'reversed', 'audit')),
	time      TEXT NOT NULL,
	body      TEXT NOT NULL,
	prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
	hash      BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO fact5 SELECT seq, id, payment, kind, time, body, prev_hash, hash FROM fact ORDER BY seq;
DROP TABLE fact;
ALTER TABLE fact5 RENAME TO fact;
CREATE UNIQUE INDEX fact_opening ON fact (payment) WHERE kind = 'opened';
CREATE UNIQUE INDEX fact_vend ON fact (payment) WHERE kind = 'vending';
CREATE UNIQUE INDEX fact_end ON fact (payment) WHERE kind NOT IN ('opened', 'vending', 'reversed', 'audit');
CREATE INDEX fact_audit ON fact (seq) WHERE kind = 'audit';
CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
	BEGIN SELECT raise(ABORT, 'facts do not change'); END;
CREATE TRIGGER fact_is_appended BEFORE INSERT ON fact WHEN NEW.seq <> (SELECT seq + 1 FROM head)
	BEGIN SELECT raise(ABORT, 'facts are appended'); END;
CREATE TRIGGER fact_is_not_removed BEFORE DELETE ON fact WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'facts are not removed'); END;

CREATE TABLE payment5 (
	id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
	seq          INTEGER NOT NULL UNIQUE REFERENCES fact (seq),
	state        TEXT NOT NULL
		CHECK (state IN ('waiting', 'vending', 'approved', 'declined', 'cancelled', 'expired', 'voided')),
	amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
	currency     TEXT NOT NULL CHECK (length(currency) = 3),
	reference    TEXT NOT NULL,
	reason       TEXT NOT NULL,
	detail       TEXT NOT NULL,
	customer     TEXT NOT NULL,
	match_frames INTEGER NOT NULL,
	smile_frames INTEGER NOT NULL,
	opened_at    TEXT NOT NULL,
	closed_at    TEXT,
	time_trusted INTEGER NOT NULL CHECK (time_trusted IN (0, 1)),
	need           TEXT NOT NULL DEFAULT '',
	pin            INTEGER NOT NULL DEFAULT 0 CHECK (pin IN (0, 1)),
	clock_ms       INTEGER NOT NULL DEFAULT 0,
	reversed_minor INTEGER NOT NULL DEFAULT 0
		CHECK (reversed_minor BETWEEN 0 AND amount_minor AND (reversed_minor = 0 OR state = 'approved')),
	vend      INTEGER NOT NULL DEFAULT 0 CHECK (vend IN (0, 1)),
	item      TEXT NOT NULL DEFAULT '' CHECK (vend = 1 OR item = ''),
	vended_at TEXT CHECK (vend = 1 OR vended_at IS NULL),
	CHECK ((state IN ('waiting', 'vending')) = (closed_at IS NULL)),
	CHECK (state <> 'vending' OR vended_at IS NOT NULL)
) STRICT;
INSERT INTO payment5 SELECT id, seq, state, amount_minor, currency, reference, reason, detail, customer,
	match_frames, smile_frames, opened_at, closed_at, time_trusted, need, pin, clock_ms, reversed_minor,
	0, '', NULL FROM payment ORDER BY seq;
DROP TABLE payment;
ALTER TABLE payment5 RENAME TO payment;
CREATE INDEX payment_open ON payment (id) WHERE state IN ('waiting', 'vending');
CREATE INDEX payment_customer ON payment (customer, currency, seq, pin, amount_minor, clock_ms)
	WHERE state IN ('approved', 'vending');
CREATE TRIGGER payment_ends_once BEFORE UPDATE ON payment
	WHEN OLD.id <> NEW.id OR OLD.amount_minor <> NEW.amount_minor OR OLD.currency <> NEW.currency
	OR OLD.reference <> NEW.reference OR OLD.opened_at <> NEW.opened_at
	OR OLD.vend <> NEW.vend OR OLD.item <> NEW.item
	OR OLD.vended_at IS NOT NEW.vended_at AND NOT (OLD.state = 'waiting' AND NEW.state = 'vending')
	OR NEW.reversed_minor < OLD.reversed_minor
	OR OLD.state = 'waiting' AND NEW.state = 'voided'
	OR OLD.state = 'waiting' AND NEW.state = 'approved' AND OLD.vend = 1
	OR OLD.state = 'vending' AND NEW.state NOT IN ('approved', 'voided')
	OR OLD.state NOT IN ('waiting', 'vending') AND (OLD.state <> NEW.state OR OLD.seq <> NEW.seq
		OR OLD.reason <> NEW.reason OR OLD.detail <> NEW.detail OR OLD.customer <> NEW.customer
		OR OLD.closed_at <> NEW.closed_at OR OLD.pin <> NEW.pin OR OLD.need <> NEW.need)
	BEGIN SELECT raise(ABORT, 'payments end once and keep their content'); END;
CREATE TRIGGER payment_is_not_removed BEFORE DELETE ON payment WHEN OLD.seq > (SELECT seq FROM anchor)
	BEGIN SELECT raise(ABORT, 'payments are not removed'); END;
CREATE TRIGGER anchor_moves_on BEFORE UPDATE ON anchor WHEN NEW.seq < OLD.seq
	OR EXISTS (SELECT 1 FROM outbox WHERE seq <= NEW.seq AND acked_at IS NULL AND audit = 0)
	OR EXISTS (SELECT 1 FROM payment WHERE seq <= NEW.seq AND state IN ('waiting', 'vending'))
	BEGIN SELECT raise(ABORT, 'what is not acknowledged is not removed'); END;
`
