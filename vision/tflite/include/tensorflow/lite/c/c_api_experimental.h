/* The npm package that ships libtensorflowlite_c leaves this header out. These are the few declarations of it that
 * go-tflite names; the library exports all of them. */
#ifndef SMILETILL_TFLITE_C_API_EXPERIMENTAL_H
#define SMILETILL_TFLITE_C_API_EXPERIMENTAL_H

#include <stdbool.h>

#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/c/common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int TfLiteBuiltinOperator;

extern TfLiteStatus TfLiteInterpreterResetVariableTensors(TfLiteInterpreter* interpreter);
extern void TfLiteInterpreterOptionsAddBuiltinOp(TfLiteInterpreterOptions* options, TfLiteBuiltinOperator op,
                                                 const TfLiteRegistration* registration, int32_t min_version,
                                                 int32_t max_version);
extern void TfLiteInterpreterOptionsAddCustomOp(TfLiteInterpreterOptions* options, const char* name,
                                                const TfLiteRegistration* registration, int32_t min_version,
                                                int32_t max_version);
extern void TfLiteInterpreterOptionsSetUseNNAPI(TfLiteInterpreterOptions* options, bool enable);

#ifdef __cplusplus
}
#endif

#endif
