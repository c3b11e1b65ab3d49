package machine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ask is a line from the reader.
func (s *Sim) ask(line string) {
	word, rest, _ := strings.Cut(line, ",")
	order, value, _ := strings.Cut(rest, ",")
	switch {
	case line == "V" && s.o.Firmware == OldFirmware:
		s.tell("v,3.1.0.0,0123456789ab")
	case line == "V":
		s.tell("v,4.0.2.0,0123456789ab")
	case line == "H":
		s.tell("h,2.0,simulated")
	case word == "X":
		s.tell("x," + rest)
	case word != "C":
	case rest == "0":
		s.switchOff()
	case rest == "1":
		s.switchOn()
	case order == "SETCONF":
		s.configure(value)
	case order == "START":
		s.start(value)
	case order == "STOP":
		s.stop()
	case order == "VEND":
		s.vend(value)
	case order == "DISPLAY":
	default:
		s.err("-1")
	}
}

func (s *Sim) switchOff() {
	was := s.state
	s.state = off
	if was == wanted {
		s.result("")
	}
	if s.o.Firmware == OldFirmware {
		s.tell("c,STATUS,OFFLINE")
		return
	}
	s.tell("c,0")
}

func (s *Sim) switchOn() {
	if s.state != off {
		s.err("cashless is on")
		return
	}
	s.state = inactive
	if s.o.Firmware == OldFirmware {
		s.tell("c,STATUS,ONLINE")
	} else {
		s.tell("c,STATUS,INACTIVE")
		s.tell("c,1")
	}
	s.poll()
}

// poll is the machine that looks for a reader at its address, and finds one that is on.
func (s *Sim) poll() {
	if s.mode == 0 || s.state == off || s.number("mdb-addr") != int64(s.o.Address) {
		return
	}
	s.echo("d,STATUS,RESET")
	s.tell("r,ACK")
	s.state = disabled
	s.tell("c,STATUS,DISABLED")
	s.chatter = s.now.Add(s.o.Chatter)
	init := 0
	if s.alwaysIdle() {
		init = 1
	}
	s.echo(fmt.Sprintf("d,STATUS,INIT,%d", init))
	if !s.o.Foreign || s.readerOn {
		s.enable()
	}
}

func (s *Sim) enable() {
	s.state = enabled
	s.tell("c,STATUS,ENABLED")
	s.echo("d,STATUS,IDLE")
}

func (s *Sim) configure(pair string) {
	key, value, _ := strings.Cut(pair, "=")
	known := []string{
		"mdb-addr", "mdb-currency-code", "mdb-always-idle", "mdb-decimal-places", "mdb-scale-factor",
	}
	if s.o.Firmware == OldFirmware {
		known = known[:3]
	}
	switch {
	case s.state != off:
		s.err("cashless is on")
	case !slices.Contains(known, key) || value == "":
		s.err("SETCONF -1")
	case key == "mdb-decimal-places" && !between(value, 0, 3),
		key == "mdb-scale-factor" && !between(value, 1, 100):
		s.err("SETCONF -1")
	default:
		s.conf[key] = value
		s.tell("c,SET,OK")
	}
}

func between(text string, low, high int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && low <= n && n <= high
}

func (s *Sim) start(funds string) {
	if s.state != enabled || s.mode == 2 && s.alwaysIdle() {
		s.err("START -1")
		return
	}
	s.state = idle
	s.tell("c,STATUS,IDLE," + funds)
	s.echo("d,STATUS,CREDIT," + funds)
}

func (s *Sim) stop() {
	switch {
	case s.state == idle:
		s.enable()
	case s.state == wanted && s.o.Deny != DenyByVend:
		s.denied()
	default:
		s.err("STOP -1")
	}
}

func (s *Sim) vend(value string) {
	amount, _, _ := strings.Cut(value, ",") // "C,VEND,1,5" names the item too
	switch {
	case amount == "-1" && s.state != wanted: // a no to what is not wanted any more is none, and no error
	case s.state != wanted, amount == "-1" && s.o.Deny == DenyByStop:
		s.err("VEND -1")
	case amount == "-1":
		s.denied()
	case units(amount, int(s.number("mdb-decimal-places"))) < 0:
		s.err("VEND -1")
	default:
		s.state = approved
		s.tell("r,ACK")
		s.result(amount)
	}
}

// denied is the reader's no, heard by the machine.
func (s *Sim) denied() {
	s.result("")
	s.back()
}

// back is a vend that is over, for the reader.
func (s *Sim) back() {
	s.tell("c,STATUS,IDLE")
	s.enable()
}

// result is what the machine hears of its request: an amount, or "" for no.
func (s *Sim) result(amount string) {
	s.ends, s.mute = time.Time{}, false
	if amount == "" {
		s.keep(Product{Price: s.price, Item: s.item, Told: true})
		s.price = ""
		s.echo("d,STATUS,RESULT,-1")
		return
	}
	raw := units(amount, int(s.number("mdb-decimal-places"))) / max(1, s.number("mdb-scale-factor"))
	s.echo("d,STATUS,RESULT,1," + text(raw, s.o.Decimals))
	if !s.o.Foreign {
		s.ends, s.mute = s.now.Add(s.o.Motor), s.chance(s.o.Faults.Silence)
	}
}

// order is a line from the machine.
func (s *Sim) order(line string) {
	rest := strings.TrimPrefix(line, "D,")
	word, value, _ := strings.Cut(rest, ",")
	switch {
	case rest == "0":
		s.mode, s.readerOn = 0, false
		if s.state > inactive {
			s.state = inactive
			s.tell("c,STATUS,INACTIVE")
		}
	case rest == "1", rest == "2":
		s.mode = int(rest[0] - '0')
		s.poll()
	case word == "READER":
		s.switchReader(value == "1")
	case word == "REQ":
		s.request(value)
	case word == "END":
		s.finish(value != "-1")
	default:
		s.echo(`d,ERR,"-1"`)
	}
}

// switchReader is the machine that wants payments, or none. While it is off (before D,1 or D,2) it wants
// nothing; what it wants of a reader that is not on the bus yet counts when that comes.
func (s *Sim) switchReader(on bool) {
	if s.mode == 0 {
		s.echo(`d,ERR,"-1"`)
		return
	}
	s.readerOn = on
	switch {
	case s.state < disabled:
		s.echo(`d,ERR,"-1"`)
	case on:
		s.enable()
	default:
		s.state = disabled
		s.tell("c,STATUS,DISABLED")
	}
}

func (s *Sim) request(value string) {
	price, item, _ := strings.Cut(value, ",")
	raw := units(price, s.o.Decimals)
	if !s.Waiting() || raw < 0 {
		s.echo(`d,ERR,"-1"`)
		return
	}
	s.price, s.item, s.state = price, item, wanted
	if !s.o.Foreign {
		s.ends = s.now.Add(s.o.Patience)
	}
	shown := text(raw*max(1, s.number("mdb-scale-factor")), int(s.number("mdb-decimal-places")))
	s.tell("c,STATUS,VEND," + shown + "," + item)
	s.echo("d,STATUS,VEND")
}

// finish is the end of a request: the product fell, or it did not, or it is not wanted any more.
func (s *Sim) finish(fell bool) {
	switch s.state {
	case approved:
		s.keep(Product{s.price, s.item, fell, true, true})
		if fell {
			s.tell("c,VEND,SUCCESS")
		} else {
			s.err("VEND 3")
		}
	case wanted:
		s.keep(Product{Price: s.price, Item: s.item, Told: true})
		s.err("VEND 1")
	case off, inactive, disabled, enabled: // the reader has gone while the motor turned
		if s.price == "" { // nothing was asked for
			s.echo(`d,ERR,"-1"`)
			return
		}
		s.keep(Product{s.price, s.item, fell, false, true})
		s.price = ""
		return
	default:
		s.echo(`d,ERR,"-1"`)
		return
	}
	s.ends, s.price = time.Time{}, ""
	s.back()
}
