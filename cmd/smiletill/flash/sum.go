package flash

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"smiletill/payment"
)

// digests are those of an image: of its file as it is, and of the card that it makes.
type digests struct{ file, card string }

// sumLine is a line of a checksum's file: 64 hexadecimal digits and, mostly, a file's name.
var sumLine = regexp.MustCompile(`^([0-9a-fA-F]{64})(?:[ \t]+\*?(.*\S))?\s*$`)

// held looks for what an image should be, in files beside it: its name with .sha256, a line of SHA256SUMS,
// the manifest that `make card` leaves; and holds the image against each. It names those that said so.
func held(path string, is digests) (string, error) {
	bare := path
	if filepath.Ext(path) != ".img" {
		bare = strings.TrimSuffix(path, filepath.Ext(path))
	}
	var said []string
	for _, from := range slices.Compact([]string{path + ".sha256", bare + ".sha256",
		filepath.Join(filepath.Dir(path), "SHA256SUMS"), strings.TrimSuffix(bare, ".img") + ".manifest.json"}) {
		text, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read the checksum: %w", err)
		}
		want, got := sumOf(string(text), path, bare, from == path+".sha256", is)
		if strings.HasSuffix(from, ".json") {
			want, got = manifestSum(text), is.card
		}
		switch {
		case want == "" && filepath.Base(from) == "SHA256SUMS":
			continue
		case want == "":
			return "", payment.WithHintf(fmt.Errorf("%s has no checksum of %s", from, filepath.Base(path)),
				"get both again from one place; without that file the image is taken unchecked")
		case !strings.EqualFold(want, got):
			return "", payment.WithHintf(fmt.Errorf("%s is not what %s says: its sha256 is %s, and should be %s",
				path, filepath.Base(from), got, strings.ToLower(want)),
				"it is damaged or another one: get it again; the card is as it was")
		}
		said = append(said, from)
	}
	return strings.Join(said, " and "), nil
}

// sumOf finds the line of an image, packed or not, and which of its digests that is about. A line without a
// name is about the file that the list is named after.
func sumOf(text, path, bare string, ofPath bool, is digests) (want, got string) {
	for line := range strings.Lines(text) {
		m := sumLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		switch name := filepath.Base(m[2]); {
		case name == filepath.Base(path), m[2] == "" && ofPath:
			want, got = m[1], is.file
		case name == filepath.Base(bare), m[2] == "":
			want, got = m[1], is.card
		}
	}
	return want, got
}

// manifestSum is the digest of the card in a manifest.
func manifestSum(text []byte) string {
	var manifest struct {
		Image struct {
			SHA256 string `json:"sha256"`
		} `json:"image"`
	}
	if json.Unmarshal(text, &manifest) != nil { // then it has no checksum, which is told
		return ""
	}
	return manifest.Image.SHA256
}
