package setup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// question is one of the five things that matter.
type question struct {
	text string
	now  string // what an empty line takes; "" where something has to be said
	// take gives the values of an answer; one with an error is asked for again.
	take func(text string) (map[string]string, error)
}

// ask asks for the five things that matter, with what the configuration has as what an empty line means, and
// changes it. It gives the path that was changed.
func (t Target) ask(in io.Reader, out io.Writer) (string, error) {
	text, err := t.configuration()
	if err != nil {
		return "", err
	}
	now, named, err := config.Current(t.config(), text)
	if err != nil {
		return "", err
	}
	set := map[string]string{}
	lines := bufio.NewScanner(in)
	for i, q := range questions(now, named) {
		fmt.Fprintf(out, "%d of 5  %s\n", i+1, q.text)
		for {
			fmt.Fprintf(out, "        [%s] > ", q.now)
			if !lines.Scan() {
				fmt.Fprintln(out)
				return "", payment.WithHint(errors.Join(errors.New("no answer: nothing was changed"), lines.Err()),
					"run it again, or write a file for `smiletill setup --from`")
			}
			answer := strings.TrimSpace(lines.Text())
			if answer == "" {
				answer = q.now
			}
			values, err := q.take(answer)
			if err == nil {
				for name, v := range values {
					set[name] = v
				}
				break
			}
			fmt.Fprintf(out, "        %v: %s\n", err, payment.HintOf(err))
		}
	}
	text, err = config.Change(t.config(), text, set)
	if err != nil {
		return "", err
	}
	return t.config(), t.put(change{t.config(), text, t.mode()})
}

func questions(now map[string]string, named bool) []question {
	one := func(name string) func(string) (map[string]string, error) {
		return func(text string) (map[string]string, error) { return checked(map[string]string{name: text}) }
	}
	name := ""
	if named {
		name = now["terminal.tenant"] + "/" + now["terminal.site"] + "/" + now["terminal.id"]
	}
	broker := now["mqtt.broker"]
	if broker == "" {
		broker = "none"
	}
	return []question{
		{"Whose terminal is it, in which shop, and what is it called there? TENANT/SITE/ID", name, takeName},
		{"Lamps, buttons, case: auto (the board that this is), none, pi3, pi4, pi5, zero2w, or a file",
			now["board.kind"], one("board.kind")},
		{"The camera: auto, or a name that `smiletill camera list` shows", now["camera.source"],
			one("camera.source")},
		{"Currency, and the largest payment", now["terminal.currency"] + " " + now["payment.amount_max"],
			takeMoney},
		{"Where payments are reported: mqtts://HOST:8883, or none", broker, func(text string) (map[string]string,
			error) {
			if text == "none" {
				text = ""
			}
			return one("mqtt.broker")(text)
		}},
	}
}

// checked gives values back if each will do.
func checked(values map[string]string) (map[string]string, error) {
	for name, v := range values {
		if what, instead := config.Wrong(name, v); what != "" {
			return nil, payment.WithHint(errors.New(what), instead)
		}
	}
	return values, nil
}

func takeName(text string) (map[string]string, error) {
	tenant, site, id, ok := parts(text)
	if !ok || tenant == "" {
		return nil, payment.WithHint(errors.New("it has three parts"),
			`write TENANT/SITE/ID, like "acme/berlin-1/till-3"; the tenant test is for trying it out`)
	}
	if tenant == "demo" {
		return nil, payment.WithHint(errors.New("demo is nobody"), "write whose it is, or test to try it out")
	}
	return checked(map[string]string{"terminal.tenant": tenant, "terminal.site": site, "terminal.id": id})
}

func takeMoney(text string) (map[string]string, error) {
	f := strings.Fields(text)
	if len(f) != 2 {
		return nil, payment.WithHint(errors.New("it has two words"), "write both: EUR 50.00")
	}
	if _, err := payment.ParseDecimal(f[1], f[0]); err != nil {
		return nil, payment.WithHint(err, "write the currency and an amount of it: EUR 50.00")
	}
	return checked(map[string]string{"terminal.currency": f[0], "payment.amount_max": f[1]})
}
