package vending_test

import (
	"slices"
	"strings"
	"testing"

	"smiletill/payment"
	"smiletill/payment/vending"
)

func TestParse(t *testing.T) {
	choice := func(amount, item string, vague bool) vending.Line {
		return vending.Line{Kind: vending.Chosen, Amount: amount, Item: item, Vague: vague}
	}
	for _, c := range []struct {
		text string
		want vending.Line
	}{
		// What is no line, or not a whole one.
		{"c", vending.Line{Kind: vending.Garbage, Text: "c"}},
		{"c,", vending.Line{Kind: vending.Garbage, Text: "c,"}},
		{"c,2", vending.Line{Kind: vending.Garbage, Text: "c,2"}},
		{"c,00", vending.Line{Kind: vending.Garbage, Text: "c,00"}},
		{"c,0,1", vending.Line{Kind: vending.Garbage, Text: "c,0,1"}},
		{"C,1", vending.Line{Kind: vending.Garbage, Text: "C,1"}},
		{"c,VEND,SUCCES", vending.Line{Kind: vending.Garbage, Text: "c,VEND,SUCCES"}},
		{"c,VEND,SUCCESSS", vending.Line{Kind: vending.Garbage, Text: "c,VEND,SUCCESSS"}},
		{"\x00c,VEND,SUCCESS", vending.Line{Kind: vending.Garbage, Text: "?c,VEND,SUCCESS"}},
		{"c,VEND,SUCCESS\xff", vending.Line{Kind: vending.Garbage, Text: "c,VEND,SUCCESS?"}},
		{"r,ACKc,VEND,SUCCESS", vending.Line{}},
		{"c,STATUS,", vending.Line{Kind: vending.Garbage, Text: "c,STATUS,"}},
		{"c,STATUS,VEND", vending.Line{Kind: vending.Garbage, Text: "c,STATUS,VEND"}},
		{"c,STATUS,VEND,", vending.Line{Kind: vending.Garbage, Text: "c,STATUS,VEND,"}},
		{"c,STATUS,ENABLED,1", vending.Line{Kind: vending.Garbage, Text: "c,STATUS,ENABLED,1"}},
		{"c,STATUS,IDLE,x", vending.Line{Kind: vending.Garbage, Text: "c,STATUS,IDLE,x"}},
		{"c,ERR,", vending.Line{Kind: vending.Garbage, Text: "c,ERR,"}},
		{`c,ERR,""`, vending.Line{Kind: vending.Garbage, Text: `c,ERR,""`}},
		{"hello", vending.Line{Kind: vending.Garbage, Text: "hello"}},
		// What means nothing.
		{"", vending.Line{}},
		{"  ", vending.Line{}},
		{"r,ACK", vending.Line{}},
		{"r,NAK", vending.Line{}},
		{"c,STATUS,REVALUE,1.00", vending.Line{Kind: vending.Other, Text: "REVALUE,1.00"}},
		{`d,ERR,"-1"`, vending.Line{Kind: vending.Other, Text: `d,ERR,"-1"`}},
		{"x,10 03", vending.Line{Kind: vending.Other, Text: "x,10 03"}},
		// What does.
		{"v,4.0.2.0,0123456789ab", vending.Line{Kind: vending.Version, Text: "4.0.2.0,0123456789ab"}},
		{"h,1.2,usb", vending.Line{Kind: vending.Hardware, Text: "1.2,usb"}},
		{"c,0", vending.Line{Kind: vending.Off}},
		{"c,1", vending.Line{Kind: vending.On}},
		{"c,STATUS,OFFLINE", vending.Line{Kind: vending.Off, Old: true}},
		{"c,STATUS,ONLINE", vending.Line{Kind: vending.On, Old: true}},
		{"c,SET,OK", vending.Line{Kind: vending.Set}},
		{"c,STATUS,INACTIVE", vending.Line{Kind: vending.Inactive}},
		{"c,STATUS,DISABLED", vending.Line{Kind: vending.Disabled}},
		{" c,STATUS,ENABLED ", vending.Line{Kind: vending.Enabled}},
		{"c,STATUS,IDLE", vending.Line{Kind: vending.Idle}},
		{"c,STATUS,IDLE,-1", vending.Line{Kind: vending.Idle, Amount: "-1"}},
		{"c,STATUS,VEND,1.20,10", vending.Line{Kind: vending.Chosen, Amount: "1.20", Item: "10"}},
		{"c,STATUS,VEND,10", vending.Line{Kind: vending.Chosen, Amount: "10"}},
		{"c,STATUS,VEND,-1,3", vending.Line{Kind: vending.Chosen, Amount: "-1", Item: "3"}},
		// A choice that can't be read is one.
		{"c,STATUS,VEND,1,20,10", choice("1,20,10", "", true)},
		{"c,STATUS,VEND,,10", choice(",10", "", true)},
		{"c,STATUS,VEND,1.2.3,4", choice("1.2.3", "4", true)},
		{"c,STATUS,VEND,+1.20,4", choice("+1.20", "4", true)},
		{"c,STATUS,VEND,-1.00,4", choice("-1.00", "4", true)},
		{"c,STATUS,VEND,1e9,4", choice("1e9", "4", true)},
		{"c,STATUS,VEND,.5,4", choice(".5", "4", true)},
		{"c,STATUS,VEND, 1.20,4", choice(" 1.20", "4", true)},
		{"c,STATUS,VEND,99999999999,4", choice("99999999999", "4", true)},
		{"c,STATUS,VEND,000000000000000000000001.20,4", choice("000000000000000000000001", "4", true)},
		{"c,STATUS,VEND,1.20,-1", choice("1.20", "", false)},
		{"c,STATUS,VEND,1.20,", choice("1.20", "", false)},
		{"c,STATUS,VEND,1.20,1-2", choice("1.20", "1-2", false)},
		{"c,STATUS,VEND,1.20,Tray 1_a.2", choice("1.20", "Tray 1_a.2", false)},
		{"c,STATUS,VEND,1.20,1234567890123456", choice("1.20", "1234567890123456", false)},
		{"c,STATUS,VEND,1.20,123456789012345 7", choice("1.20", "123456789012345", false)},
		{"c,STATUS,VEND,1.20, 10", choice("1.20", "10", false)},
		{"c,STATUS,VEND,1.20,1#", choice("1.20", "", true)},
		{"c,VEND,SUCCESS", vending.Line{Kind: vending.Success}},
		{"c,ERR,VEND 3", vending.Line{Kind: vending.Failure, Code: "VEND 3"}},
		{`c,ERR,"VEND 3"`, vending.Line{Kind: vending.Failure, Code: "VEND 3"}},
		{`c,ERR,"START -1"`, vending.Line{Kind: vending.Failure, Code: "START -1"}},
		{`c,ERR,-1`, vending.Line{Kind: vending.Failure, Code: "-1"}},
	} {
		if got := vending.Parse([]byte(c.text)); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", 1000)
	const ends = "c,0\r\nc,1\rr,ACK\n\n\nc,SET,OK\r\n"
	for _, size := range []int{1, 2, 3, 7, 1000} {
		var s vending.Splitter
		var kinds []vending.Kind
		text := ends + long + "\nc,VEND,SUCCESS\nc,STATUS,ENA"
		for chunk := range slices.Chunk([]byte(text), size) {
			for _, l := range s.Feed(chunk) {
				kinds = append(kinds, l.Kind)
			}
		}
		want := []vending.Kind{
			vending.Off, vending.On, vending.Noise, vending.Set, vending.Garbage, vending.Success,
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("in parts of %d: %v, want %v", size, kinds, want)
		}
	}
}

// FuzzLines: whatever comes, in whatever parts, is read without a panic, and means the same in one part.
func FuzzLines(f *testing.F) {
	f.Add([]byte("c,STATUS,VEND,1.20,10\r\nc,VEND,SUCCESS\nr,ACK\n"), 3)
	f.Add([]byte("c,ERR,\"START -1\"\nc,STATUS,IDLE,-1\nv,1,2\n\xff\xfe\x00"), 1)
	f.Add([]byte("c,STATUS,VEND,1,20,10\nc,STATUS,VEND,-1.00,1-2\nc,STATUS,VEND,1.20,12345678901234567\n"), 5)
	scale := euro(vending.AlwaysIdle).Scale
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		var whole, parts vending.Splitter
		want := whole.Feed(data)
		var got []vending.Line
		for chunk := range slices.Chunk(data, 1+int(uint(size)%64)) {
			got = append(got, parts.Feed(chunk)...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("in parts %v, whole %v", got, want)
		}
		for _, l := range want {
			if len(l.Text) > 40 || len(l.Code) > 40 ||
				payment.CheckText(l.Item, payment.ItemMax) != nil || len(l.Amount) > 24 ||
				strings.ContainsFunc(l.Text+l.Code+l.Item+l.Amount, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%+v holds too much, or what no screen should be shown", l)
			}
			if l.Kind == vending.Chosen && l.Amount == "" {
				t.Fatal("a choice without an amount")
			}
			if _, err := scale.Price(l.Amount); err == nil && l.Vague && l.Item != "" {
				t.Fatalf("%+v has a price", l)
			}
		}
	})
}
