// Package models knows which network files belong to this build: what each is for, its hash, shapes,
// preprocessing, where it comes from, under which licence, and the threshold that goes with it. The list is
// manifest.json, embedded.
//
// Invariants:
//   - bytes leave Load only when their sha256 is the one in the manifest;
//   - the manifest is parsed strictly: no unknown or missing field, no path in a file name, one model a task.
//
// The files themselves are not in the repository and not in the binary: make deps fetches them into a
// folder that the caller names.
//
// It must not import anything else of this module. Of this module only vision/... and cmd may import it.
//
// Sources: the packages named in manifest.json; README.md holds the measurements.
package models
