// Package edgetpu puts networks on an accelerator that may be there, and takes them off again when it fails.
// A till takes payments with it and without it.
//
// An Accelerator is given the networks of the CPU, each with its compiled form if there is one (Place), and
// gives back a Network each, which runs on the CPU. Run then tries the delegate library in a child process,
// again every second for a while, as the device leaves the bus and comes back when it gets its firmware. When
// it works, the compiled forms are opened and the Networks run on them.
//
// Invariants:
//   - Input and Output of a Network are the CPU network's memory, always: what is on the accelerator has
//     memory of its own, and values are copied. So there is no wrong moment for a change, and a run that
//     fails is done again on the CPU from the same input, in the same call.
//   - The values of a run that failed never reach an Output.
//   - The first runs of a compiled form are done on the CPU too, whose result counts, until three were alike;
//     a compiled form that computes something else is not used.
//   - Calls into the library have a time limit. One that is over it is left to itself, with its memory.
//   - After the first failure nothing is on the accelerator any more, until the program starts again.
//   - Each such change is one line in the log, and State says it for the technician.
//
// What this cannot do: a library that passes the trial and crashes later takes the process with it; the
// service manager starts the till again, and no payment is approved by that.
//
// It must not import vision/tflite (it is given functions), nor anything else of this module.
//
// Sources: libedgetpu's tflite/ and driver/usb/ for what it does at the first open (1a6e:089a becomes
// 18d1:9302); the limits are our own and are far from what a sound device needs.
package edgetpu
