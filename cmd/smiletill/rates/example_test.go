package rates_test

import (
	"context"
	"fmt"
	"io"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/rates"
)

// A measurement that can't be is refused before anything is opened.
func ExampleMeasureAttacks() {
	err := rates.MeasureAttacks(context.Background(), config.Default(), rates.AttackOptions{
		Seeds: "judging", Demand: "light", Species: []string{"mask"}, Visits: 1, Workers: 1, Least: 1, People: 1,
	}, io.Discard, io.Discard)
	fmt.Println(err)
	// Output: measure attacks: --species "mask"
}
