package journal

// schema6 stands for facts that say who did it, and for what else than customers, PINs and registers was
// changed: a program that reads strictly does not know them, and is not to begin with them. Each start asks
// for the last change of each; the index finds these without reading all that clerks ever did.
const schema6 = `
CREATE INDEX fact_changed ON fact (json_extract(body, '$.audit'), seq) WHERE kind = 'audit';
`
