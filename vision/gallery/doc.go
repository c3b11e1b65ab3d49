// Package gallery keeps the faces of enrolled customers and finds the one that a probe belongs to.
//
// A customer is a file of their own, sealed with AES-256-GCM: name, time of enrolment and three to five
// templates (face embeddings, L2-normalised float32 of one dimension). No picture is kept. Outside the
// sealed part there is only a pseudonym, the embedding model's hash and an id of the key. What an enrolment
// by camera measured of the customer's own smile, two numbers, is sealed in a file beside it, bound to it.
//
// What a customer agreed to, and when, is sealed in a file beside it too (Consent).
//
// Invariants:
//   - A record is whole or absent: it is written beside, synced, renamed, and the folder synced. Enrol and
//     Remove return after that.
//   - A template is only ever compared with templates of the same model. Customers of another one keep
//     their id and name, and wait to be enrolled again; those of the one model before (Model.Before) are
//     matched by it meanwhile, and come over with pictures that it says are theirs.
//   - A customer's templates are replaced only by those of the same face, where the two can be compared.
//   - A record that can't be read or isn't meant for us is left out, named by Damaged and kept. Nothing is
//     deleted on its own, and no new key is made while there are records of an old one.
//   - One process owns a gallery at a time.
//   - Digits (Numbered) are kept as a keyed hash in the sealed record, and narrow a search down (Narrow):
//     fewer customers ask for less. Who is as like another customer as one has to be is nobody by them.
//   - Without its smile, or with a damaged one, a record is as good as before; a smile without record goes.
//   - Match compares with the normalised mean of each customer's templates, which is made when they are
//     read; on disk are the templates. It doesn't allocate and waits for nobody.
//   - Templates and keys print as [redacted], customers as their pseudonym.
//
// What this protects against: a record read, changed, renamed or moved to another terminal without the key.
// What it doesn't: the master key lies in a file beside the records, so whoever copies the disk copies the
// key (Protection says so), unless a Sealer has that file open on one machine alone (OpenSealed). An old
// copy of a record that is put back is accepted here; the journal's facts tell (cmd/smiletill/enrolment).
//
// The package imports the standard library only; not vision, models, payment or device.
//
// Sources: AES-GCM with random 96 bit nonces, NIST SP 800-38D (8.2.2: at most 2^32 records a key); HKDF,
// RFC 5869. The cosines of enrolment come with the model.
package gallery
