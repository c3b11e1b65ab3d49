package vending_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/vending"
)

// play runs a conversation, line by line:
//
//	< c,0          the adapter says this
//	> C,0          the reader sends this, next
//	= open 1 ...   the reader wishes this, next (see wish)
//	! commit 1     the money's side, or the port, does this (see event)
//	+ 30s          time passes
//	? ready        the reader's state is this
//	# ...          a remark
//
// What the reader does and the conversation does not name fails the test.
func play(t *testing.T, r vending.Reader, start time.Time, script string) vending.Reader {
	t.Helper()
	now := start
	var left []vending.Act
	at := ""
	next := func(e vending.Event) {
		if len(left) > 0 {
			t.Errorf("before %q: not named: %s", at, list(left))
		}
		r, left = r.Next(e, now)
	}
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		at = strings.TrimSpace(line)
		mark, rest, _ := strings.Cut(at, " ")
		switch mark {
		case "", "#":
		case "<":
			next(vending.Received{Line: vending.Parse([]byte(rest))})
		case ">", "=":
			if len(left) == 0 {
				t.Fatalf("%q: nothing was done", at)
			}
			if got := wish(left[0]); got != at {
				t.Fatalf("%q: was %q", at, got)
			}
			left = left[1:]
		case "!":
			next(event(t, rest))
		case "+":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
			next(vending.Tick{})
		case "?":
			if got := state(r.State()); got != rest {
				t.Errorf("%q: is %s", at, got)
			}
		default:
			t.Fatalf("%q: no such line", at)
		}
	}
	if len(left) > 0 {
		t.Errorf("at the end: not named: %s", list(left))
	}
	return r
}

func list(acts []vending.Act) string {
	var all []string
	for _, a := range acts {
		all = append(all, wish(a))
	}
	return strings.Join(all, "; ")
}

func wish(a vending.Act) string {
	switch a := a.(type) {
	case vending.Send:
		return "> " + a.Line
	case vending.Open:
		return strings.TrimSpace(fmt.Sprintf("= open %d %v %s", a.Vend, a.Price, a.Item))
	case vending.Cancel:
		return fmt.Sprintf("= cancel %d %s", a.Vend, a.Reason)
	case vending.Commit:
		return fmt.Sprintf("= commit %d", a.Vend)
	case vending.Approve:
		return fmt.Sprintf("= approve %d", a.Vend)
	case vending.Void:
		return fmt.Sprintf("= void %d %s", a.Vend, a.Reason)
	case vending.Flag:
		return fmt.Sprintf("= flag %d %s", a.Vend, a.Reason)
	case vending.Ended:
		return "= ended"
	}
	return fmt.Sprintf("%T", a)
}

func event(t *testing.T, text string) vending.Event {
	t.Helper()
	word, rest, _ := strings.Cut(text, " ")
	n := 0
	if rest != "" {
		_, _ = fmt.Sscan(rest, &n)
	}
	switch word {
	case "plug":
		return vending.Connected{}
	case "unplug":
		return vending.Disconnected{}
	case "serve":
		return vending.Serve{On: true}
	case "out":
		return vending.Serve{}
	case "grant":
		return vending.Granted{Vend: n}
	case "decline":
		return vending.Declined{Vend: n}
	case "committed":
		return vending.Committed{Vend: n}
	case "withdraw":
		return vending.Withdraw{}
	case "offer":
		a, err := payment.ParseAmount(rest)
		if err != nil {
			t.Fatal(err)
		}
		return vending.Offer{Funds: a}
	}
	t.Fatalf("no event %q", text)
	return nil
}

func state(s vending.State) string {
	return map[vending.State]string{
		vending.NoPort: "no port", vending.NoAnswer: "no answer", vending.Unset: "unset",
		vending.Preparing: "preparing", vending.OutOfUse: "out of use", vending.NotPolled: "not polled",
		vending.NotEnabled: "not enabled", vending.Ready: "ready", vending.Busy: "busy",
	}[s]
}

func euro(mode vending.Mode) vending.Settings {
	return vending.Settings{
		Address: 0x10, Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, Mode: mode,
		Timeout: time.Minute,
	}
}

// setUp brings a reader to where the machine has enabled it.
const setUp = `
	! serve
	! plug
	> C,0
	< c,0
	> C,SETCONF,mdb-addr=0x10
	< c,SET,OK
	> C,SETCONF,mdb-currency-code=0x1978
	< c,SET,OK
	> C,SETCONF,mdb-always-idle=MODE
	< c,SET,OK
	> C,SETCONF,mdb-decimal-places=2
	< c,SET,OK
	> C,SETCONF,mdb-scale-factor=1
	< c,SET,OK
	> C,1
	< c,STATUS,INACTIVE
	< c,1
	? not polled
	< r,ACK
	< c,STATUS,DISABLED
	? not enabled
	< c,STATUS,ENABLED
	? ready
	`

func prepared(t *testing.T, set vending.Settings, now time.Time) vending.Reader {
	t.Helper()
	mode := "1"
	if set.Mode == vending.AuthoriseFirst {
		mode = "0"
	}
	return play(t, vending.New(set, false, now), now, strings.ReplaceAll(setUp, "MODE", mode))
}
