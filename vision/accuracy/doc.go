// Package accuracy says how well embeddings tell people apart: it takes the embeddings that one or several
// sets of models gave to the same photos of known people, and returns a Report with a table and a plot.
//
// It answers these questions. Verification: of all pairs of two photos, how many of one person are accepted
// while one in 1,000, 10,000 or 100,000 pairs of two people is. Folds: the share of right answers on balanced
// pairs with a threshold that other people gave, as LFW's View 2 asks. Identification: how often a customer
// of a gallery is missed while one stranger in 100 or 1,000 is taken for somebody, and both with the cosine
// that a terminal asks for. Groups: the same within people who have something in common. Expression: faces at
// rest against smiling ones.
//
// Invariants:
//   - the same photos, pairs, folds, galleries and bootstrap draws serve every set, so that differences are
//     paired; all of it follows from one seed, which is in the report;
//   - a figure that the photos are too few for is left out, and the report says why;
//   - memory grows with the photos, not with their pairs, but for the highest hundredth of these;
//   - two people who may be one, by a known error of the labels, are never compared as two;
//   - a report holds no name, no path, no embedding and no score of a single photo.
//
// It must not import vision or its networks, nor open a picture: cmd hands it numbers.
//
// Sources: Huang et al. 2007, Labeled Faces in the Wild (View 2); ISO/IEC 19795-1 and NIST FRVT 1:N (NISTIR
// 8271) for FAR, TAR, FPIR and FNIR; Efron and Tibshirani 1993 for the percentile bootstrap, here over people
// since the pairs of one person are not independent; Hanley and Lippman-Hand 1983 for the rule of three.
package accuracy
