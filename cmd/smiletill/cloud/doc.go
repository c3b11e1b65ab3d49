// Package cloud is the process of the small cloud: it opens payment/cloud's receiver with its files,
// connects it to the broker and serves its page.
//
// Invariants: the key is made once and never replaced; the folder is nobody else's.
//
// It imports payment/... and config; not the terminal, devices or models.
package cloud
