package pairing

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/screen"
	"smiletill/payment/register"
)

// Code draws the QR code of the technician's page: address, POIID and the certificate's fingerprint.
func Code(w io.Writer, cfg config.Config) error {
	info, err := opened(cfg)
	if err != nil {
		return err
	}
	address, err := cfg.ShopAddress()
	if err != nil {
		return err
	}
	code := screen.CodeOf(register.Link(address, cfg.POIID(), info.Fingerprint))
	f, ok := w.(*os.File)
	_, err = io.WriteString(w, drawCode(code, ok && term.IsTerminal(int(f.Fd()))))
	return err
}

// drawCode draws a code in half blocks, two rows a line, with the four light modules around it that a reader
// needs. On a screen, whose background may be dark, it brings its own colours; elsewhere dark is ink.
func drawCode(code screen.Code, screen bool) string {
	const quiet = 4
	black := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return y >= 0 && y < len(code) && x >= 0 && x < len(code) && code[y][x]
	}
	var b strings.Builder
	for y := 0; y < len(code)+2*quiet; y += 2 {
		if screen {
			b.WriteString("\x1b[38;5;16;48;5;231m") // black on white, whatever the theme makes of its own
		}
		for x := range len(code) + 2*quiet {
			switch upper, lower := black(x, y), black(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		if screen {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
