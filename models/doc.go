// Package models holds the networks of this build and the manifests of two sets of them: what each network is
// for, its hash, shapes, quantisation, preprocessing, where it comes from, under which licence, how accurate
// it was measured, and the thresholds that go with it. The sets differ in the embedding: the small one takes
// less time. A shop may bring a folder with models and a manifest of its own.
//
// Invariants:
//   - a Set is whole: Open has read every file and found the sha256 and length of the manifest, before
//     anything else looks at a byte of them;
//   - the manifest is parsed strictly: no unknown or missing field, no path in a file name, one model a task,
//     only shapes that the pipeline feeds and reads;
//   - reading is bounded, whatever a folder holds;
//   - thresholds come with the model that they were measured with.
//
// The manifest of a folder lists only the models that it replaces; README.md shows one.
//
// It must not import anything else of this module. Of this module only vision/... and cmd may import it.
//
// Sources: the packages named in the manifests; README.md holds the measurements.
package models
