package models_test

import (
	"fmt"

	"smiletill/models"
)

func Example() {
	set, err := models.Open("") // the embedded set
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, task := range models.Tasks() {
		mod := set.Model(task)
		fmt.Println(task, mod.Inputs[0].Shape[1:], len(set.Bytes(task)) == int(mod.Bytes))
	}
	// Output:
	// detect [128 128 3] true
	// mesh [192 192 3] true
	// embed [112 112 3] true
	// liveness [128 128 3] true
}
