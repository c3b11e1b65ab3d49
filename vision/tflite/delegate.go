//go:build cgo && linux && !notflite

package tflite

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensorflow/lite/c/common.h"

typedef TfLiteDelegate* (*smiletill_create)(char**, char**, size_t, void (*)(const char*));
typedef void (*smiletill_destroy)(TfLiteDelegate*);

// Where the plug-in's complaint goes while one is being created: its callback takes no argument of ours.
static __thread char* smiletill_said;
static __thread size_t smiletill_room;

static void smiletill_report(const char* text) {
	if (smiletill_said != NULL && text != NULL) snprintf(smiletill_said, smiletill_room, "%s", text);
}

// The runtime is given a delegate of ours in front of the plug-in's, because its C API does not tell how much
// of a graph a delegate took. The header is of 2.9.0; later releases append fields to TfLiteDelegate, which
// must be zero, and leave what is used here where it was.
typedef struct {
	TfLiteDelegate front;
	void* later[16];
	TfLiteDelegate* plugin;
	smiletill_destroy destroy;
	int nodes, taken, refused;
} smiletill_delegate;

static TfLiteStatus smiletill_prepare(TfLiteContext* c, TfLiteDelegate* front) {
	smiletill_delegate* d = front->data_;
	TfLiteIntArray* plan;
	d->nodes = d->taken = d->refused = 0;
	if (c->GetExecutionPlan(c, &plan) != kTfLiteOk) return kTfLiteError;
	d->nodes = plan->size;
	TfLiteStatus s = d->plugin->Prepare(c, d->plugin);
	if (s != kTfLiteOk) {
		d->refused = 1;
		return s;
	}
	if (c->GetExecutionPlan(c, &plan) != kTfLiteOk) return kTfLiteError;
	for (int i = 0; i < plan->size; i++) {
		TfLiteNode* node;
		TfLiteRegistration* r;
		if (c->GetNodeAndRegistration(c, plan->data[i], &node, &r) != kTfLiteOk) return kTfLiteError;
		// Such a node stands for those it has replaced.
		if (node->delegate == d->plugin && node->builtin_data != NULL) {
			d->taken += ((TfLiteDelegateParams*)node->builtin_data)->nodes_to_replace->size;
		}
	}
	return kTfLiteOk;
}

// A delegate that the plug-in made without what it needs is not given back to it: it would not know it.
static smiletill_delegate* smiletill_new(void* create, void* destroy, char* said, size_t room) {
	smiletill_said = said;
	smiletill_room = room;
	TfLiteDelegate* plugin = ((smiletill_create)create)(NULL, NULL, 0, smiletill_report);
	smiletill_said = NULL;
	if (plugin == NULL) return NULL;
	if (plugin->Prepare == NULL) {
		snprintf(said, room, "%s", "it made a delegate that cannot prepare anything");
		return NULL;
	}
	smiletill_delegate* d = calloc(1, sizeof *d);
	if (d == NULL) {
		((smiletill_destroy)destroy)(plugin);
		snprintf(said, room, "%s", "no memory");
		return NULL;
	}
	d->plugin = plugin;
	d->destroy = (smiletill_destroy)destroy;
	d->front.data_ = d;
	d->front.Prepare = smiletill_prepare;
	d->front.flags = plugin->flags;
	return d;
}

static int smiletill_dynamic(const smiletill_delegate* d) {
	return (d->front.flags & kTfLiteDelegateFlagsAllowDynamicTensors) != 0;
}

static void smiletill_free(smiletill_delegate* d) {
	d->destroy(d->plugin);
	free(d);
}

static void* smiletill_dlopen(const char* path, char* said, size_t room) {
	void* lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) snprintf(said, room, "%s", dlerror());
	return lib;
}

static void smiletill_plain_crash(void) {
	static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) signal(all[i], SIG_DFL);
}
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// saidMax bounds what is kept of a plug-in's complaint, in bytes.
const saidMax = 512

// Library is a delegate plug-in that is loaded into this process, for as long as the process lives: plug-ins
// leave threads and exit handlers behind, which unloading would pull the ground from under.
type Library struct {
	path            string
	create, destroy unsafe.Pointer
}

// OpenLibrary loads a delegate plug-in: a path, or a name that the system's loader looks for. Errors are
// ErrNoLibrary or ErrLibrary. The plug-in's own code runs, and may crash or hang: try it in another process
// first.
func OpenLibrary(path string) (*Library, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var said [saidMax]C.char
	lib := C.smiletill_dlopen(name, &said[0], saidMax)
	if lib == nil {
		text := C.GoString(&said[0])
		if strings.HasPrefix(text, path+": cannot open shared object file") {
			return nil, noLibrary(path)
		}
		return nil, badLibrary("%s", strings.TrimPrefix(text, path+": "))
	}
	l := &Library{path: path}
	for symbol, at := range map[string]*unsafe.Pointer{createSymbol: &l.create, destroySymbol: &l.destroy} {
		s := C.CString(symbol)
		*at = C.dlsym(lib, s)
		C.free(unsafe.Pointer(s))
		if *at == nil {
			return nil, badLibrary("it is no delegate of TensorFlow Lite: it has no %s", symbol)
		}
	}
	return l, nil
}

// plugged is a delegate of a Library, made for one interpreter. It is a delegates.Delegater of go-tflite.
type plugged struct{ d *C.smiletill_delegate }

func (l *Library) delegate() (*plugged, error) {
	var said [saidMax]C.char
	d := C.smiletill_new(l.create, l.destroy, &said[0], saidMax)
	if d == nil {
		text := C.GoString(&said[0])
		if text == "" {
			text = "it does not say why"
		}
		return nil, noDevice(text)
	}
	return &plugged{d}, nil
}

// Ptr hands the delegate to InterpreterOptions.AddDelegate.
func (p *plugged) Ptr() unsafe.Pointer { return unsafe.Pointer(&p.d.front) }

// Delete gives the delegate back to its library; the interpreter that uses it must be gone by then.
func (p *plugged) Delete() {
	if p.d != nil {
		C.smiletill_free(p.d)
		p.d = nil
	}
}

// leavesRoom reports whether a further delegate may be applied after this one: the runtime seals a graph
// after one that needs tensors of fixed size.
func (p *plugged) leavesRoom() bool { return C.smiletill_dynamic(p.d) != 0 }

func (p *plugged) refused() bool { return p.d.refused != 0 }

func (p *plugged) nodes() (taken, all int) { return int(p.d.taken), int(p.d.nodes) }

// CrashPlainly makes this process die of a crash by its signal and without a core file, for a parent that
// looks on: the Go runtime would catch it and exit with 2. For a process that tries something out, not
// for one that has other work.
func CrashPlainly() error {
	C.smiletill_plain_crash()
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("tflite: switch core files off: %w", err)
	}
	return nil
}
