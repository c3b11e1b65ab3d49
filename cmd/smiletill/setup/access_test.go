package setup

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// anna is a public key; its other half was thrown away.
const anna = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUcCB1yyJcjjbu8O2Rio6CzkpyEdpBBCDPwSHqDiuMA anna@laptop"

// newCard is a system as a card has it, with a login of its own.
func newCard(t *testing.T, settings string) (place, Target) {
	t.Helper()
	p := newPlace(t, settings)
	p.write(filepath.Join(p.root, sshConfig), "")
	return p, Target{Root: p.root, Kept: "/var/lib/smiletill/setup"}
}

func access(keys ...string) string {
	return fmt.Sprintf("[access]\nssh_keys = [%s]\n", strings.Join(keys, ", "))
}

func short(t *testing.T) string {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	secret, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(&secret.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func TestKeyMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ key, what, write string }{
		"no key":       {`"correct horse"`, "key 1: it is no key of ssh", ".pub"},
		"half a key":   {`"` + anna[:60] + `"`, "no key of ssh", ".pub"},
		"two in one":   {`"` + anna + `\n` + anna + `"`, "no key of ssh", ".pub"},
		"a command":    {`'command="/bin/sh" ` + anna + `'`, "options stand before the key (command", "alone"},
		"a place":      {`'from="10.0.0.1" ` + anna + `'`, "options stand before", "alone"},
		"a secret one": {`"-----BEGIN OPENSSH PRIVATE KEY-----"`, "secret half", "make a new one"},
		"a weak one":   {`"` + short(t) + `"`, "too short", "ed25519"},
		"twice":        {`"` + anna + `", "` + anna + `"`, "key 2: it stands there twice", "leave one"},
		"for a ruse":   {`"` + anna + `\u0007"`, "no key of ssh", ".pub"},
		"another kind": {`"` + certificate(t) + `"`, "are not taken", "ed25519"},
	} {
		_, problems := parse(FileName, []byte(access(tc.key)))
		if len(problems) != 1 || problems[0].Where != FileName+":2:1" ||
			!strings.Contains(problems[0].What, tc.what) ||
			!strings.Contains(problems[0].Instead, tc.write) {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

// certificate is one that somebody else answers for.
func certificate(t *testing.T) string {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(anna))
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	by, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.Certificate{Key: key, CertType: ssh.UserCert}
	if err := c.SignCert(rand.Reader, by); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(c)))
}

// TestWayIn: who may log in is kept with the terminal's own key, which is made once, and lies below /run.
func TestWayIn(t *testing.T) {
	p, to := newCard(t, "name = \"acme/berlin-1/till-3\"\n"+access(`"`+anna+`"`))
	do := func() string {
		t.Helper()
		if err := to.Do(t.Context(), Order{Folder: p.stick}, nil, &strings.Builder{}); err != nil {
			t.Fatal(err)
		}
		return p.read(p.root, sshRun, sshHost)
	}
	host := do()
	if got := p.read(p.root, sshRun, sshKeys); got != anna+"\n" {
		t.Errorf("who may log in: %s", got)
	}
	for _, path := range []string{sshRun, to.Kept + sshKept} {
		info, err := os.Stat(filepath.Join(p.root, path, sshHost))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	key, err := ssh.ParsePrivateKey([]byte(host))
	if err != nil {
		t.Fatal(err)
	}
	report := p.read(p.stick, reportName)
	for _, want := range []string{"ssh technician@till-3.local", ssh.FingerprintSHA256(key.PublicKey()),
		"technician logs in by ssh with SHA256:", "anna@laptop"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	if again := do(); again != host {
		t.Error("the terminal's own key is another one after a restart")
	}
	p.write(filepath.Join(p.stick, FileName), "[time]\nservers = [\"ptbtime1.ptb.de\"]\n")
	if again := do(); again != host || p.read(p.root, sshRun, sshKeys) == "" {
		t.Error("settings that name nobody change who logs in")
	}
	if !strings.Contains(p.read(p.stick, reportName), ssh.FingerprintSHA256(key.PublicKey())) {
		t.Error("the report does not say any more how to log in")
	}
	p.write(filepath.Join(p.stick, FileName), access())
	if again := do(); again != host || p.read(p.root, sshRun, sshKeys) != "" {
		t.Errorf("an empty list leaves %q", p.read(p.root, sshRun, sshKeys))
	}
	if report := p.read(p.stick, reportName); !strings.Contains(report, "nobody logs in by ssh any more") ||
		strings.Contains(report, "ssh technician@") {
		t.Errorf("the report:\n%s", report)
	}
}

// TestStrangersKey: a stick gives a terminal that has its name no other login, and takes none away.
func TestStrangersKey(t *testing.T) {
	p, to := newCard(t, "name = \"acme/berlin-1/till-3\"\n"+access(`"`+anna+`"`))
	take := func(outside bool) error {
		_, err := to.take(source{p.stick, outside}, noon(), never)
		return err
	}
	if err := take(true); err != nil {
		t.Fatalf("before it has a name: %v", err)
	}
	before := tree(t, p.root)
	for _, text := range []string{access(), access(`"` + other + `"`), access(`"`+anna+`"`, `"`+other+`"`)} {
		p.write(filepath.Join(p.stick, FileName), text)
		if err := take(true); err == nil || !strings.Contains(err.Error(), "stick any more") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if tree(t, p.root) != before {
		t.Error("a stranger's stick changed something")
	}
	if err := take(false); err != nil {
		t.Errorf("on the card itself: %v", err)
	}
}

const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF3fQiYJEPrvvZO4Yp2FI4RbhWCQrXjNw9DGKT01FRzU"

// TestNoLoginOfOurs: a Debian of one's own has users of its own.
func TestNoLoginOfOurs(t *testing.T) {
	p := newPlace(t, access(`"`+anna+`"`))
	if _, err := p.take(false); err == nil || !strings.Contains(err.Error(), "only a card") {
		t.Errorf("taken: %v", err)
	}
}

// TestKeyFiles: what ssh-keygen made is named by the flag; the secret half is refused, and not repeated.
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	p := place{t, dir, dir}
	pub, secret := filepath.Join(dir, "id.pub"), filepath.Join(dir, "id")
	p.write(pub, "# mine\n\n"+anna+"\n")
	p.write(secret, "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret words\n-----END OPENSSH PRIVATE KEY-----\n")
	s, err := Words{KeyFiles: []string{pub}}.Settings(nil, nil)
	if err != nil || len(s.Keys) != 1 || !strings.Contains(string(s.Text()), anna) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = Words{KeyFiles: []string{secret}}.Settings(nil, nil)
	if err == nil || !strings.Contains(err.Error(), "--ssh-key: key 1: this is the secret half") ||
		strings.Contains(err.Error(), "secret words") {
		t.Errorf("the secret half: %v", err)
	}
}
