// Package cloud is the process of the small cloud: it opens payment/cloud's receiver with its files,
// connects it to the broker and serves its page; as a shop's whole cloud (Up) it also is the broker, and the
// door at which terminals are claimed. What is typed to claim or revoke one goes through the database, so
// that it may be another process.
//
// Invariants: keys are made once and never replaced; the folder is nobody else's; connections at the doors
// are bounded; a code whose claim is given up is taken back.
//
// It imports payment/..., columns, config and people; not the terminal, devices or models.
package cloud
