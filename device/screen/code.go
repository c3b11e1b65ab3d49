package screen

import "rsc.io/qr"

// CodeOf is a text as a QR code; nil if it is too long for one, and the text has to do.
func CodeOf(text string) Code {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil // the text beside it says the same
	}
	rows := make(Code, code.Size)
	for y := range rows {
		rows[y] = make([]bool, code.Size)
		for x := range rows[y] {
			rows[y][x] = code.Black(x, y)
		}
	}
	return rows
}
