package vending

import (
	"bytes"
	"strings"

	"smiletill/payment"
)

// Kind is what a line of the adapter says.
type Kind int

const (
	Noise    Kind = iota // nothing: an empty line, or "r,ACK", which comes whenever the machine asks the adapter
	Garbage              // no line of an adapter: bytes lost or changed, another speed, another device
	Other                // a line of an adapter that means nothing here: the sniffer's, the machine side's
	Version              // v,VERSION,CPU
	Hardware             // h,VERSION,...
	Off                  // c,0: the reader is off the bus
	On                   // c,1: it is on the bus
	Set                  // c,SET,OK: a setting was taken
	Inactive             // the machine has not spoken to the reader
	Disabled             // it has, and wants no payments now
	Enabled              // it takes payments
	Idle                 // a session is open, nothing is chosen
	Chosen               // a product was chosen: Amount, Item
	Success              // the product fell
	Failure              // c,ERR: Code says of what
)

// Line is one line of the adapter, read.
type Line struct {
	Kind Kind
	// Amount is of Chosen and Idle: as the adapter wrote it, "1.20" or "-1"; "" if an Idle has none. Of a
	// Chosen it may be what no amount is, up to 24 characters, which Scale.Price refuses.
	Amount string
	// Item is of Chosen: the machine's number of the product, up to payment.ItemMax letters, digits, "-", ".",
	// "_" and spaces; "" if it names none, or in other characters.
	Item  string
	Code  string // of Failure: "VEND 3", without quotes, up to 40 characters
	Text  string // of Version, Hardware: what comes after the letter; of Garbage, Other: the line, in part
	Old   bool   // said as old firmware does: ONLINE, OFFLINE
	Vague bool   // of Chosen: its amount or its item can't be read, as after noise on the line
}

const (
	lineMax = 128 // the longest line of an adapter is a display's, under 64
	textMax = 40
)

// Splitter cuts what comes from a port into lines, which end with \n, \r or both. Its zero value is ready.
type Splitter struct {
	rest []byte
	long bool // the line is longer than lineMax: its rest is thrown away
}

// Feed takes bytes as they come and gives the lines that are whole now. A line that is too long is one
// Garbage.
func (s *Splitter) Feed(data []byte) []Line {
	var lines []Line
	for _, b := range data {
		switch {
		case b == '\n' || b == '\r':
			if s.long {
				lines = append(lines, Line{Kind: Garbage, Text: shown(s.rest)})
			} else if len(s.rest) > 0 {
				lines = append(lines, Parse(s.rest))
			}
			s.rest, s.long = s.rest[:0], false
		case len(s.rest) == lineMax:
			s.long = true
		default:
			s.rest = append(s.rest, b)
		}
	}
	return lines
}

// Parse reads one line without its end. It takes any bytes; what is not exactly a line of an adapter is
// Garbage.
func Parse(line []byte) Line {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return Line{}
	}
	for _, b := range line {
		if b < ' ' || b > '~' {
			return Line{Kind: Garbage, Text: shown(line)}
		}
	}
	text := string(line)
	head, rest, more := strings.Cut(text, ",")
	if !more || len(line) > lineMax {
		return Line{Kind: Garbage, Text: shown(line)}
	}
	switch head {
	case "c":
		if l, ok := parseReader(rest); ok {
			return l
		}
	case "r":
		return Line{}
	case "v":
		return Line{Kind: Version, Text: cut(rest)}
	case "h":
		return Line{Kind: Hardware, Text: cut(rest)}
	case "d", "x", "f", "p", "m": // the machine's side, the sniffer, other devices
		return Line{Kind: Other, Text: cut(text)}
	}
	return Line{Kind: Garbage, Text: shown(line)}
}

// parseReader reads what comes after "c,".
func parseReader(rest string) (Line, bool) {
	word, rest, more := strings.Cut(rest, ",")
	switch {
	case word == "0" && !more:
		return Line{Kind: Off}, true
	case word == "1" && !more:
		return Line{Kind: On}, true
	case word == "SET" && rest == "OK":
		return Line{Kind: Set}, true
	case word == "VEND" && rest == "SUCCESS":
		return Line{Kind: Success}, true
	case word == "ERR" && more:
		code := strings.TrimSpace(strings.Trim(strings.TrimSpace(rest), `"`))
		return Line{Kind: Failure, Code: cut(code)}, code != ""
	case word == "STATUS" && more:
		return parseStatus(rest)
	}
	return Line{}, false
}

// parseStatus reads what comes after "c,STATUS,".
func parseStatus(rest string) (Line, bool) {
	fields := strings.Split(rest, ",")
	kinds := map[string]Line{
		"INACTIVE": {Kind: Inactive}, "DISABLED": {Kind: Disabled}, "ENABLED": {Kind: Enabled},
		"ONLINE": {Kind: On, Old: true}, "OFFLINE": {Kind: Off, Old: true},
	}
	if l, ok := kinds[fields[0]]; ok {
		return l, len(fields) == 1
	}
	switch fields[0] {
	case "IDLE":
		l := Line{Kind: Idle}
		if len(fields) > 1 {
			l.Amount = fields[1]
		}
		return l, len(fields) == 1 || len(fields) == 2 && number(l.Amount)
	case "VEND":
		if _, choice, _ := strings.Cut(rest, ","); choice != "" {
			return parseChoice(choice), true
		}
		return Line{}, false
	}
	return Line{Kind: Other, Text: cut(rest)}, words(fields[0]) // REVALUE, and what is still to come
}

// number tells a decimal number, or "-1", which is "unknown".
func number(s string) bool {
	if s == unknown {
		return true
	}
	whole, fraction, point := strings.Cut(s, ".")
	return digits(whole) && (!point || digits(fraction))
}

func digits(s string) bool {
	return s != "" && len(s) <= 10 && strings.Trim(s, "0123456789") == ""
}

// amountMax is more than a number has: what is cut is none.
const amountMax = 24

// parseChoice reads what comes after "c,STATUS,VEND,". The machine waits for an answer whether it can be read
// or not.
func parseChoice(rest string) Line {
	fields := strings.Split(rest, ",")
	if fields[0] == "" || len(fields) > 2 { // "1,20,10": which comma is the price's is not guessed
		return Line{Kind: Chosen, Amount: rest[:min(len(rest), amountMax)], Vague: true}
	}
	l := Line{Kind: Chosen, Amount: fields[0][:min(len(fields[0]), amountMax)], Vague: !number(fields[0])}
	if len(fields) == 2 && fields[1] != unknown {
		l.Item = item(fields[1])
		l.Vague = l.Vague || l.Item == "" && strings.TrimSpace(fields[1]) != ""
	}
	return l
}

// item is what names a product: MDB's are numbers, 0 to 65535, and some machines have texts.
func item(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimSpace(s[:min(len(s), payment.ItemMax)])
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if strings.Trim(s, "0123456789-._ "+letters) != "" {
		return ""
	}
	return s
}

func words(s string) bool { return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ") == "" }

func cut(s string) string { return s[:min(len(s), textMax)] }

// shown is the beginning of a line that may hold anything, for a log.
func shown(line []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, string(line[:min(len(line), textMax)]))
	return s
}
