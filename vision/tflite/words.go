//go:build cgo && linux && !notflite

package tflite

/*
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const char* TfLiteVersion(void);

// The runtime tells why it refuses a model, and that it has made a delegate, on C's stderr only (the C API of
// 2.9.0 takes an error reporter for interpreters, not for models). glibc lets a program put another stream in
// the place of stderr; ours keeps what a listening thread writes and passes on everything else. It is put in
// place once and for ever, so that no other thread can hold a stream that was closed. Go itself, and panics,
// write to the file descriptor and notice nothing.
static __thread struct { char text[4096]; size_t used; int listening; } heard;

static ssize_t smiletill_hear(void* cookie, const char* text, size_t n) {
	(void)cookie;
	if (!heard.listening) {
		return write(2, text, n);
	}
	size_t room = sizeof heard.text - heard.used, take = n < room ? n : room;
	memcpy(heard.text + heard.used, text, take);
	heard.used += take;
	return n;
}

static void smiletill_replace_stderr(void) {
#ifdef __GLIBC__
	cookie_io_functions_t io = {.write = smiletill_hear};
	FILE* f = fopencookie(NULL, "w", io);
	if (f != NULL) {
		setvbuf(f, NULL, _IONBF, 0);
		stderr = f;
	}
#endif
}

static void smiletill_listen(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, smiletill_replace_stderr);
	heard.used = 0;
	heard.listening = 1;
}

// The text stays until this thread listens again.
static const char* smiletill_heard(size_t* n) {
	heard.listening = 0;
	*n = heard.used;
	return heard.text;
}
*/
import "C"

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// listen keeps what the runtime says on this thread until the returned function is called, which gives it.
func listen() func() string {
	runtime.LockOSThread()
	C.smiletill_listen()
	return func() string {
		defer runtime.UnlockOSThread()
		var n C.size_t
		text := C.smiletill_heard(&n)
		return C.GoStringN(text, C.int(n))
	}
}

// Version is the version of the runtime in use, "2.19.0".
func Version() string { return C.GoString(C.TfLiteVersion()) }

// reason puts what the runtime said into one line, without what is no trouble. Operators that it does not
// know are named in our words, because its own guess at the cause ("an old TFLite binary?") helps nobody at a
// till.
func reason(said string) string {
	var lines []string
	unknown := regexp.MustCompile(`Didn't find op for builtin opcode '(\w+)' version '(\d+)'.*`)
	place := regexp.MustCompile(`\S*/(tensorflow/lite/)`) // where somebody built the library
	custom := regexp.MustCompile(`Encountered unresolved custom op: (\S+?)\.?$`)
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "ERROR:"))
		switch {
		case line == "" || strings.HasPrefix(line, "INFO:") || strings.HasPrefix(line, "WARNING:"),
			strings.HasPrefix(line, "Registration failed"), strings.HasPrefix(line, "See instructions:"):
			continue
		}
		line = unknown.ReplaceAllString(line, "operator $1 version $2 is not known to TFLite "+Version())
		line = place.ReplaceAllString(line, "$1")
		line = custom.ReplaceAllString(line, "custom operator $1 is not known to TFLite "+Version())
		if line = strings.TrimSuffix(line, "."); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
