// Package tpmtest is for tests: machines with a TPM 2.0 each, of swtpm
// (https://github.com/stefanberger/swtpm), which is a real one but for its case.
package tpmtest
