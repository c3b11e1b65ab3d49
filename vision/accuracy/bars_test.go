package accuracy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestPlotShares: a point and its bounds for each, in a picture that any reader of SVG takes.
func TestPlotShares(t *testing.T) {
	var out bytes.Buffer
	err := PlotShares(&out, "A & B <c>", []Share{{"print", 0, 300}, {"warp", 30, 60}, {"none", 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	texts, circles := map[string]bool{}, []string{}
	d := xml.NewDecoder(&out)
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			texts[string(tok)] = true
		case xml.StartElement:
			if tok.Name.Local == "circle" {
				circles = append(circles, tok.Attr[0].Value)
			}
		}
	}
	for _, want := range []string{"A & B <c>", "print", "0/300", "30/60"} {
		if !texts[want] {
			t.Errorf("no %q in %v", want, texts)
		}
	}
	if got := strings.Join(circles, " "); got != "190.0 445.0 190.0" {
		t.Errorf("points at %s", got)
	}
}
