package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

func TestOnlyTheMatchingAcknowledgementCloses(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		box := newOutbox(t)
		box.add(2) // seq 3 and 6
		var mu sync.Mutex
		var alarms []report.Alarm
		o := options("mqtt://"+at, box)
		o.OnAlarm = func(a report.Alarm) { mu.Lock(); defer mu.Unlock(); alarms = append(alarms, a) }
		attacker := peer(t, "mqtt://"+at, "attacker", here().Topic(report.ChannelPayment))
		r, _ := startReporter(t, o)
		for range 2 {
			receive(t, attacker)
		}
		malformed := func(c report.Counts) uint64 { return c.Malformed }
		forged := func(c report.Counts) uint64 { return c.Forged }
		unknown := func(c report.Counts) uint64 { return c.Unknown }
		mismatched := func(c report.Counts) uint64 { return c.Mismatched }
		signed := func(by byte, a report.Ack) string { return string(ackOf(t, key(by), a)) }
		steps := []struct {
			name, ack string
			counted   func(report.Counts) uint64
		}{
			{"not JSON", `{"id":`, malformed},
			{"no seq", `{"id":"event-3","hash":"hash-3","sig":"x"}`, malformed},
			{"too long", `{"id":"event-3","hash":"` + strings.Repeat("h", 8000) + `","seq":3}`, malformed},
			{"no signature", `{"id":"event-3","hash":"hash-3","seq":3}`, forged},
			{"forged", signed(1, report.Ack{ID: "event-3", Hash: "hash-3", Seq: 3}), forged},
			{"changed", strings.Replace(signed(2, report.Ack{ID: "event-3", Hash: "hash-3", Seq: 4}), ":4", ":3", 1),
				forged},
			{"unknown id", signed(2, report.Ack{ID: "event-4", Hash: "hash-4", Seq: 4}), unknown},
			{"other hash", signed(2, report.Ack{ID: "event-3", Hash: "hash-6", Seq: 3}), mismatched},
			{"other seq", signed(2, report.Ack{ID: "event-3", Hash: "hash-3", Seq: 6}), mismatched},
			{"other case", signed(2, report.Ack{ID: "EVENT-3", Hash: "hash-3", Seq: 3}), unknown},
			{"a refusal with another hash", signed(2, report.Ack{ID: "event-3", Hash: "x", Seq: 3, Refused: "no"}),
				mismatched},
		}
		for _, s := range steps {
			before := s.counted(r.State().Counts)
			say(t, attacker, here().Topic(report.ChannelAck), []byte(s.ack))
			eventually(t, s.name+" is counted", func() bool { return s.counted(r.State().Counts) == before+1 })
			if box.open() != 2 || r.State().Counts.Closed != 0 {
				t.Fatalf("%s closed a row", s.name)
			}
		}
		mu.Lock()
		if len(alarms) != 1 || alarms[0].Row.ID != "event-3" || alarms[0].Ack.Hash != "hash-6" {
			t.Errorf("alarms %+v, want one for event-3", alarms)
		}
		mu.Unlock()

		good := ackOf(t, key(2), report.Ack{ID: "event-6", Hash: "hash-6", Seq: 6})
		for range 3 { // the second and third change nothing
			say(t, attacker, here().Topic(report.ChannelAck), good)
		}
		eventually(t, "repetitions are counted", func() bool { return r.State().Counts.Repeated == 2 })
		if box.open() != 1 || box.one(`SELECT closes FROM outbox WHERE seq = 6`) != 1 {
			t.Errorf("%d rows open, want event-3 alone", box.open())
		}
	})
}

// A row that the cloud refuses, signed, is parked, told, and never sent again; the queue goes on.
func TestRefusedRowIsParked(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	box := newOutbox(t)
	box.add(2)
	o := options("mqtt://"+at, box)
	told := make(chan report.Alarm, 9)
	o.OnAlarm = func(a report.Alarm) { told <- a }
	cloud := peer(t, "mqtt://"+at, "cloud", here().Topic(report.ChannelPayment))
	r, _ := startReporter(t, o)
	receive(t, cloud)
	receive(t, cloud)
	refusal := report.Ack{ID: "event-3", Hash: "hash-3", Seq: 3, Refused: "no"}
	say(t, cloud, here().Topic(report.ChannelAck), ackOf(t, key(1), refusal)) // not the cloud's word
	say(t, cloud, here().Topic(report.ChannelAck), ackOf(t, key(2), refusal))
	eventually(t, "the row is parked", func() bool { return r.State().Counts.Parked == 1 })
	if a := <-told; a.Row.Seq != 3 || a.Ack.Refused != "no" || r.State().Counts.Forged != 1 {
		t.Errorf("alarm %+v, %+v", a, r.State().Counts)
	}
	if why := box.one(`SELECT parked LIKE '%refuses it: no' FROM outbox WHERE seq = 3`); why != 1 {
		t.Error("not parked with the reason")
	}
	say(
		t,
		cloud,
		here().Topic(report.ChannelAck),
		ackOf(t, key(2), report.Ack{ID: "event-6", Hash: "hash-6", Seq: 6}),
	)
	eventually(t, "the other is closed", func() bool { return r.State().Counts.Closed == 1 })
	if box.open() != 1 {
		t.Error("the parked row was closed")
	}
}

// A row that is never acknowledged, while many later ones are, is parked.
func TestRowThatOthersPassIsParked(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	box := newOutbox(t)
	box.add(100)
	cloud := peer(t, "mqtt://"+at, "cloud", here().Topic(report.ChannelPayment))
	r, _ := startReporter(t, options("mqtt://"+at, box))
	answered := map[int64]bool{}
	eventually(t, "all others are closed", func() bool {
		for range len(cloud.Inbox()) {
			var e struct{ ID, Hash, Seq string }
			if err := json.Unmarshal(receive(t, cloud).Payload, &e); err != nil {
				t.Fatal(err)
			}
			seq, err := strconv.ParseInt(e.Seq, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if seq == 3 {
				continue
			}
			ack := report.Ack{ID: e.ID, Hash: e.Hash, Seq: seq}
			say(t, cloud, here().Topic(report.ChannelAck), ackOf(t, key(2), ack))
			if !answered[seq] {
				time.Sleep(40 * time.Millisecond) // so that row 3 is sent several times meanwhile
			}
			answered[seq] = true
		}
		return box.open() == 1 && r.State().Counts.Closed == 99
	})
	s := r.State()
	if s.Counts.Parked != 1 || s.Counts.Closed != 99 ||
		box.one(`SELECT parked <> '' FROM outbox WHERE seq = 3`) != 1 {
		t.Errorf("%+v", s)
	}
}

// Another terminal's acknowledgement topic is not ours, whatever it says.
func TestAcknowledgementOnAnotherTopicIsNotHeard(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	box := newOutbox(t)
	box.add(1)
	other := here()
	other.Terminal = "till_3"
	p := peer(t, "mqtt://"+at, "peer", here().Topic(report.ChannelPayment))
	r, _ := startReporter(t, options("mqtt://"+at, box))
	receive(t, p)
	say(t, p, other.Topic(report.ChannelAck), []byte(`{"id":"event-3","hash":"hash-3","seq":3}`))
	say(t, p, here().Topic(report.ChannelAck), []byte(`{}`)) // a broker keeps the order: this one comes after it
	eventually(t, "the second message is counted", func() bool { return r.State().Counts.Malformed == 1 })
	if c := r.State().Counts; box.open() != 1 || c.Closed+c.Repeated+c.Unknown+c.Mismatched != 0 {
		t.Errorf("%d rows open, %+v", box.open(), c)
	}
}

// A flood of acknowledgements neither stops the delivery nor grows the memory: what does not fit is dropped.
func TestFloodOfAcknowledgements(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		box := newOutbox(t)
		box.add(100)
		startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		attacker := peer(t, "mqtt://"+at, "attacker")
		r, _ := startReporter(t, options("mqtt://"+at, box))
		eventually(t, "connected", func() bool { return r.State().Connected })
		for i := range 5000 {
			junk := fmt.Sprintf(`{"id":"no-%d","hash":"h","seq":1}`, i)
			_, err := attacker.Publish(t.Context(), here().Topic(report.ChannelAck), false, []byte(junk))
			if err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all rows are delivered", func() bool { return box.open() == 0 })
		c := r.State().Counts
		if box.mostCloses() != 1 || c.Forged+c.Dropped == 0 {
			t.Errorf("a row was closed %d times, counts %+v", box.mostCloses(), c)
		}
	})
}

// mosquitto_sub is a consumer that we did not write.
func TestMosquittoSubReadsTheEvent(t *testing.T) {
	sub, err := exec.LookPath("mosquitto_sub")
	if err != nil {
		t.Skip("mosquitto_sub is not installed: apt-get install mosquitto-clients")
	}
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		host, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		box := newOutbox(t)
		box.add(1)
		// Nobody acknowledges: the row is sent again until the consumer is there.
		startReporter(t, options("mqtt://"+at, box))
		out, err := exec.CommandContext(t.Context(), sub, "-h", host, "-p", port, "-V", "mqttv311", "-q", "1",
			"-C", "1", "-W", "30", "-F", "%t %q %r %p", "-t", "v1/+/+/+/payment").Output()
		if err != nil {
			t.Fatal(err)
		}
		line := string(out)
		payload, ok := strings.CutPrefix(line, "v1/acme/kiosk-1/till_2/payment 1 0 ")
		if !ok {
			t.Fatalf("topic, QoS and retained flag: %q", line)
		}
		var e struct {
			SpecVersion, ID, Source, Type, Subject, Seq, Hash string
			Data                                              map[string]any
		}
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			t.Fatal(err)
		}
		if e.SpecVersion != "1.0" || e.ID != "event-3" || e.Source != "smiletill:/acme/kiosk-1/till_2" ||
			e.Seq != "3" || e.Hash != "hash-3" || e.Subject != "order-3" ||
			e.Data["amount_minor"] != 103.0 || e.Data["currency"] != "EUR" {
			t.Errorf("event %s", payload)
		}
	})
}

// deaf is a broker that delivers nothing; it confirms publications or does not even that.
func deaf(t *testing.T, confirms bool) (url string, connections func() int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	var n atomic.Int64
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			go answer(c, confirms)
		}
	}()
	return "mqtt://" + ln.Addr().String(), func() int { return int(n.Load()) }
}

func answer(c net.Conn, confirms bool) {
	defer func() { _ = c.Close() }()
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			err = packets.NewControlPacket(packets.Connack).Write(c)
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, []byte{1}
			err = ack.Write(c)
		case *packets.PublishPacket:
			if confirms {
				ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
				ack.MessageID = p.MessageID
				err = ack.Write(c)
			}
		}
		if err != nil {
			return
		}
	}
}

func TestBrokerThatConfirmsNothingIsLeft(t *testing.T) {
	url, connections := deaf(t, false)
	box := newOutbox(t)
	box.add(30)
	r, _ := startReporter(t, options(url, box))
	eventually(t, "the reporter tries other connections", func() bool { return connections() >= 3 })
	eventually(t, "the problem is named", func() bool {
		return strings.Contains(r.State().Problem, "does not answer what it is sent")
	})
	if s := r.State(); box.open() != 30 || s.Counts.Closed != 0 || s.InFlight > 16 {
		t.Errorf("%d rows open, state %+v", box.open(), s)
	}
}

// A confirmation of every sending closes nothing, and a connection without acknowledgements is replaced ever
// more rarely.
func TestBrokerThatDeliversNothingIsLeft(t *testing.T) {
	url, connections := deaf(t, true)
	box := newOutbox(t)
	box.add(1)
	o := options(url, box)
	o.AckTimeout, o.MaxDelay = 100*time.Millisecond, 100*time.Millisecond // the confirmation must be sooner
	r, _ := startReporter(t, o)
	eventually(t, "the reporter tries other connections", func() bool { return connections() == 4 })
	s := r.State()
	if least := uint64(5 + 10 + 20); s.Counts.Published < least || box.open() != 1 {
		t.Errorf("%d sendings over 4 connections, want at least %d; %d rows open",
			s.Counts.Published, least, box.open())
	}
	eventually(t, "the problem stays named over connections", func() bool {
		s := r.State()
		return s.Connected && strings.Contains(s.Problem, "cloud does not acknowledge row 3")
	})
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*report.Options){
		"no outbox":         func(o *report.Options) { o.Outbox = nil },
		"no verifier":       func(o *report.Options) { o.Verifier = nil },
		"no log":            func(o *report.Options) { o.Log = nil },
		"no randomness":     func(o *report.Options) { o.Rand = nil },
		"window too large":  func(o *report.Options) { o.Window = 257 },
		"negative window":   func(o *report.Options) { o.Window = -1 },
		"a wildcard":        func(o *report.Options) { o.Address.Site = "+" },
		"in the clear":      func(o *report.Options) { o.Broker = "mqtt://broker.example" },
		"a password in it":  func(o *report.Options) { o.Broker = "mqtts://me:secret@broker.example" },
		"an unknown scheme": func(o *report.Options) { o.Broker = "ws://127.0.0.1" },
		"no address":        func(o *report.Options) { o.Broker = "" },
	} {
		o := options("mqtt://127.0.0.1:1", newOutbox(t))
		change(&o)
		_, err := report.New(o)
		if !errors.Is(err, report.ErrOptions) && !errors.Is(err, report.ErrAddress) &&
			!errors.Is(err, link.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}
