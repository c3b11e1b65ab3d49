package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smiletill/payment/journal"
)

// The handbooks are held against the program: each command that a paper shows is run here, or by a test that
// is named, and is parsed by the program's own flags; targets are the Makefile's; links lead somewhere.

// asShown are the commands that are run as they are shown, with a fresh data folder; they must exit with 0.
var asShown = []string{
	"--help", "config", "version", "customers list", "models list", "models card", "board show", "board list",
	"journal list", "journal verify", "journal export", "journal parked", "totals", "register pair",
	"register list", "register certificate", "customers text", "cloud key", "cloud terminals",
}

// notRun says of the others why they are only parsed here, and which test runs them. The longest that fits
// counts.
var notRun = map[string]string{
	"run":                          "goes on until it is stopped: TestKilledTerminalNeverLosesOrDoubles",
	"pay":                          "needs a terminal and a customer: TestPaymentByFaceAndSameIDTwice",
	"reverse":                      "needs a payment: TestReverseAndTotals",
	"factory-reset":                "wants somebody there: TestFactoryReset",
	"decommission":                 "wants somebody there: TestDecommission",
	"backup":                       "needs a journal and a key: TestRestore",
	"restore":                      "needs a backup: TestRestore",
	"clerks":                       "needs clerks: TestClerksAtTheCounter",
	"counter pin":                  "asks for a PIN: TestCounterPIN",
	"customers pin":                "asks for a PIN: TestPIN",
	"customers forget":             "needs a customer: TestForgetMe",
	"customers extract":            "needs a customer: TestForgetMe",
	"customers receipt":            "needs a receipt: TestForgetMe",
	"customers agreed":             "needs a customer: TestConsentAndSecondPerson",
	"customers block":              "needs a customer: TestBlockedCustomer",
	"customers unblock":            "needs a customer: TestBlockedCustomer",
	"customers vouch":              "needs a customer: TestConsentAndSecondPerson",
	"customers remove":             "needs a customer: TestEnrolByCameraThenPay",
	"enrol":                        "needs photos or a terminal: TestEnrolByCameraThenPay",
	"journal back":                 "needs a newer program's journal: TestBackToTheOlderProgram",
	"journal quarantine":           "needs a damaged journal: TestQuarantineUnderATerminal",
	"journal reconcile":            "needs a journal that lacks payments: TestOlderDataPutBack",
	"journal unpark":               "needs a terminal: TestReverseAndTotals",
	"models verify":                "needs a folder of models: TestVerifyAndSwapRefuse",
	"models swap":                  "needs a folder of models: TestSwapAndEnrolAgain",
	"camera":                       "needs a camera: TestCameraTest, TestCameraCommandsRefuse",
	"board test":                   "needs lamps and somebody who looks at them",
	"status":                       "needs a terminal: TestStatusCommand",
	"doctor":                       "says that nothing runs: TestDoctorCommands",
	"logs":                         "needs a log: TestDoctorCommands, TestLogs",
	"support":                      "writes a file: TestDoctorCommands, TestSupportHoldsNoSecrets",
	"update":                       "needs a card: TestUpdateCard, TestCardUpdates",
	"setup":                        "changes a system: TestSetupCommand, TestTake",
	"flash":                        "writes on a disk: TestFlashCommand, TestLoopDevice",
	"tamper reset":                 "needs a terminal and a case: TestCaseOpened",
	"key":                          "the terminal makes it at its first start: TestCloudCommand",
	"cloud trust":                  "needs a terminal's key: TestCloudCommand",
	"cloud run":                    "needs a broker: TestCloudCommand",
	"cloud up":                     "runs until it is stopped: TestClaimedByItsCode",
	"cloud claim":                  "needs a terminal that shows a code: TestClaimedByItsCode",
	"cloud replace":                "needs a terminal that shows a code: TestNames (claiming)",
	"cloud revoke":                 "needs a terminal that is known: TestClaimedByItsCode",
	"register certificate --renew": "asks for a yes: TestRegisterKnowsWhomItTalksTo",
	"register unpair":              "needs a key's name: TestRegisterCommands",
	"register":                     "needs a terminal: TestRegisterCommands, TestRegisterPayIsFollowedToItsEnd",
	"vending test":                 "needs an adapter and a machine: TestTry",
	"vending simulate":             "goes on until it is stopped: TestSimulate",
	"attack":                       "plays for hours: TestAttackCommand",
	"accuracy":                     "needs photos: TestAccuracyCommand",
	"bench":                        "takes a minute: TestBench",
	"delegate-probe":               "needs an accelerator's library: TestDelegateProbeCommand",
}

// shown is a command in a paper.
type shown struct {
	paper   string
	words   []string // as a shell splits them
	comment string   // behind #
	span    bool     // in the middle of a sentence, where it may be no more than a name
}

func (s shown) String() string { return s.paper + ": " + strings.Join(s.words, " ") }

// paper is a text, by its path below the top folder.
type paper struct{ path, text string }

func papers(t *testing.T) []paper {
	t.Helper()
	all := texts(t, ".md")
	if len(all) < 10 {
		t.Fatalf("only %d papers", len(all))
	}
	return all
}

// texts reads the project's files whose names end so.
func texts(t *testing.T, ending string) []paper {
	t.Helper()
	var all []paper
	top := topFolder(t)
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".github" && p != top {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ending) {
			return nil
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(top, p)
		all = append(all, paper{rel, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// text reads one of them.
func text(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{topFolder(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	codeSpan = regexp.MustCompile("`((?:sudo )?(?:(?:\\.build/bin/)?smiletill|make) [^`]+)`")
	inShell  = regexp.MustCompile(`\$\((make [^)]+)\)`)
	shells   = []string{"sh", "bash", "shell", "console"}
)

// commands collects what a paper shows: in indented blocks, in fenced blocks of a shell, and in code spans.
func commands(p paper) []shown {
	var all []shown
	fence, prose := "", ""
	for _, line := range strings.Split(p.text, "\n") {
		bare := strings.TrimSpace(line)
		if mark, language, ok := strings.Cut(bare, "```"); ok && mark == "" {
			if fence == "" {
				fence = language + " "
			} else {
				fence = ""
			}
			continue
		}
		switch {
		case fence != "" && slices.Contains(shells, strings.TrimSpace(fence)),
			fence == "" && strings.HasPrefix(line, "    "):
			all = append(all, shellLine(p.path, bare, false)...)
		case fence == "":
			prose += bare + " " // a span may go over the end of a line
		}
	}
	for _, m := range codeSpan.FindAllStringSubmatch(prose, -1) {
		all = append(all, shellLine(p.path, m[1], true)...)
	}
	return all
}

// shellLine gives the commands of a line that are ours.
func shellLine(path, line string, span bool) []shown {
	line, comment, _ := strings.Cut(line, " #")
	if m := inShell.FindStringSubmatch(line); m != nil {
		line = m[1]
	}
	var all []shown
	var w []string
	for _, word := range append(shellWords(line), ";") {
		switch {
		case strings.Trim(word, ">|&;") == "":
			if len(w) > 0 && (w[0] == "smiletill" || w[0] == "make") {
				all = append(all, shown{path, w, comment, span})
			}
			w = nil
		case len(w) == 0 && (word == "sudo" || assignment.MatchString(word)):
		default:
			w = append(w, strings.TrimPrefix(word, ".build/bin/"))
		}
	}
	return all
}

var (
	assignment = regexp.MustCompile(`^([A-Z_]+)=`)
	shellWord  = regexp.MustCompile(`(?:"[^"]*"|'[^']*'|[^\s"'])+`)
)

func shellWords(line string) []string {
	words := shellWord.FindAllString(line, -1)
	for i := range words {
		words[i] = strings.NewReplacer(`"`, "", `'`, "").Replace(words[i])
	}
	return words
}

// mistaken says what the program, or the Makefile, would not understand of a command; "" is nothing.
func mistaken(s shown, makefile string) string {
	if s.words[0] == "make" {
		return mistakenTarget(s.words[1:], makefile)
	}
	words, named := s.words[1:], s.span
	if n := len(words); n > 0 && words[n-1] == "..." {
		words, named = words[:n-1], true
	}
	c, rest, err := rootCommand("test").Find(words)
	if err != nil {
		return err.Error()
	}
	c.InitDefaultHelpFlag()
	err = c.ParseFlags(rest)
	var open *pflag.ValueRequiredError
	if errors.As(err, &open) && named || errors.Is(err, pflag.ErrHelp) { // `enrol --again`: a flag by its name
		return ""
	}
	if err != nil {
		return err.Error()
	}
	args := c.Flags().Args()
	if c.HasSubCommands() && !c.Runnable() && (len(args) > 0 || !named) {
		return fmt.Sprintf("%s has no such command", c.CommandPath())
	}
	if len(args) > 0 || !named {
		if err := c.ValidateArgs(args); err != nil {
			return err.Error()
		}
	}
	if bad := firstBad(args, c); bad != "" {
		return fmt.Sprintf("%s takes %v, not %s", c.CommandPath(), c.ValidArgs, bad)
	}
	for _, f := range regexp.MustCompile(`--([a-z][a-z-]*)`).FindAllStringSubmatch(s.comment, -1) {
		if c.Flags().Lookup(f[1]) == nil {
			return fmt.Sprintf("the words behind it speak of --%s, which it does not have", f[1])
		}
	}
	return ""
}

func firstBad(args []string, c *cobra.Command) string {
	for _, a := range args {
		if len(c.ValidArgs) > 0 && !slices.Contains(c.ValidArgs, a) {
			return a
		}
	}
	return ""
}

func mistakenTarget(words []string, makefile string) string {
	for _, w := range words {
		if m := assignment.FindStringSubmatch(w); m != nil {
			if !strings.Contains(makefile, "$("+m[1]+")") {
				return "the Makefile knows no " + m[1]
			}
			continue
		}
		target := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(w) + `:( |$)`)
		if !target.MatchString(makefile) {
			return "the Makefile has no target " + w
		}
	}
	return ""
}

func TestHandbookCommands(t *testing.T) {
	makefile := text(t, "Makefile")
	count := 0
	for _, p := range papers(t) {
		for _, s := range commands(p) {
			count++
			if why := mistaken(s, makefile); why != "" {
				t.Errorf("%s: %s", s, why)
			} else if s.words[0] == "make" || s.span {
				continue // hours, images, root; and what a sentence names is no more than named
			} else if run, known := proof(s); !known {
				t.Errorf("%s: is it run? Say here in asShown or notRun", s)
			} else if run {
				runShown(t, s)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d commands were found", count)
	}
}

// proof tells whether a command is run as it is shown, and whether that is known.
func proof(s shown) (run, known bool) {
	line, fits := strings.Join(s.words[1:], " ")+" ", -1
	for _, words := range append(slices.Collect(maps.Keys(notRun)), asShown...) {
		if strings.HasPrefix(line, words+" ") && len(words) > fits {
			fits, run = len(words), slices.Contains(asShown, words)
		}
	}
	return run, fits >= 0
}

// runShown runs a command as it is shown, in a data folder with an empty journal.
func runShown(t *testing.T, s shown) {
	t.Helper()
	dir := t.TempDir()
	config, data := filepath.Join(dir, "smiletill.toml"), filepath.Join(dir, "data")
	t.Setenv("SMILETILL_CONFIG", config)
	if err := errors.Join(os.WriteFile(config, nil, 0o600), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), filepath.Join(data, "journal.db"), journal.Options{})
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	args := s.words[1:]
	c, _, _ := rootCommand("test").Find(args)
	for flag, value := range map[string]string{
		"paths-data-dir": data, "paths-control-socket": filepath.Join(dir, "sock"), "data": data,
	} {
		if c.Flags().Lookup(flag) != nil || c.InheritedFlags().Lookup(flag) != nil {
			args = append(slices.Clip(args), "--"+flag, value)
		}
	}
	var out, errs bytes.Buffer
	if code := Run(context.Background(), "test", args, Streams{Out: &out, Err: &errs}); code != 0 ||
		out.Len() == 0 {
		t.Errorf("%s: exit code %d\n%s%s", s, code, &out, &errs)
	}
}
