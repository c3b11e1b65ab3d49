package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"smiletill/payment"
)

// numbersLost is how far the number of closings goes on where a journal was begun anew and nothing tells how
// many closings were lost with the one before: more than any shop makes in the time that facts are kept.
const numbersLost = 1000

// closingNumber is the file beside a journal with the number of the last closing: an older copy of the
// journal that is put back does not know it.
type closingNumber struct {
	Number int64 `json:"number"`
}

func numberName(path string) string { return path + ".closing" }

// readNumber gives the number that is kept; 0: none.
func readNumber(path string) (int64, error) {
	text, err := os.ReadFile(numberName(path))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var n closingNumber
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil || n.Number < 0 {
		err = fmt.Errorf("read the number of the last closing: %w", errors.Join(err, ErrDamaged))
		return 0, payment.WithHintf(err, `write {"number": N} into %s, N being the number of the last closing `+
			"that the shop or the cloud has", numberName(path))
	}
	return n.Number, nil
}

func keepNumber(path string, number int64) error {
	text, err := json.Marshal(closingNumber{number})
	if err != nil {
		return err
	}
	return replaceFile(numberName(path), text)
}

// passNumbers has the closings of a journal that is begun anew go on above those of the one before.
func (r *rescue) passNumbers(ctx context.Context, path string, q queryer) error {
	kept, err := readNumber(path)
	if err != nil { // it was damaged with the journal
		kept = 0
	}
	last := max(kept, r.said.closings, lastNumber(ctx, q))
	if r.found.Tail {
		last = (last/numbersLost + 1) * numbersLost
	}
	return keepNumber(path, last)
}
