package books

import (
	"fmt"
	"io"

	"smiletill/payment/journal"
)

// Reconciled says what came of a journal that lacked payments.
func Reconciled(w io.Writer, q journal.Quarantined) error {
	p := printout{w: w}
	p.say("the journal as it was is kept in %s\n", q.Folder)
	p.say("taken over: %d facts, %d approvals and %d reversals among them, all to be reported once more\n",
		q.Facts, q.Approved, q.Reversals)
	p.say("the journal goes on with fact %d\n\nnext:\n", q.First)
	p.say("  1. the terminal takes payments again by itself, or start it\n")
	p.say("  2. compare with the cloud's page: payments that it has and `smiletill journal list` has not\n" +
		"     were lost here. They can't be given back on this terminal, and their ids would be charged again\n")
	return p.err
}

// unsureShown is how many payments and gaps are listed; the report in the folder has them all.
const unsureShown = 20

// Quarantined says what came of a journal that was damaged.
func Quarantined(w io.Writer, q journal.Quarantined) error {
	p := printout{w: w}
	p.say("the damaged files are kept, unchanged, in %s\n", q.Folder)
	p.say("  sha256 %s, report in report.json\n", q.SHA256)
	p.say("taken over: %d facts, %d approvals and %d reversals among them, all to be reported once more\n",
		q.Facts, q.Approved, q.Reversals)
	for i, g := range q.Gaps {
		if i == unsureShown {
			p.say("missing: and %d runs more\n", len(q.Gaps)-i)
			break
		}
		p.say("missing: %d facts, from %d to %d\n", g.Last-g.First+1, g.First, g.Last)
	}
	if q.Tail {
		p.say("missing: whatever came after the last fact found; nothing tells whether there was any\n")
	}
	for i, u := range q.Unsure {
		if i == unsureShown {
			p.say("outcome lost: and %d payments more\n", len(q.Unsure)-i)
			break
		}
		p.say("outcome lost: payment %s", u.PaymentID)
		if u.Said != "" {
			p.say(" (%s, says a table that proves nothing)", u.Said)
		}
		p.say("\n")
	}
	p.say("the journal goes on with fact %d\n\nnext:\n", q.First)
	p.say("  1. start the terminal and let it report; `smiletill status` shows when nothing waits any more\n")
	if len(q.Gaps) > 0 || q.Tail || len(q.Unsure) > 0 {
		p.say("  2. compare with the cloud: what it has and `smiletill journal export` has not was lost here;\n" +
			"     ids whose outcome is lost are refused from now on\n")
		p.say("  3. replace the storage if this happens again\n")
	} else {
		p.say("  2. nothing is missing; replace the storage if this happens again\n")
	}
	return p.err
}

// printout prints until it fails.
type printout struct {
	w   io.Writer
	err error
}

func (p *printout) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
