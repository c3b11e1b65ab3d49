package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"smiletill/cmd/smiletill/setup"
)

// cardImage is the smallest thing that is taken for a card's image.
func cardImage(t *testing.T) string {
	t.Helper()
	data := make([]byte, 1<<20)
	data[510], data[511] = 0x55, 0xaa
	path := filepath.Join(t.TempDir(), "card.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlashCommand(t *testing.T) {
	t.Setenv(setup.PasswordVariable, "")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, typed string
		args        []string
		env         string
		code        int
		said        []string
	}{
		{name: "a no", typed: "yes\n", code: exitFailed, said: []string{"ALL of this is erased", "Type erase",
			"as it was"}},
		{name: "a yes", typed: "erase\n", said: []string{"read back and compared: the same",
			"no checksum stood beside it",
			"sha256 "}},
		{name: "a script", args: []string{"--yes"}, said: []string{"is erased", "writing", "comparing",
			"the same"}},
		{name: "a disk as a file", args: []string{"--yes", "--device", "/dev/null"}, code: exitFailed,
			said: []string{"is not a disk", "lsblk"}},
		{name: "settings that can't be", args: []string{"--yes", "--name", "a b", "--address", "192.168.1.0/24"},
			code: exitUsage,
			said: []string{"--name: ", "--address: ", "2 things are wrong"}},
		{name: "an address without its network", args: []string{"--yes", "--address", "192.168.1.2"},
			code: exitUsage,
			said: []string{"--address: it is no address", "/24"}},
		{name: "a password that nobody can type", args: []string{"--yes", "--wifi", "Shop"}, env: "-",
			code: exitUsage,
			said: []string{"nobody is here to type", "--wifi-password-file", setup.PasswordVariable}},
		{name: "an empty password", args: []string{"--yes", "--wifi", "Shop"}, code: exitUsage,
			said: []string{"--wifi-open"}},
		{name: "a short password", args: []string{"--yes", "--wifi", "Shop"}, env: "short", code: exitUsage,
			said: []string{"--wifi: no Wi-Fi has such a password"}},
		{name: "settings where there is no place for them", args: []string{"--yes", "--wifi", "Shop",
			"--wifi-password-file",
			file}, code: exitFailed, said: []string{"first partition", "THE CARD IS NOT USABLE"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			switch tc.env {
			case "":
			case "-":
				t.Setenv(setup.PasswordVariable, "x")
				os.Unsetenv(setup.PasswordVariable)
			default:
				t.Setenv(setup.PasswordVariable, tc.env)
			}
			args := []string{"flash", cardImage(t), filepath.Join(t.TempDir(), "card"), "--file"}
			for i, a := range tc.args {
				if a == "--device" {
					args, tc.args = []string{"flash", args[1], tc.args[i+1]}, tc.args[:i]
				}
			}
			var out bytes.Buffer
			code := Run(t.Context(), "test", append(args, tc.args...), Streams{In: strings.NewReader(tc.typed),
				Out: &out,
				Err: &out})
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.said {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), "horse") || tc.env == "short" && strings.Contains(out.String(),
				"short") {
				t.Errorf("the password is told:\n%s", &out)
			}
		})
	}
}

func TestSetupCommand(t *testing.T) {
	root, stick := t.TempDir(), t.TempDir()
	t.Setenv("SMILETILL_CONFIG", "")
	run := func(typed string, args ...string) (int, string) {
		var out bytes.Buffer
		code := Run(t.Context(), "test", append([]string{"setup", "--root", root}, args...),
			Streams{In: strings.NewReader(typed), Out: &out, Err: &out})
		return code, out.String()
	}
	if code, out := run("", "--from", stick); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("an empty stick: %d %s", code, out)
	}
	settings := filepath.Join(stick, "setup.toml")
	write := func(text string) {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("name = \"acme/shop/till 3\"\n")
	if code, out := run("", "--from", stick); code != exitUsage || !strings.Contains(out, "setup.toml:1:1") {
		t.Errorf("a mistake: %d %s", code, out)
	}
	write("name = \"acme/shop/till-3\"\n")
	if code, out := run("", "--from", stick); code != 0 || !strings.Contains(out, "taken over from "+settings) {
		t.Errorf("taken over: %d %s", code, out)
	}
	if code, out := run("", "--from", stick); code != 0 || !strings.Contains(out,
		"before: nothing was changed") {
		t.Errorf("again: %d %s", code, out)
	}
	report := filepath.Join(stick, "setup-report.txt")
	if err := os.WriteFile(report, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := run("", "--from", stick, "--report"); code != 0 || out != "" {
		t.Errorf("the report anew: %d %s", code, out)
	}
	if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), "acme/shop/till-3") {
		t.Errorf("the report: %v\n%s", err, text)
	}
	write("name = \"acme/shop/till-4\"\n")
	if code, out := run("", "--from", stick, "--outside"); code != exitUsage || !strings.Contains(out,
		"stick any more") {
		t.Errorf("a stranger's stick: %d %s", code, out)
	}
	if code, out := run("\npi4\n\n\nnone\n"); code != 0 || !strings.Contains(out, "[acme/shop/till-3]") ||
		!strings.Contains(out, "restart smiletill") {
		t.Errorf("asked: %d %s", code, out)
	}
	if code, out := run(""); code == 0 || !strings.Contains(out, "nothing was changed") {
		t.Errorf("nobody answers: %d %s", code, out)
	}
}

// Who sits there types the Wi-Fi's password unseen.
func TestFlashAsksForThePassword(t *testing.T) {
	t.Setenv(setup.PasswordVariable, "x")
	os.Unsetenv(setup.PasswordVariable)
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer keyboard.Close()
	defer tty.Close()
	var out bytes.Buffer
	asked := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "Password of the Wi-Fi") {
			go func() { _, _ = keyboard.WriteString("short\n") }()
		}
		return out.Write(p)
	})
	args := []string{"flash", cardImage(t), filepath.Join(t.TempDir(), "card"), "--file", "--yes", "--wifi",
		"Shop"}
	code := Run(t.Context(), "test", args, Streams{In: tty, Out: asked, Err: asked})
	if code != exitUsage || !strings.Contains(out.String(), `Password of the Wi-Fi "Shop": `) ||
		!strings.Contains(out.String(), "no Wi-Fi has such a password") || strings.Contains(out.String(), "short") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// writerFunc is a writer that is a function.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
