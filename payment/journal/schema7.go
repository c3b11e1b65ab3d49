package journal

// schema7 adds what outlives the facts that were kept long enough: the last change of each customer, PIN,
// clerk, register, of the machine and its case, and the last closing. Without it a start would tell as new
// what is old, and closings would be counted from one again. It also stands for facts of what was not done.
const schema7 = `
CREATE TABLE kept (
	subject TEXT PRIMARY KEY,
	seq     INTEGER NOT NULL UNIQUE,
	body    TEXT NOT NULL,
	hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
`
