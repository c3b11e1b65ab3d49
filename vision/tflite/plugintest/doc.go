// Package plugintest builds delegate plug-ins that misbehave as told, and a model that only a delegate can
// run, for the tests of what uses an accelerator. No accelerator is at hand in CI; these are real shared
// libraries that the real runtime calls.
//
// It must not be imported but by tests, and imports the standard library only.
//
// Sources: tensorflow/lite/c/common.h and tensorflow/lite/schema/schema.fbs of TensorFlow 2.9.0; libedgetpu's
// tflite/edgetpu_delegate_for_custom_op.cc for what its delegate does.
package plugintest
