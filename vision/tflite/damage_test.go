//go:build cgo && linux && !notflite

package tflite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"smiletill/models"
)

// table is one table of a flatbuffer: where it is, and where its fields are.
// Source: flatbuffers.dev, "Internals"; field numbers are those of tensorflow/lite/schema/schema.fbs.
type table struct {
	b  []byte
	at int
}

func u32(b []byte, at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }

func root(b []byte) table { return table{b, u32(b, 0)} }

// field is where field i is stored, 0 if it is absent and so has its default.
func (t table) field(i int) int {
	v := t.at - int(int32(u32(t.b, t.at)))
	if 4+2*i >= int(binary.LittleEndian.Uint16(t.b[v:])) {
		return 0
	}
	if off := int(binary.LittleEndian.Uint16(t.b[v+4+2*i:])); off != 0 {
		return t.at + off
	}
	return 0
}

func (t table) mustField(tb testing.TB, i int) int {
	tb.Helper()
	at := t.field(i)
	if at == 0 {
		tb.Fatalf("field %d is absent", i)
	}
	return at
}

// list is where the elements of vector field i begin, and how many there are.
func (t table) list(tb testing.TB, i int) (at, n int) {
	tb.Helper()
	f := t.mustField(tb, i)
	v := f + u32(t.b, f)
	return v + 4, u32(t.b, v)
}

func (t table) elem(tb testing.TB, i, j int) table {
	tb.Helper()
	at, n := t.list(tb, i)
	if j >= n {
		tb.Fatalf("vector %d has %d elements", i, n)
	}
	return table{t.b, at + 4*j + u32(t.b, at+4*j)}
}

const (
	modelCodes, modelGraphs           = 1, 2
	graphTensors, graphIn, graphNodes = 0, 1, 3
	tensorShape, tensorType           = 0, 1
	nodeIn                            = 1
	codeVersion                       = 2
)

func graph(tb testing.TB, b []byte) table { tb.Helper(); return root(b).elem(tb, modelGraphs, 0) }

// firstVersion is where the version of an operator is stored.
func firstVersion(tb testing.TB, b []byte) int {
	tb.Helper()
	_, n := root(b).list(tb, modelCodes)
	for i := range n {
		if at := root(b).elem(tb, modelCodes, i).field(codeVersion); at != 0 {
			return at
		}
	}
	tb.Fatal("every operator has version 1, the default, which is not stored")
	return 0
}

func TestOpenSaysWhy(t *testing.T) {
	_, good := embedded(t, models.Detect)
	input := func(b []byte) table {
		at, _ := graph(t, b).list(t, graphIn)
		return graph(t, b).elem(t, graphTensors, u32(b, at))
	}
	for _, c := range []struct {
		name  string
		spoil func(b []byte)
		says  string
	}{
		{"unknown operator version", func(b []byte) {
			b[firstVersion(t, b)] = 99
		}, "version 99 is not known to TFLite " + Version()},
		{"no flatbuffer", func(b []byte) { copy(b, "\xff\xff\xff\x7f") }, "not a valid Flatbuffer"},
		{"empty graph list", func(b []byte) {
			at, _ := root(b).list(t, modelGraphs)
			binary.LittleEndian.PutUint32(b[at-4:], 0)
		}, ""},
		{"node reads a tensor that is not there", func(b []byte) {
			at, _ := graph(t, b).elem(t, graphNodes, 0).list(t, nodeIn)
			binary.LittleEndian.PutUint32(b[at:], 1<<20)
		}, ""},
		{"input is a tensor that is not there", func(b []byte) {
			at, _ := graph(t, b).list(t, graphIn)
			binary.LittleEndian.PutUint32(b[at:], 1<<20)
		}, ""},
		{"input of another size", func(b []byte) {
			at, _ := input(b).list(t, tensorShape)
			binary.LittleEndian.PutUint32(b[at+4:], 64)
		}, ""},
		{"negative input", func(b []byte) {
			at, _ := input(b).list(t, tensorShape)
			binary.LittleEndian.PutUint32(b[at+4:], math.MaxUint32)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := slices.Clone(good)
			c.spoil(bad)
			mod, _ := embedded(t, models.Detect)
			for _, fast := range []bool{true, false} {
				p, err := Open(bad, Options{XNNPACK: fast, Want: want(mod)})
				if p != nil || !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("xnnpack %v: %v, want ErrModel with %q", fast, err, c.says)
				}
				var h hinted
				if !errors.As(err, &h) || h.Hint() == "" {
					t.Errorf("%v has no hint", err)
				}
				t.Log(err)
			}
		})
	}
}

func TestOpenRefusesAnotherModel(t *testing.T) {
	detect, data := embedded(t, models.Detect)
	mesh, _ := embedded(t, models.Mesh)
	of := func(change func(*Want)) Want {
		w := want(detect)
		change(&w)
		return w
	}
	for _, c := range []struct {
		name string
		want Want
		says string
	}{
		{"another task's", want(mesh), "input 0 is float32 [1 128 128 3], its manifest says float32 [1 192 192 3]"},
		{"an output more", of(func(w *Want) { w.Outputs = append(w.Outputs, w.Outputs[0]) }), "2 outputs"},
		{"outputs the other way round", of(func(w *Want) { slices.Reverse(w.Outputs) }), "output 0"},
		{"no input", of(func(w *Want) { w.Inputs = nil }), "1 inputs"},
		{"quantised", of(func(w *Want) {
			w.Inputs[0].Type, w.Inputs[0].Scale, w.Inputs[0].ZeroPoint = "int8", 1./128, -1
		}), "its manifest says int8 [1 128 128 3], scale 0.0078125, zero point -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Open(data, Options{XNNPACK: true, Want: c.want})
			if p != nil || !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want ErrModel with %q", err, c.says)
			}
		})
	}
}

// What the runtime says is no part of the program's output: neither its greeting nor its complaints.
func TestRuntimeIsQuiet(t *testing.T) {
	if os.Getenv("SMILETILL_TEST_CHILD") == "quiet" {
		_, good := embedded(t, models.Detect)
		if p, err := Open(good, Options{XNNPACK: true}); err == nil {
			p.Close()
		}
		_, err := Open(append(good[:8:8], bytes.Repeat([]byte{1}, 400)...), Options{})
		os.Stderr.WriteString("said: " + strconv.FormatBool(errors.Is(err, ErrModel)) + "\n")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRuntimeIsQuiet$")
	cmd.Env = append(os.Environ(), "SMILETILL_TEST_CHILD=quiet")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil || errs.String() != "said: true\n" {
		t.Errorf("%v, stderr %q", err, errs.String())
	}
}

// Files whose hash is right and whose content is evil, in children: none may run to an end with a crash that
// Open could have prevented. What the runtime itself does not survive is counted, and is why `smiletill
// models` tries a shop's file in a child of its own before it is installed.
func TestMutatedModels(t *testing.T) {
	const rounds = 300
	if seed := os.Getenv("SMILETILL_TEST_MUTATE"); seed != "" {
		mutate(t, seed)
		return
	}
	var crashes, refused, opened int
	for i := 0; i < rounds; i++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMutatedModels$", "-test.v")
		cmd.Env = append(os.Environ(), "SMILETILL_TEST_MUTATE="+strconv.Itoa(i)+","+strconv.Itoa(rounds))
		out, err := cmd.CombinedOutput()
		refused += bytes.Count(out, []byte("refused\n"))
		opened += bytes.Count(out, []byte("opened\n"))
		if err == nil {
			break // it came to the end
		}
		crashes++
		at := bytes.LastIndex(out, []byte("round "))
		if at < 0 {
			t.Fatalf("%v\n%s", err, out)
		}
		if i, err = strconv.Atoi(strings.Fields(string(out[at:]))[1]); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("of %d mutated models %d were refused, %d ran, %d crashed the runtime", rounds, refused, opened,
		crashes)
	if refused == 0 || refused+opened+crashes != rounds {
		t.Error("the mutations do not add up")
	}
	if crashes > rounds/10 {
		t.Errorf("%d crashes: the runtime's verifier does not look", crashes)
	}
}

// mutate opens and runs models with some bytes changed, from a round to the last.
func mutate(t *testing.T, rounds string) {
	first, last, _ := strings.Cut(rounds, ",")
	from, _ := strconv.Atoi(first)
	to, _ := strconv.Atoi(last)
	_, good := embedded(t, models.Detect)
	structure := u32(good, 0) // weights come before the tables that describe them, or after: change both
	for i := from; i < to; i++ {
		rng := rand.New(rand.NewPCG(uint64(i), 7))
		bad := slices.Clone(good)
		for range 1 + rng.IntN(8) {
			at := rng.IntN(len(bad))
			if rng.IntN(4) > 0 { // mostly near the tables
				at = min(max(structure+rng.IntN(40000)-20000, 8), len(bad)-1)
			}
			bad[at] = byte(rng.Uint32())
		}
		os.Stdout.WriteString("round " + strconv.Itoa(i) + "\n")
		p, err := Open(bad, Options{XNNPACK: i%2 == 0})
		if err != nil {
			os.Stdout.WriteString("refused\n")
			continue
		}
		_ = p.Run() // whatever it computes
		os.Stdout.WriteString("opened\n")
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
