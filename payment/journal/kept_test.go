package journal

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// closeDay closes a day on which something was paid, and gives its number.
func closeDay(t *testing.T, j *Journal, id string) int64 {
	t.Helper()
	approve(t, j, "pay-"+id)
	c, err := j.CloseDay(t.Context(), id, time.Now(), true, anna())
	if err != nil {
		t.Fatal(err)
	}
	return c.Number
}

func wantNumber(t *testing.T, what string, got, want int64) {
	t.Helper()
	if got != want {
		t.Errorf("%s: closing number %d, want %d", what, got, want)
	}
}

// The number of a closing never comes twice: not after a time without closings that is longer than facts are
// kept, nor when an older copy of the journal is put back, nor when one is begun anew.
func TestClosingNumbersNeverComeTwice(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	path := newPath(t)
	o := Options{Uptime: m.Uptime}
	j := open(t, path, o)
	wantNumber(t, "the first", closeDay(t, j, "a"), 1)
	wantNumber(t, "the second", closeDay(t, j, "b"), 2)
	for _, r := range pending(t, j, 0, 1e6) {
		if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
			t.Fatal(err)
		}
	}
	m.up += payment.MinKeep + 400*24*time.Hour
	approve(t, j, "much-later")
	if n, err := j.Prune(t.Context(), payment.MinKeep); err != nil || n != 6 {
		t.Fatalf("%d removed, %v", n, err)
	}
	verify(t, &j.Reader)
	if all, err := j.Closings(t.Context(), -1); err != nil || len(all) != 0 {
		t.Errorf("the old ones are shown: %+v, %v", all, err)
	}
	day, err := j.OpenDay(t.Context())
	if err != nil || len(day.Sums) != 1 || day.Sums[0].Paid != 1 {
		t.Errorf("the open day: %+v, %v", day, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(numberName(path)); err != nil { // the journal alone knows it too
		t.Fatal(err)
	}
	j = open(t, path, o)
	wantNumber(t, "after 400 days", closeDay(t, j, "c"), 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before := copied(t, path)
	j = open(t, path, o)
	wantNumber(t, "the next", closeDay(t, j, "d"), 4)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	older, err := os.ReadFile(before)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, older)
	j = open(t, path, o)
	wantNumber(t, "an older copy of the journal", closeDay(t, j, "e"), 5)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, numberName(path), []byte("{"))
	j = open(t, path, o)
	approve(t, j, "pay-f")
	if _, err := j.CloseDay(t.Context(), "f", time.Now(), true, anna()); !errors.Is(err, ErrDamaged) ||
		!strings.Contains(hint(err), `{"number": N}`) {
		t.Errorf("a number that can't be read: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, numberName(path))
	alter(t, path, `DROP TRIGGER fact_is_not_changed; UPDATE head SET hash = zeroblob(32)`)
	if _, err := Quarantine(t.Context(), path, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, o)
	// Nothing tells how many were lost behind what is left.
	wantNumber(t, "begun anew", closeDay(t, j, "g"), numbersLost+1)
	wantNumber(t, "and on", closeDay(t, j, "h"), numbersLost+2)
}

// What a customer, a PIN, a clerk, a register and the machine are outlives the facts of it, until it is
// another; of who has left nothing is kept.
func TestLastChangesOutliveTheirFacts(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	j := open(t, newPath(t), Options{Uptime: m.Uptime})
	note := func(all ...Audit) {
		t.Helper()
		for i := range all {
			all[i].At = time.Now()
		}
		if err := j.Note(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
	}
	note(Audit{What: TerminalConfigured, Record: "aa", Program: "1"}, Audit{What: CaseOpened},
		Audit{What: CustomerEnrolled, Customer: "c_a", Record: "aa"},
		Audit{What: CustomerRenewed, Customer: "c_a", Record: "ab"},
		Audit{What: CustomerPINSet, Customer: "c_a", Record: "a1"},
		Audit{What: CustomerBlocked, Customer: "c_a", Why: "owes"},
		Audit{What: CustomerBlocked, Customer: "c_b", Why: "owes"},
		Audit{What: CustomerBlocked, Customer: "c_c", Why: "owes"}, Audit{What: CustomerUnblocked, Customer: "c_c"},
		Audit{What: CustomerEnrolled, Customer: "c_b", Record: "bb"},
		Audit{What: CustomerPINSet, Customer: "c_b", Record: "b1"},
		Audit{What: CustomerForgotten, Customer: "c_b"},
		Audit{What: CustomerEnrolled, Customer: "c_c", Record: "cc"},
		Audit{What: ClerkPINSet, Record: "01"}, Audit{What: ClerkAdded, Clerk: "Anna", Keys: "owner"},
		Audit{What: ClerkPINSet, Clerk: "Anna", Record: "02"},
		Audit{What: ClerkAdded, Clerk: "Berta", Keys: "clerk"},
		Audit{What: ClerkPINSet, Clerk: "Berta", Record: "03"}, Audit{What: ClerkRemoved, Clerk: "Berta"},
		Audit{What: RegisterPaired, Register: "r", KeyVersion: 1, Record: "r1"},
		Audit{What: RegisterPaired, Register: "r", KeyVersion: 2, Record: "r2"},
		Audit{What: RegisterUnpaired, Register: "r", KeyVersion: 1})
	prune := func(want int64) {
		t.Helper()
		m.up += payment.MinKeep + time.Hour
		approve(t, j, "now")
		for _, r := range pending(t, j, 0, 1e6) {
			if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := j.Prune(t.Context(), payment.MinKeep); err != nil || n != want {
			t.Fatalf("%d removed, want %d: %v", n, want, err)
		}
		verify(t, &j.Reader)
	}
	prune(22)
	customers, err := j.Customers(t.Context())
	pins, noPINs := j.PINs(t.Context())
	clerks, noClerks := j.Clerks(t.Context())
	registers, noRegisters := j.Registers(t.Context())
	blocks, noBlocks := j.Blocks(t.Context())
	machine, _, noMachine := j.Machine(t.Context())
	box, noCase := j.Case(t.Context())
	if err := errors.Join(err, noPINs, noClerks, noRegisters, noBlocks, noMachine, noCase); err != nil {
		t.Fatal(err)
	}
	if len(customers) != 2 || customers["c_a"].Record != "ab" || customers["c_c"].Record != "cc" {
		t.Errorf("customers: %+v", customers)
	}
	if len(pins) != 3 || pins[PINOf{Customer: "c_a"}].Record != "a1" || pins[PINOf{}].Record != "01" ||
		pins[PINOf{Clerk: "Anna"}].Record != "02" {
		t.Errorf("PINs: %+v", pins)
	}
	if len(blocks) != 1 || blocks["c_a"].What != CustomerBlocked || blocks["c_a"].Why != "owes" {
		t.Errorf("blocks: %+v", blocks)
	}
	if len(clerks) != 1 || clerks["Anna"].Keys != "owner" || len(registers) != 1 ||
		registers[RegisterKey{"r", 2}].Record != "r2" {
		t.Errorf("clerks %+v, registers %+v", clerks, registers)
	}
	if machine.Record != "aa" || box.What != CaseOpened {
		t.Errorf("machine %+v, case %+v", machine, box)
	}
	if rows, err := j.Audits(t.Context(), -1); err != nil || len(rows) != 0 {
		t.Errorf("what is listed is what is in the chain: %+v, %v", rows, err)
	}
	note(Audit{What: CustomerRemoved, Customer: "c_a"}, Audit{What: AlarmEnded})
	if last, err := j.Customers(t.Context()); err != nil || !last["c_a"].Gone() {
		t.Errorf("removed since: %+v, %v", last, err)
	}
	if _, err := j.db.Exec(`UPDATE kept SET body = replace(body, '"cc"', '"cd"')`); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Verify(t.Context(), nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("what was changed by hand holds: %v", err)
	}
	if _, err := j.db.Exec(`UPDATE kept SET body = replace(body, '"cd"', '"cc"')`); err != nil {
		t.Fatal(err)
	}
	m.up += payment.MinKeep + time.Hour
	approve(t, j, "later")
	for _, r := range pending(t, j, 0, 1e6) {
		if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Prune(t.Context(), payment.MinKeep); err != nil {
		t.Fatal(err)
	}
	var left string
	const of = `SELECT coalesce(group_concat(body), '') FROM kept WHERE instr(body, 'c_a') > 0`
	if err := j.db.QueryRow(of).Scan(&left); err != nil || left != "" {
		t.Errorf("of who was removed is kept: %s, %v", left, err)
	}
}
