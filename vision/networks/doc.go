// Package networks opens a set of models as the networks of vision: on the CPU, and on an accelerator where
// the manifest names a compiled form. Its Looker shares them between visits and enrolment, and makes
// templates of photos.
//
// Invariants: a network is checked against the manifest's shapes and types before it runs; an accelerator
// that fails never stops a look, the CPU goes on from the same input; pictures come decoded.
//
// It imports models, vision, vision/tflite and vision/edgetpu; no other wing.
package networks
