package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// open opens the receiver for a command that does not connect.
func (o *Options) open(ctx context.Context, use func(*cloud.Receiver) error) error {
	return o.Open(ctx, slog.New(slog.DiscardHandler), use)
}

// nameOf reads a terminal's name, as TENANT/SITE/TERMINAL.
func nameOf(text string) (report.Address, error) {
	a, err := report.ParseSource("smiletill:/" + text)
	if err != nil {
		return a, config.Usage(payment.WithHintf(fmt.Errorf("%q is no terminal's name", text),
			"write TENANT/SITE/TERMINAL, as `smiletill cloud terminals` lists them: acme/shop/till-1"))
	}
	return a, nil
}

// Trust takes the events of the terminal called name that are signed with the keys in a file.
func (o *Options) Trust(ctx context.Context, w io.Writer, name, file string) error {
	a, err := nameOf(name)
	if err != nil {
		return err
	}
	keys, err := signature.ReadPublic(file)
	if err != nil {
		return payment.WithHintf(err, "it must be what `smiletill key` printed on the terminal")
	}
	return o.open(ctx, func(r *cloud.Receiver) error {
		for _, k := range keys {
			if err := r.Trust(ctx, a, k); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s may report with key %s\n", a.Source(), signature.ID(k))
		}
		return nil
	})
}

// Terminals lists the terminals that are known, and what came from each.
func (o *Options) Terminals(ctx context.Context, out io.Writer) error {
	return o.open(ctx, func(r *cloud.Receiver) error {
		all, err := r.Terminals(ctx)
		if err != nil {
			return err
		}
		w := columns.New(out)
		fmt.Fprintln(w, "TERMINAL\tKEYS\tEVENTS\tLAST SEQ\tONLINE\tALARM")
		for _, t := range all {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%v\t%s\n", t.Source, t.Keys, t.Events, t.LastSeq, t.Online,
				cmp.Or(t.Alarm, "-"))
		}
		return w.Flush()
	})
}

// Wish is what is typed to claim a terminal.
type Wish struct {
	Code               string // as the terminal shows it, or what its picture holds
	Tenant, Site, Name string // what it is to be called; "" leaves it to the terminal, or to the last claim
	Old                string // TENANT/SITE/TERMINAL of the one whose place it takes; "": none
}

// saySlow is when somebody who waits is told what may be wrong: a terminal asks every 25 s.
const saySlow = 40 * time.Second

// Claim has the terminal that shows a code claimed, and waits until it is. A running `smiletill cloud up`
// does it.
func (o *Options) Claim(ctx context.Context, out io.Writer, q Wish) error {
	code, key, err := claim.ParseCode(q.Code)
	if err != nil {
		return config.Usage(payment.WithHint(err,
			"type it as the terminal's screen shows it: three groups of three"))
	}
	who := people.Here()
	w := fleet.Wish{Code: code, Key: key, By: who.Name + " (" + who.Door + ")",
		Name: report.Address{Tenant: q.Tenant, Site: q.Site, Terminal: q.Name}}
	if q.Old != "" {
		if w.Name, err = nameOf(q.Old); err != nil {
			return err
		}
		w.Replace = true
	}
	return o.open(ctx, func(r *cloud.Receiver) error {
		id, err := r.Fleet().Claim(ctx, w)
		if err != nil {
			return payment.WithHint(err, "`smiletill cloud terminals` lists those that are known")
		}
		fmt.Fprintf(out, "waiting for the terminal that shows %s-...\n", code.Plate())
		return await(ctx, out, r.Fleet(), id)
	})
}

// await waits for the end of a claim. Whoever goes away takes the code back.
func await(ctx context.Context, out io.Writer, f *fleet.Fleet, id int64) error {
	soon, cancel := context.WithTimeout(ctx, saySlow)
	c, err := f.Await(soon, id)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		if c.Offers == 0 {
			fmt.Fprintln(out, "it has not come yet: is `smiletill cloud up` running here, does the terminal's screen "+
				"show this code, and has it this cloud's address (claim.cloud)?")
		}
		c, err = f.Await(ctx, id)
	}
	if ctx.Err() != nil {
		gone := context.WithoutCancel(ctx)
		if err := f.End(gone, id, fleet.Expired, "it was given up"); err != nil {
			return err
		}
		if c, err = f.Look(gone, id); err == nil && c.State != fleet.Done { // it may just have come
			return payment.WithHint(errors.New("the claim was given up"), "claim it again when you like")
		}
	}
	if err != nil {
		return err
	}
	if c.State != fleet.Done {
		return payment.WithHint(fmt.Errorf("the terminal is not claimed: %s", c.Why),
			"look at the code on its screen, and claim it again")
	}
	fmt.Fprintf(out, "%s is claimed: it reports here from now on\n", strings.TrimPrefix(c.Source, "smiletill:/"))
	return nil
}

// Revoke takes a terminal's keys and certificates away.
func (o *Options) Revoke(ctx context.Context, out io.Writer, name string) error {
	a, err := nameOf(name)
	if err != nil {
		return err
	}
	return o.open(ctx, func(r *cloud.Receiver) error {
		if err := r.Fleet().Revoke(ctx, a, people.Here().Name); err != nil {
			return payment.WithHint(err, "`smiletill cloud terminals` lists those that are known")
		}
		fmt.Fprintf(out, "%s is revoked: nothing of it is taken any more, and the broker of `smiletill cloud up` "+
			"puts it out\n", name)
		return nil
	})
}
