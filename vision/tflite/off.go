//go:build !cgo || !linux || notflite

package tflite

// Interpreter is the shape of the real one; no value of it can be had in this build.
type Interpreter struct{}

// Open checks the bytes as the real one does, then returns ErrNotBuilt.
func Open(model []byte, o Options) (*Interpreter, error) {
	if err := check(model, o); err != nil {
		return nil, err
	}
	return nil, ErrNotBuilt
}

// Library is the shape of the real one; no value of it can be had in this build.
type Library struct{}

// OpenLibrary returns ErrNotBuilt.
func OpenLibrary(string) (*Library, error) { return nil, ErrNotBuilt }

// Version returns "none".
func Version() string { return "none" }

// CrashPlainly returns ErrNotBuilt.
func CrashPlainly() error { return ErrNotBuilt }

// Delegated returns 0, 0.
func (*Interpreter) Delegated() (taken, all int) { return 0, 0 }

// Inputs returns 0.
func (*Interpreter) Inputs() int { return 0 }

// Outputs returns 0.
func (*Interpreter) Outputs() int { return 0 }

// Input returns nil.
func (*Interpreter) Input(int) []float32 { return nil }

// Output returns nil.
func (*Interpreter) Output(int) []float32 { return nil }

// InputShape returns nil.
func (*Interpreter) InputShape(int) []int { return nil }

// OutputShape returns nil.
func (*Interpreter) OutputShape(int) []int { return nil }

// Run returns ErrNotBuilt.
func (*Interpreter) Run() error { return ErrNotBuilt }

// Close does nothing.
func (*Interpreter) Close() error { return nil }
