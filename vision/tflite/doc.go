// Package tflite runs a TensorFlow Lite model on float32 values. It holds all cgo of the project.
//
// An Interpreter owns its memory: Input and Output of a float32 tensor are windows onto the runtime's own,
// and those of an int8 or uint8 tensor are quantised and read back by Run. Nothing is allocated by Run. They
// stay valid, at the same address, until Close.
//
// Invariants:
//   - bytes that are damaged or no TFLite model give an error, not a crash: the identifier is checked here,
//     the flatbuffer is verified by the runtime before anything of it is followed. A file that was made to
//     pass that and to crash it is possible (TestMutatedModels counts): only bytes of a known hash may come
//     here, or the caller is a child process that may die;
//   - every input and output is float32, int8 or uint8 with a fixed shape, and what Options.Want says, or
//     Open refuses the model with the runtime's reason;
//   - the runtime writes nothing on stderr while a model is opened;
//   - Close frees interpreter, options, model and delegates in that order (a delegate must outlive its
//     interpreter); a delegate's library stays loaded as long as the process.
//
// The C API does not apply XNNPACK by itself: without Options.XNNPACK the reference kernels run, which is 20
// times slower for the int8 detector and 25 times slower for the embedding (models/measured/bench.txt).
//
// A Library is a delegate plug-in, the Edge TPU's for one, with its two entry points found by dlopen. Its
// code is in this process then, and may crash or hang it: vision/edgetpu tries it in a child first.
//
// Built without cgo, or with the tag notflite, the package compiles everywhere and Open returns ErrNotBuilt.
//
// It must not import anything else of this module but headers, which says what to do where TFLite is missing.
//
// Sources: tensorflow/lite/c/c_api.h and tensorflow/lite/delegates/xnnpack/xnnpack_delegate.h of TensorFlow
// 2.9.0; tensorflow/lite/delegates/external/external_delegate.cc for the entry points of a plug-in.
package tflite
