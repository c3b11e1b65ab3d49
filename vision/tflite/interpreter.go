//go:build cgo && linux && !notflite

package tflite

import (
	"errors"
	"fmt"

	"github.com/mattn/go-tflite"
	"golang.org/x/sys/unix"

	_ "smiletill/vision/tflite/headers" // says what to do where the headers are missing
)

// Interpreter is one loaded model with its tensors. It serves one goroutine at a time.
type Interpreter struct {
	delegate        *xnnpack
	plugged         *plugged
	model           *tflite.Model
	options         *tflite.InterpreterOptions
	ip              *tflite.Interpreter
	inputs, outputs []tensor
}

// Open loads a model whose inputs and outputs are float32, int8 or uint8. The bytes may be changed or dropped
// afterwards. Bytes that are no usable model, or another one than o.Want says, give an error that is ErrModel
// and tells the runtime's reason.
func Open(model []byte, o Options) (*Interpreter, error) {
	if err := check(model, o); err != nil {
		return nil, err
	}
	heard := listen()
	p, err := assemble(model, o)
	said := reason(heard())
	var e *Error
	if errors.As(err, &e) && said != "" {
		return nil, &Error{Err: fmt.Errorf("%w: %s", e.Err, said), Advice: e.Advice}
	}
	return p, err
}

func assemble(model []byte, o Options) (_ *Interpreter, err error) {
	p := &Interpreter{}
	defer func() {
		if err != nil {
			_ = p.Close() // the first error is the one to tell
		}
	}()
	threads := max(o.Threads, 1)
	if p.model, err = load(model); err != nil {
		return nil, err
	}
	if p.options = tflite.NewInterpreterOptions(); p.options == nil {
		return nil, errors.New("tflite: open model: no memory for the interpreter's options")
	}
	p.options.SetNumThread(threads)
	if err = p.delegates(o, threads); err != nil {
		return nil, err
	}
	if p.ip = tflite.NewInterpreter(p.model, p.options); p.ip == nil {
		if p.plugged != nil && p.plugged.refused() {
			return nil, refused()
		}
		return nil, badModel("the runtime refuses it")
	}
	if s := p.ip.AllocateTensors(); s != tflite.OK {
		return nil, badModel("its tensors cannot be allocated (status %d)", int(s))
	}
	if err := p.bind(); err != nil {
		return nil, err
	}
	if err := o.Want.check(p.inputs, p.outputs); err != nil {
		return nil, err
	}
	return p, nil
}

// delegates adds what the options ask for, in the order in which the runtime applies it.
func (p *Interpreter) delegates(o Options, threads int) (err error) {
	if o.Delegate != nil {
		if p.plugged, err = o.Delegate.delegate(); err != nil {
			return err
		}
		p.options.AddDelegate(p.plugged)
	}
	if o.XNNPACK && (p.plugged == nil || p.plugged.leavesRoom()) {
		if p.delegate, err = newXNNPACK(threads); err != nil {
			return err
		}
		p.options.AddDelegate(p.delegate)
	}
	return nil
}

// load hands the bytes to the runtime through an anonymous file, which it maps and unmaps with the model.
// go-tflite's NewModel would make a C copy that nothing ever frees.
func load(model []byte) (*tflite.Model, error) {
	fd, err := unix.MemfdCreate("model", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("tflite: open model: create anonymous file: %w", err)
	}
	defer unix.Close(fd)
	for rest := model; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("tflite: open model: write anonymous file: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	m := tflite.NewModelFromFile(fmt.Sprintf("/proc/self/fd/%d", fd))
	if m == nil {
		return nil, badModel("the runtime finds %d bytes of it truncated or damaged", len(model))
	}
	return m, nil
}

// bind takes hold of the memory of all inputs and outputs.
func (p *Interpreter) bind() error {
	for i := range p.ip.GetInputTensorCount() {
		t, err := window("input", i, p.ip.GetInputTensor(i))
		if err != nil {
			return err
		}
		p.inputs = append(p.inputs, t)
	}
	for i := range p.ip.GetOutputTensorCount() {
		t, err := window("output", i, p.ip.GetOutputTensor(i))
		if err != nil {
			return err
		}
		p.outputs = append(p.outputs, t)
	}
	if len(p.inputs) == 0 || len(p.outputs) == 0 {
		return badModel("%d inputs and %d outputs, want at least one of each", len(p.inputs), len(p.outputs))
	}
	return nil
}

// Inputs returns the number of input tensors, 0 after Close.
func (p *Interpreter) Inputs() int { return len(p.inputs) }

// Outputs returns the number of output tensors, 0 after Close.
func (p *Interpreter) Outputs() int { return len(p.outputs) }

// Input returns the values of input i in row-major order, or nil if there is no such input. Write them before
// Run, which leaves those of an int8 or uint8 input as they were and may overwrite a float32 one; they must
// not be touched after Close.
func (p *Interpreter) Input(i int) []float32 { return at(p.inputs, i).values }

// Output returns the values of output i in row-major order, or nil if there is no such output. Each Run
// overwrites it; it must not be touched after Close.
func (p *Interpreter) Output(i int) []float32 { return at(p.outputs, i).values }

// InputShape returns the dimensions of input i, or nil.
func (p *Interpreter) InputShape(i int) []int { return at(p.inputs, i).Shape }

// OutputShape returns the dimensions of output i, or nil.
func (p *Interpreter) OutputShape(i int) []int { return at(p.outputs, i).Shape }

// Delegated returns how many of the model's operators Options.Delegate has taken over, and how many there
// are; 0, 0 without one.
func (p *Interpreter) Delegated() (taken, all int) {
	if p.plugged == nil {
		return 0, 0
	}
	return p.plugged.nodes()
}

func at(ts []tensor, i int) tensor {
	if i < 0 || i >= len(ts) {
		return tensor{}
	}
	return ts[i]
}

// Run computes the outputs from the inputs. It allocates nothing.
func (p *Interpreter) Run() error {
	if p.ip == nil {
		return fmt.Errorf("tflite: run: %w", ErrClosed)
	}
	for i := range p.inputs {
		p.inputs[i].quantise()
	}
	if s := p.ip.Invoke(); s != tflite.OK {
		return fmt.Errorf("tflite: run: the runtime failed (status %d)", int(s))
	}
	for i := range p.outputs {
		p.outputs[i].dequantise()
	}
	return nil
}

// Close frees everything; windows from Input and Output are dead afterwards. Closing twice is harmless.
func (p *Interpreter) Close() error {
	p.inputs, p.outputs = nil, nil
	if p.ip != nil {
		p.ip.Delete()
		p.ip = nil
	}
	if p.options != nil {
		p.options.Delete()
		p.options = nil
	}
	if p.model != nil {
		p.model.Delete()
		p.model = nil
	}
	if p.delegate != nil {
		p.delegate.Delete()
		p.delegate = nil
	}
	if p.plugged != nil {
		p.plugged.Delete()
		p.plugged = nil
	}
	return nil
}
