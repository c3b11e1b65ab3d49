package gallery_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"smiletill/vision/gallery"
)

func Example() {
	tmp, err := os.MkdirTemp("", "gallery")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(tmp)

	model := gallery.Model{SHA256: strings.Repeat("0f", 32), Agree: 0.531, Same: 0.599}
	g, err := gallery.Open(filepath.Join(tmp, "gallery"), model, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()

	// Embeddings come from the network; these three are alike, and of length 1.
	moment := func(i int) []float32 {
		face := make([]float32, 192)
		face[0], face[i] = 0.96, 0.28
		return face
	}
	ada, err := g.Enrol("Ada", [][]float32{moment(1), moment(2), moment(3)}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	id, best, second := g.Match(moment(1))
	fmt.Printf("%v: best %.2f, second %.2f\n", id == ada.ID, best, second)

	_, err = g.Enrol("Bob", [][]float32{moment(4), moment(5), moment(6)}, nil)
	fmt.Println(strings.ReplaceAll(err.Error(), ada.ID, "c_..."))
	// Output:
	// true: best 0.97, second -1.00
	// this face is already enrolled as "Ada" (c_...)
}
