package counter_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"smiletill/payment/counter"
)

func Example() {
	dir, err := os.MkdirTemp("", "counter")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	m := counter.At(filepath.Join(dir, "counter.json"), func(err error) { panic(err) })
	fmt.Println(m.Add(counter.Entry{ID: "counter-1"})) // before the payment begins
	fmt.Println(m.Add(counter.Entry{ID: "back-1", Payment: "counter-1", Amount: "1.25"}))
	fmt.Println(m.Forget("counter-1")) // its end was read
	fmt.Println(m.All())
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// [{back-1 counter-1 1.25 }] <nil>
}

// TestMemory opens the file anew after each change, as a terminal that was started again.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counter.json")
	told := 0
	at := func(path string) *counter.Memory { return counter.At(path, func(error) { told++ }) }
	for i := range counter.Max + 3 {
		for range 2 { // a browser may send a request twice
			if err := at(path).Add(counter.Entry{ID: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := at(path).All()
	if err != nil || len(all) != counter.Max || all[0].ID != fmt.Sprint(counter.Max+2) ||
		all[0].About() != all[0].ID {
		t.Errorf("%v, %v", all, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := at(path).Add(counter.Entry{ID: "x"}); err == nil {
		t.Error("a damaged file was replaced")
	}
	if told != 0 {
		t.Errorf("%d writes are said to have failed", told)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{" {
		t.Errorf("the damaged file is %q, %v", text, err)
	}
	if err := at(filepath.Join(t.TempDir(), "gone", "x")).Add(counter.Entry{ID: "x"}); err == nil || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
	err = at(filepath.Join(path, "below", "a-file")).Add(counter.Entry{ID: "x"})
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where nothing can be written: %v", err)
	}
}
