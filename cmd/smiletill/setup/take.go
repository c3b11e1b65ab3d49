package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/intent"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// source is where a settings file is looked for.
type source struct {
	folder string
	// outside is a stick that anybody can have put in: a terminal that has its name takes its network from it
	// alone.
	outside bool
}

// taken is what came of a settings file.
type taken struct {
	path  string   // of the file; empty where there was none
	lines []string // what was taken over
	again bool     // it had been taken over before: nothing was changed
	host  string   // the machine's name from now on, if it was given one
}

// memory is what the terminal remembers of a file that it took over: of the last ones, since the card and
// sticks have files of their own, and one that was taken over must not undo what came after it.
type memory struct {
	Digests []string  `json:"digests"` // of its text with the password, and without
	At      time.Time `json:"at"`
	Lines   []string  `json:"lines"`
	Host    string    `json:"host,omitempty"`
}

const memoryPath = "/var/lib/smiletill/setup.json"

// memories is how many files are remembered.
const memories = 16

// take takes the settings file of a folder over, once, and leaves its report beside it. Cut short anywhere it
// can be begun again. step is told what comes next; an error of it ends the work there.
func (t Target) take(from source, now time.Time, step func(what string) error) (taken, error) {
	path, err := find(from.folder)
	if err != nil || path == "" {
		return taken{}, err
	}
	data, err := readFile(path)
	if err != nil {
		return taken{}, err
	}
	last, known, err := t.remembered(data)
	if err != nil {
		return taken{}, err
	}
	// A card that was flashed again has the file and what is remembered, and nothing of what was in it.
	if known && (last.Host == "" || t.named()) {
		err := t.answer(path, data, last, step)
		return taken{path: path, lines: last.Lines, again: true, host: last.Host}, err
	}
	s, problems := parse(filepath.Base(path), data)
	if len(problems) == 0 {
		problems, err = t.forbidden(from, s)
	}
	var changes []change
	if err == nil && len(problems) == 0 {
		changes, problems, err = t.plan(s)
	}
	if err != nil {
		return taken{}, stopped(path, err, now)
	}
	if len(problems) > 0 {
		wrong := asError("settings", problems)
		return taken{path: path}, errors.Join(wrong, report(path, refusal(path, problems, now)))
	}
	for _, c := range changes {
		if err := step("write " + c.path); err != nil {
			return taken{}, err
		}
		if err := t.put(c); err != nil {
			return taken{}, stopped(path, payment.WithHint(err, "what was changed so far is whole; run it again"), now)
		}
	}
	m := memory{Digests: []string{digest(data), digest(erased(data))}, At: now, Lines: s.Lines()}
	if _, _, id, ok := parts(s.Name); ok {
		m.Host = host(id)
	}
	if err := t.remember(m, step); err != nil {
		return taken{}, err
	}
	return taken{path: path, lines: m.Lines, host: m.Host}, t.answer(path, data, m, step)
}

// refresh writes the report of a file that was taken over anew, with the addresses that the machine has now,
// and what keeps it out of its Wi-Fi.
func (t Target) refresh(folder string, wifi trouble) error {
	path, err := find(folder)
	if err != nil || path == "" {
		return err
	}
	data, err := readFile(path)
	if err != nil {
		return err
	}
	m, known, err := t.remembered(data)
	if err != nil || !known {
		return err
	}
	return report(path, success(path, m, wifi, t.way(m.Host), addresses()))
}

// named tells whether the terminal has its name: until then it waits longer for a stick.
func (t Target) named() bool {
	text, err := os.ReadFile(t.config())
	if err != nil {
		return false
	}
	_, named, err := config.Current(t.config(), text)
	return err == nil && named
}

// readFile reads settings, up to one byte more than they may have.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	return data, nil
}

// find gives the settings file of a folder, or "". Editors add .txt, and FAT knows no case.
func find(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", payment.WithHint(fmt.Errorf("look for settings: %w", err),
			"name the folder where the stick is mounted")
	}
	var found []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.ToLower(e.Name()), ".txt")
		if e.Type().IsRegular() && (name == FileName || name == "setup") {
			found = append(found, filepath.Join(folder, e.Name()))
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", payment.WithHintf(fmt.Errorf("there are two files of settings: %s", strings.Join(found, ", ")),
		"leave one, %s", FileName)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// forbidden are the settings that a stick may not change any more.
func (t Target) forbidden(from source, s Settings) ([]problem, error) {
	if !from.outside {
		return nil, nil
	}
	text, err := os.ReadFile(t.config())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the terminal's configuration: %w", err)
	}
	now, named, err := config.Current(t.config(), text)
	if err != nil && len(s.values()) > 0 {
		return []problem{{FileName, "the terminal's own configuration has a mistake: " + err.Error(),
			hintOf(err)}}, nil
	}
	if err != nil || !named {
		return nil, nil
	}
	var problems []problem
	for name, v := range s.values() {
		if !alike(name, now[name], v, now["terminal.currency"]) {
			problems = append(problems, problem{FileName, name +
				" is not changed by a stick any more: this terminal " +
				"has its name", "leave it out, or change it on the terminal's own card; a stick may set [wifi], " +
				"[network] and [time]"})
		}
	}
	if s.Cloud != "" || s.Claim != "" {
		kept, err := os.ReadFile(t.etc("/etc/smiletill/claim.toml"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read the claim: %w", err)
		}
		if string(kept) != string(s.claiming()) {
			problems = append(problems, problem{FileName, "cloud and claim are not changed by a stick any more",
				"leave them out"})
		}
	}
	if s.Keys != nil {
		kept, err := os.ReadFile(t.etc(sshKept + "/" + sshKeys))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read who logs in: %w", err)
		}
		if string(kept) != string(authorized(s.Keys)) {
			problems = append(problems, problem{FileName, "who logs in is not changed by a stick any more",
				"leave [access] out, or change it on the terminal's own card"})
		}
	}
	return problems, nil
}

// alike tells whether two texts are one value: an amount or an address may be written in more than one way.
func alike(name, a, b, currency string) bool {
	switch name {
	case "payment.amount_max":
		one, err := payment.ParseDecimal(a, currency)
		two, err2 := payment.ParseDecimal(b, currency)
		return err == nil && err2 == nil && one == two
	case "mqtt.broker":
		return strings.EqualFold(strings.TrimSuffix(a, "/"), strings.TrimSuffix(b, "/"))
	}
	return a == b
}

// remembered looks for a file among those that were taken over, the latest first.
func (t Target) remembered(file []byte) (m memory, known bool, err error) {
	all, err := t.recall()
	if err != nil {
		return memory{}, false, err
	}
	for _, m := range slices.Backward(all) {
		if slices.Contains(m.Digests, digest(file)) {
			return m, true, nil
		}
	}
	return memory{}, false, nil
}

func (t Target) recall() (all []memory, err error) {
	data, err := os.ReadFile(t.at(memoryPath))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was set up before: %w", err)
	}
	if json.Unmarshal(data, &all) != nil { // damaged: a file that is there is taken over once more
		return nil, nil
	}
	return all, nil
}

func (t Target) remember(m memory, step func(string) error) error {
	all, err := t.recall()
	if err != nil {
		return err
	}
	if all = append(all, m); len(all) > memories {
		all = all[len(all)-memories:]
	}
	data, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("remember the settings: %w", err)
	}
	if err := step("remember"); err != nil {
		return err
	}
	return replace(change{t.at(memoryPath), data, 0o600})
}

// answer erases the password of a file that was taken over, and leaves the report.
func (t Target) answer(path string, data []byte, m memory, step func(string) error) error {
	if without := erased(data); string(without) != string(data) {
		if err := step("erase"); err != nil {
			return err
		}
		if err := overwrite(path, without); err != nil {
			return payment.WithHintf(fmt.Errorf("erase the Wi-Fi password from %s: %w", path, err),
				"the settings are in force; the password still stands there: erase it by hand")
		}
	}
	if _, err := os.Stat(reportPath(path)); err == nil && m.isReported(reportPath(path)) {
		return nil
	}
	if err := step("report"); err != nil {
		return err
	}
	return report(path, success(path, m, trouble{}, t.way(m.Host), addresses()))
}

// put makes a change. On a card the configuration lies on the first partition, which is read-only.
func (t Target) put(c change) error {
	if c.path != t.config() {
		return replace(c)
	}
	return t.book().ByCommand(context.Background(), func(note func(journal.Audit) error) error {
		if err := note(journal.Audit{What: journal.SettingsChanged}); err != nil {
			return err
		}
		return t.writable(filepath.Dir(c.path), func() error { return replace(c) })
	})
}

// book is where the terminal's next start learns who changed its settings; no book where they can't be read.
func (t Target) book() intent.Book {
	text, err := t.configuration()
	if err != nil {
		return intent.Book{}
	}
	values, _, err := config.Current(t.config(), text)
	if err != nil {
		return intent.Book{}
	}
	return intent.In(t.at(values["paths.data_dir"]))
}

// overwrite changes a file in place; its length stays.
func overwrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return errors.Join(err, f.Sync(), f.Close())
}
