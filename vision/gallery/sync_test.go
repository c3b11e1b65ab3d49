package gallery

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSyncsBeforeItSpeaks reads the system calls of an enrolment and a removal: killing a process, as
// TestKilled does, can't show a missing fsync, and only a power cut would.
func TestSyncsBeforeItSpeaks(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		g := mustOpen(t, dir, modelA)
		c := mustEnrol(t, g, "Ada", 1, 3)
		os.Stdout.WriteString("enrolled\n")
		if err := g.Remove(c.ID); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("removed\n")
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace to watch the system calls with")
	}
	dir := t.TempDir() + "/g"
	mustOpen(t, dir, modelA).Close() // with its key
	trace := filepath.Join(t.TempDir(), "trace")
	test := child(t, "TestSyncsBeforeItSpeaks", dir)
	const calls = "trace=write,fsync,fdatasync,renameat,renameat2,unlinkat"
	cmd := exec.Command(strace, append([]string{"-f", "-y", "-qq", "-e", calls, "-o", trace}, test.Args...)...)
	cmd.Env = test.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") {
			t.Skipf("strace may not watch here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"fill new", "sync new", "rename to record", "sync folder", "say enrolled",
		"hide record", "zero record", "sync zeros", "unlink record", "sync folder", "say removed"}
	if got := diskSteps(string(data), dir); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q\n%s", got, want, data)
	}
}

// diskSteps puts the calls that concern dir, and what was said, into words.
func diskSteps(trace, dir string) []string {
	d := regexp.QuoteMeta(dir)
	words := []struct{ pattern, step string }{
		{`write\(\d+<` + d + `/\.new-\d`, "fill new"},
		{`f(data)?sync\(\d+<` + d + `/\.new-\d`, "sync new"},
		{`renameat.*"` + d + `/c_\w+\.face".*"` + d + `/\.new-gone-`, "hide record"},
		{`write\(\d+<` + d + `/\.new-gone-.*"\\0\\0`, "zero record"},
		{`f(data)?sync\(\d+<` + d + `/\.new-gone-`, "sync zeros"},
		{`renameat.*"` + d + `/\.new-.*"` + d + `/c_\w+\.face"`, "rename to record"},
		{`f(data)?sync\(\d+<` + d + `>\)`, "sync folder"},
		{`write\(1<.*"enrolled\\n"`, "say enrolled"},
		{`write\(1<.*"removed\\n"`, "say removed"},
		{`unlinkat\(.*"` + d + `/\.new-gone-c_\w+\.face", 0`, "unlink record"},
	}
	var steps []string
	for _, line := range wholeCalls(trace) {
		for _, w := range words {
			if regexp.MustCompile(w.pattern).MatchString(line) {
				steps = append(steps, w.step)
			}
		}
	}
	return steps
}

// wholeCalls are the lines of a trace with one call each, where it ended: another thread's line may come
// between the two halves of one.
func wholeCalls(trace string) []string {
	var lines []string
	begun := map[string]string{} // by thread
	resumed := regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
	for line := range strings.Lines(trace) {
		line = strings.TrimSuffix(line, "\n")
		thread, _, _ := strings.Cut(line, " ")
		if head, cut := strings.CutSuffix(line, " <unfinished ...>"); cut {
			begun[thread] = head
			continue
		}
		if m := resumed.FindStringSubmatch(line); m != nil {
			line = begun[m[1]] + m[2]
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWholeCalls(t *testing.T) {
	trace := "7   fsync(8</g> <unfinished ...>\n8   --- SIGURG {} ---\n" +
		"7   <... fsync resumed>)              = 0\n8   write(1</p>, \"x\", 1) = 1\n"
	want := []string{"8   --- SIGURG {} ---", "7   fsync(8</g>)              = 0",
		"8   write(1</p>, \"x\", 1) = 1"}
	if got := wholeCalls(trace); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
