//go:build cgo && linux && !notflite

package headers

/*
#if !__has_include(<tensorflow/lite/c/c_api.h>)
#error no TensorFlow Lite here. Run this in the folder of smiletill, then try again: eval "$(make env)"
#endif
*/
import "C"
