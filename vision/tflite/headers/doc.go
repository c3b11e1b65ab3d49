// Package headers says what to do where a plain go command does not find TensorFlow Lite: without the headers
// of its C API the compiler stops here, with that advice. vision/tflite imports it for this alone.
//
// It is a package of its own because go-tflite, which vision/tflite needs, stops too: what imports a package
// that does not compile is not compiled itself, and could say nothing.
//
// It must not import anything but C, for the same reason.
//
// Sources: https://gcc.gnu.org/onlinedocs/cpp/_005f_005fhas_005finclude.html.
package headers
