package journal

// schema3 adds what Quarantine knows: which facts are missing, and of which payments the outcome is. Facts
// that were taken over stand in the table of facts, before the anchor.
const schema3 = `
CREATE TABLE gap (
	first INTEGER PRIMARY KEY,
	last  INTEGER NOT NULL CHECK (last >= first)
) STRICT;
CREATE TABLE unsure (
	payment TEXT PRIMARY KEY,
	said    TEXT NOT NULL -- what the damaged table of payments said of its state; empty: nothing
) STRICT;
CREATE TRIGGER gap_stays BEFORE DELETE ON gap
	BEGIN SELECT raise(ABORT, 'what is missing stays missing'); END;
CREATE TRIGGER gap_is_not_changed BEFORE UPDATE ON gap
	BEGIN SELECT raise(ABORT, 'what is missing stays missing'); END;
CREATE TRIGGER unsure_stays BEFORE DELETE ON unsure
	BEGIN SELECT raise(ABORT, 'what is unsure stays unsure'); END;
`
