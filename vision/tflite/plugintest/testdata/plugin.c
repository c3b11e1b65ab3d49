/* A delegate plug-in for tests. It takes RELU and "edgetpu-custom-op" nodes, one by one as libedgetpu does, and
 * computes max(0, x) and 2x + 1. Macros make it fail in one way or another. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tensorflow/lite/c/common.h"

#ifndef BIAS
#define BIAS 0 /* added to every value: proof that this code ran */
#endif
#ifndef FLAGS
#define FLAGS kTfLiteDelegateFlagsAllowDynamicTensors /* as libedgetpu has it */
#endif
#ifndef FAIL_RUN_FROM
#define FAIL_RUN_FROM 0 /* the number of the kernel's run, from 1, that fails first; 0: none */
#endif
#ifndef HANG_RUN_FROM
#define HANG_RUN_FROM 0
#endif

enum { RELU = 19 }; /* kTfLiteBuiltinRelu */

static int kernels; /* alive */
static int runs;

static void hang(void) {
	for (;;) pause();
}

typedef struct { int relu; } kernel;

/* The header is of 2.9.0. Later releases append fields, which must be zero: a larger struct is right for all of
 * them, also where it is passed by value (in memory, on x86-64 and arm64). */
typedef struct { TfLiteDelegate d; void* later[16]; } delegate;
typedef struct { TfLiteRegistration r; void* later[16]; } registration;
typedef TfLiteStatus (*replace)(TfLiteContext*, registration, const TfLiteIntArray*, TfLiteDelegate*);

static int wanted(const TfLiteRegistration* r) {
#ifdef TAKE_NOTHING
	return 0;
#endif
	return r->builtin_code == RELU || (r->custom_name != NULL && strcmp(r->custom_name, "edgetpu-custom-op") == 0);
}

static void* start(TfLiteContext* c, const char* buffer, size_t length) {
	const TfLiteDelegateParams* p = (const TfLiteDelegateParams*)buffer;
	TfLiteNode* node;
	TfLiteRegistration* r;
	(void)length;
	if (p->nodes_to_replace->size != 1) abort();
	if (c->GetNodeAndRegistration(c, p->nodes_to_replace->data[0], &node, &r) != kTfLiteOk) abort();
	kernel* k = malloc(sizeof *k);
	k->relu = r->builtin_code == RELU;
	kernels++;
	return k;
}

static void stop(TfLiteContext* c, void* k) {
	(void)c;
	kernels--;
	free(k);
}

static TfLiteStatus run(TfLiteContext* c, TfLiteNode* node) {
	const kernel* k = node->user_data;
	const TfLiteTensor* in = &c->tensors[node->inputs->data[0]];
	TfLiteTensor* out = &c->tensors[node->outputs->data[0]];
	runs++;
	if (HANG_RUN_FROM > 0 && runs >= HANG_RUN_FROM) hang();
	if (FAIL_RUN_FROM > 0 && runs >= FAIL_RUN_FROM) {
		memset(out->data.raw, 0x3f, out->bytes); /* what a broken transfer may leave */
		c->ReportError(c, "the test's accelerator was pulled out");
		return kTfLiteError;
	}
	if (in->bytes != out->bytes) return kTfLiteError;
	for (size_t i = 0; i < in->bytes / sizeof(float); i++) {
		float x = in->data.f[i];
		out->data.f[i] = (k->relu ? (x > 0 ? x : 0) : 2 * x + 1) + BIAS;
	}
	return kTfLiteOk;
}

static TfLiteStatus prepare(TfLiteContext* c, TfLiteDelegate* d) {
	TfLiteIntArray* plan;
#ifdef FAIL_PREPARE
	c->ReportError(c, "the test's delegate does not like this model");
	return kTfLiteError;
#endif
	if (c->GetExecutionPlan(c, &plan) != kTfLiteOk) return kTfLiteError;
	int* taken = malloc(sizeof(int) * (size_t)plan->size);
	int n = 0;
	for (int i = 0; i < plan->size; i++) {
		TfLiteNode* node;
		TfLiteRegistration* r;
		if (c->GetNodeAndRegistration(c, plan->data[i], &node, &r) != kTfLiteOk) return kTfLiteError;
		if (wanted(r)) taken[n++] = plan->data[i];
	}
	registration r = {.r = {.init = start, .free = stop, .invoke = run}};
	r.r.custom_name = "test-delegate";
	r.r.version = 1;
	int array[2] = {1, 0}; /* a TfLiteIntArray of one */
	for (int i = 0; i < n; i++) {
		array[1] = taken[i];
		((replace)c->ReplaceNodeSubsetsWithDelegateKernels)(c, r, (TfLiteIntArray*)array, d);
	}
	free(taken);
	return kTfLiteOk;
}

#ifdef COUNT_FILE
/* tries counts calls over all processes. */
static long tries(void) {
	FILE* f = fopen(COUNT_FILE, "a");
	if (f == NULL) abort();
	fputc('.', f);
	fseek(f, 0, SEEK_END);
	long n = ftell(f);
	fclose(f);
	return n;
}
#endif

TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values, size_t n, void (*report)(const char*)) {
	(void)keys, (void)values, (void)n;
#ifdef CHATTY
	for (int i = 0; i < 100000; i++) fprintf(i % 2 ? stdout : stderr, "line %d of a plug-in that talks\n", i);
	fflush(stdout);
#endif
#ifdef CRASH_CREATE
	*(volatile int*)16 = 1;
#endif
#ifdef ABORT_CREATE
	abort();
#endif
#ifdef EXIT_CREATE
	exit(0);
#endif
#ifdef HANG_CREATE
	hang();
#endif
#ifdef NO_DEVICE
	report("no test device answers");
	return NULL;
#endif
#ifdef COUNT_FILE
	if (tries() < READY_AT) {
		report("the test device is still starting");
		return NULL;
	}
#endif
	(void)report;
	TfLiteDelegate* d = calloc(1, sizeof(delegate));
#ifndef NO_PREPARE
	d->Prepare = prepare;
#endif
	d->flags = FLAGS;
	return d;
}

#ifndef NO_DESTROY
void tflite_plugin_destroy_delegate(TfLiteDelegate* d) {
	if (kernels != 0) abort(); /* freed before its interpreter */
	free(d);
}
#endif
