package files

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/control"
)

// Print prints who is enrolled, and who has to be again.
func Print(w io.Writer, all []control.Customer) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nobody is enrolled: `smiletill enrol --help` says how somebody is")
		return err
	}
	t := columns.New(w)
	fmt.Fprintln(t, "ID\tNAME\tENROLLED\tTEMPLATES\tPIN\tSTATE")
	known, stale, back := 0, 0, ""
	for _, c := range all {
		pinSet := "no"
		if c.PIN {
			pinSet = "yes"
		}
		when := c.EnrolledAt.Local().Format(time.DateTime)
		switch {
		case c.Damage != "":
			fmt.Fprintf(t, "%s\t%s\t\t\t\tunusable: %s\n", c.ID, c.Name, c.Damage)
		case c.Stale:
			state := fmt.Sprintf("can pay, by the model before (%.8s)", c.Model)
			if known++; !c.Known {
				known, stale = known-1, stale+1
				state = fmt.Sprintf("must be enrolled again (model %.8s)", c.Model)
				back = cmp.Or(back, WayBack(c.Model))
			}
			fmt.Fprintf(
				t,
				"%s\t%s\t%s\t%d\t%s\t%s\n",
				c.ID,
				c.Name,
				when,
				c.Templates,
				pinSet,
				state,
			)
		case c.Blocked:
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\tblocked\n", c.ID, c.Name, when, c.Templates, pinSet)
		default:
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\tcan pay\n", c.ID, c.Name, when, c.Templates, pinSet)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if known > 0 {
		fmt.Fprintf(w, "\n%s enrolled with the model before and can pay by it. They come over by a payment that "+
			"asks\nfor the PIN and plays the light, or by `smiletill enrol --again ID`.\n", control.Were(known))
	}
	if stale == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s enrolled with another model than the terminal uses now.\n"+
		"`smiletill enrol --again ID` enrols one again: id and name stay.\n", control.Were(stale))
	if err == nil && back != "" {
		_, err = fmt.Fprintf(w, "`%s` goes back to the models that they were enrolled with.\n", back)
	}
	return err
}
