//go:build cgo && linux && !notflite

package tflite

/*
#include <stdint.h>

typedef struct TfLiteDelegate TfLiteDelegate;

// The package with the library has no xnnpack_delegate.h. Its options begin with these two fields; later
// releases append more, which must be zero. They are handed over by pointer, so a longer zeroed struct is
// right for all of them.
typedef struct {
	int32_t  num_threads;
	uint32_t flags;
	uint64_t later[14];
} smiletill_xnnpack_options;

extern TfLiteDelegate* TfLiteXNNPackDelegateCreate(const void* options);
extern void TfLiteXNNPackDelegateDelete(TfLiteDelegate* delegate);

static TfLiteDelegate* smiletill_xnnpack(int32_t threads, uint32_t flags) {
	smiletill_xnnpack_options o = {threads, flags, {0}};
	return TfLiteXNNPackDelegateCreate(&o);
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

// TFLITE_XNNPACK_DELEGATE_FLAG_QS8 and _QU8 of xnnpack_delegate.h.
const xnnpackQS8, xnnpackQU8 = 1, 2

// xnnpack is a delegates.Delegater of go-tflite. Its own one links a library of another name.
type xnnpack struct{ d *C.TfLiteDelegate }

func newXNNPACK(threads int) (*xnnpack, error) {
	d := C.smiletill_xnnpack(C.int32_t(threads), xnnpackQS8|xnnpackQU8)
	if d == nil {
		return nil, errors.New("tflite: the runtime could not create its XNNPACK delegate (out of memory?)")
	}
	return &xnnpack{d}, nil
}

// Ptr hands the delegate to InterpreterOptions.AddDelegate.
func (x *xnnpack) Ptr() unsafe.Pointer { return unsafe.Pointer(x.d) }

// Delete frees it; the interpreter that uses it must be gone by then.
func (x *xnnpack) Delete() {
	if x.d != nil {
		C.TfLiteXNNPackDelegateDelete(x.d)
		x.d = nil
	}
}
