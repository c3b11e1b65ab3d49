package doctor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/files"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision/gallery"
)

// SupportHelp is what `smiletill support --help` says.
const SupportHelp = `Write one file for who helps from afar: what doctor says, status, settings, the last
day's log, the kernel's words about USB, voltage and cards, the journal's counts and whether it is sound,
versions, and which files there are. FILE ends in .tar.gz; - is the standard output.
It holds no faces, names, customers' ids, PINs, keys, passwords or passphrases: of settings and log lines
only what is on a list is taken, and all of it is looked through once more. Read it before you send it.`

// logMost bounds what is taken of a log, in bytes: its end.
const logMost = 1 << 20

// bundle is the file while it is written.
type bundle struct {
	t      Terminal
	redact Redactor
	named  bool // the customers' names are known, and are looked for
	tar    *tar.Writer
}

// SupportFile writes the support's file, or to out where path is "-". One that is there is not written over.
func (t Terminal) SupportFile(ctx context.Context, path string, out io.Writer) error {
	if path == "-" {
		return t.Support(ctx, out)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return payment.WithHint(fmt.Errorf("write the support's file: %s is there already", path),
			"name another, or remove it")
	} else if err != nil {
		return fmt.Errorf("write the support's file: %w", err)
	}
	if err := errors.Join(giveBack(f), t.Support(ctx, f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	_, err = fmt.Fprintf(out, "%s is written. Look into it before you send it: tar -xzf %[1]s -O | less\n", path)
	return err
}

// giveBack makes a file that was made with sudo its user's, who is to fetch and send it.
func giveBack(f *os.File) error {
	uid, none := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, also := strconv.Atoi(os.Getenv("SUDO_GID"))
	if os.Geteuid() != 0 || none != nil || also != nil {
		return nil
	}
	err := f.Chown(uid, gid)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("write the support's file: %w", err)
	}
	return nil // a stick's file system has no owners
}

// Support writes the archive, part by part as it comes.
//
// Each part is made of what is on a list: names of settings, fields of log lines, names of files. Of a log
// line its message is taken too, and of one that is not JSON its words, while the customers' names are known.
// What goes into the archive passes the Redactor besides, which knows the secrets of this machine's files.
func (t Terminal) Support(ctx context.Context, out io.Writer) error {
	t = t.Placed()
	names, known := t.names(ctx)
	zip := gzip.NewWriter(out)
	b := &bundle{t: t, named: known, tar: tar.NewWriter(zip), redact: NewRedactor(t.Probe.Root, t.Cfg, names)}
	err := b.write(ctx)
	return errors.Join(err, b.tar.Close(), zip.Close())
}

func (b *bundle) write(ctx context.Context) error {
	page := b.t.Examine(ctx)
	if b.t.CfgErr != nil { // its words repeat values
		page.Findings = slices.Clone(page.Findings)
		for i, f := range page.Findings {
			if f.Part == "settings" {
				page.Findings[i].What, page.Findings[i].Do = unquoted(f.What), unquoted(f.Do)
			}
		}
	}
	var text bytes.Buffer
	if err := page.write(&text); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		text func() []byte
	}{
		{"README.txt", b.readme},
		{"doctor.txt", text.Bytes},
		{"doctor.json", func() []byte { return asJSON(page) }},
		{"status.json", func() []byte { return b.status(ctx) }},
		{"settings.txt", b.settings},
		{"versions.txt", b.versions},
		{"journal.json", func() []byte { return b.journal(ctx) }},
		{"files.txt", b.files},
		{"log.txt", func() []byte { return b.log(ctx) }},
		{"kernel.txt", func() []byte { return b.kernel(ctx) }},
	} {
		if err := b.put(part.name, part.text()); err != nil {
			return err
		}
	}
	return nil
}

// put adds a part, looked through line by line.
func (b *bundle) put(name string, text []byte) error {
	text = []byte(b.redact.Text(string(bytes.ToValidUTF8(text, []byte("?")))))
	head := &tar.Header{Name: "smiletill-support/" + name, Mode: 0o600, Size: int64(len(text)),
		ModTime: b.t.Probe.Now(), Format: tar.FormatPAX}
	if err := b.tar.WriteHeader(head); err != nil {
		return fmt.Errorf("write the support's file: %w", err)
	}
	if _, err := b.tar.Write(text); err != nil {
		return fmt.Errorf("write the support's file: %w", err)
	}
	return nil
}

func asJSON(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(err.Error())
	}
	return append(text, '\n')
}

func (b *bundle) readme() []byte {
	text := "What a smiletill terminal says of itself. Begin with doctor.txt.\n" +
		"Faces, names, customers' ids, PINs, keys, passwords and passphrases were left out.\n"
	if !b.named {
		text += "The customers' names could not be read to look for them: of the log only what the\n" +
			"terminal says in words of its own was taken, and nothing of what it was about.\n"
	}
	return []byte(text)
}

// What errors repeat of what they are about: between quotation marks, to the end where there is but one, and
// all between the outer ones where there are others inside.
var (
	quotedText = regexp.MustCompile(`"(?:[^"\\]|\\.)*(?:"|$)`)
	quotedDeep = regexp.MustCompile(`(?s)\\*".*(?:"|$)`)
)

// unquoted is an error's text without what it repeats.
func unquoted(text string) string {
	if strings.Contains(text, `\"`) {
		return quotedDeep.ReplaceAllString(text, `"..."`)
	}
	return quotedText.ReplaceAllString(text, `"..."`)
}

// status is what the running terminal says, its own words again as data.
func (b *bundle) status(ctx context.Context) []byte {
	s, err := ask(ctx, b.t, control.NewClient(b.t.Cfg.Paths.ControlSocket).Status)
	if err != nil {
		return asJSON(map[string]string{"error": err.Error()})
	}
	return asJSON(s)
}

func (b *bundle) versions() []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "smiletill %s, %s %s/%s, journal schema %d\n", b.t.Version, runtime.Version(),
		runtime.GOOS, runtime.GOARCH, journal.Schema())
	for _, path := range []string{"/proc/version", "/proc/device-tree/model", "/proc/uptime"} {
		if data, err := os.ReadFile(b.t.Probe.at(path)); err == nil {
			fmt.Fprintf(&text, "%s: %s\n", path, bytes.Trim(data, "\x00\n "))
		}
	}
	if data, err := os.ReadFile(b.t.Probe.at("/etc/os-release")); err == nil {
		for l := range strings.Lines(string(data)) {
			if strings.HasPrefix(l, "PRETTY_NAME=") || strings.HasPrefix(l, "VERSION_ID=") {
				text.WriteString(l)
			}
		}
	}
	if set, err := files.OpenModels(b.t.Cfg); err == nil {
		fmt.Fprintf(&text, "faces by the model %.16s\n", set.Model(models.Embed).SHA256)
	} else {
		fmt.Fprintf(&text, "models: %v\n", err)
	}
	if of, err := gallery.ModelsIn(b.t.Cfg.GalleryDir()); err == nil {
		for sha, n := range of {
			fmt.Fprintf(&text, "%d customers by the model %.16s\n", n, sha)
		}
	}
	return text.Bytes()
}

// journal are counts and the verdict; no payment, no name, no amount.
func (b *bundle) journal(ctx context.Context) []byte {
	found, sound := books(ctx, b.t.Cfg)
	return asJSON(map[string]any{"found": found, "facts": sound.Facts, "payments": sound.Payments,
		"approved": sound.Approved, "open": sound.Open, "reversals": sound.Reversals, "audits": sound.Audits,
		"gaps": sound.Gaps, "unsure": sound.Unsure, "taken_over": sound.TakenOver})
}

// ownNames are the files that are said by name; another's name may be anything, a person's too.
var ownNames = strings.Fields(`journal.db journal.db.lock journal.db.behind pins.db pins.db.lock register.db
register.db.lock register.crt register.key registers.json counter.json screen-delay.json settings-seen.json
tamper.json terminal.key cloud.pub gallery gallery.key .lock lock floor models manifest.json update setup
smiletill smiletill.toml board.toml claim.toml ca.pem claimed terms.json broker.key broker.pem authority.pem
 terminal.crt claimed.json witness.json generation.json unsealed`)

// ownSuffix is what SQLite and a change of the journal's schema put behind a database's name; ownModels is a
// folder of models by their digest, or of what a cloud gave.
var (
	ownSuffix = regexp.MustCompile(`(?:-wal|-shm|\.schema\d+)$`)
	ownModels = regexp.MustCompile(`^(?:models-[0-9a-f]+|claimed-\d+)$`)
)

// own tells whether a file's name is one of the terminal's own.
func own(name string) bool {
	base := ownSuffix.ReplaceAllString(name, "")
	return slices.Contains(ownNames, base) && (base == name || strings.HasSuffix(base, ".db")) ||
		ownModels.MatchString(name)
}

// files lists what there is, with sizes and modes. Customers' records are counted: each is called by an id.
func (b *bundle) files() []byte {
	var text bytes.Buffer
	for _, root := range []string{b.t.Cfg.Paths.DataDir, b.t.Probe.at("/etc/smiletill")} {
		fmt.Fprintln(&text, root)
		records, size, others := 0, int64(0), 0
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return nil // it was removed meanwhile
			}
			rel, _ := filepath.Rel(root, path) // it is below
			switch {
			case strings.HasSuffix(rel, ".face"):
				records++
				size += info.Size()
			case rel == ".", own(d.Name()):
				fmt.Fprintf(&text, "  %v %9d %s  %s\n", info.Mode(), info.Size(),
					info.ModTime().UTC().Format(time.DateTime), rel)
			case d.IsDir():
				others++
				return filepath.SkipDir
			default:
				others++
			}
			return nil
		})
		fmt.Fprintf(&text, "  %d customers' records of %d bytes, %d others\n", records, size, others)
		if err != nil {
			fmt.Fprintf(&text, "  %v\n", err)
		}
	}
	return text.Bytes()
}

// said are the fields of log lines that are taken: what else a line is of may be anybody.
var said = map[string]bool{"room": true, "err": true, "part": true, "of": true, "model": true, "seq": true,
	"again_in": true, "cause": true, "customers": true, "must_be_enrolled_again": true, "models": true,
	"faces": true, "version": true, "data": true, "screen": true, "terminal": true, "address": true,
	"camera": true,
	"what":   true, "took": true, "phase": true, "state": true, "reason": true, "unit": true, "protection": true}

// repeats are the fields whose words may repeat a name: what they quote is left out. A customer who was
// removed is known by name to nobody.
var repeats = map[string]bool{"err": true, "cause": true, "reason": true, "hint": true}

// ofText are the fields that a line of text has besides: JSON's are no fields but the line.
var ofText = map[string]bool{"time": true, "level": true, "msg": true, "hint": true}

// field is one of a line of text, as log.format text writes it, or as much of it as there is.
var field = regexp.MustCompile(`("(?:[^"\\]|\\.)*"|[^\s"=]+)=("(?:[^"\\]|\\.)*"|".*|\S*)`)

// taken is a key=value of a log line as the support's file has it.
func taken(pair string) string {
	key, value, _ := strings.Cut(pair, "=")
	if !repeats[key] {
		return pair
	}
	clear, err := strconv.Unquote(value)
	if err != nil {
		return key + "=" + unquoted(value)
	}
	return key + "=" + strconv.Quote(unquoted(clear))
}

// log is the end of the last day's.
func (b *bundle) log(ctx context.Context) []byte {
	return b.lines(ctx, []string{"-u", units}, func(l line) (line, bool) {
		if l.plain {
			l.text = field.ReplaceAllStringFunc(l.text, func(pair string) string {
				if key, _, _ := strings.Cut(pair, "="); said[key] || ofText[key] {
					return taken(pair)
				}
				return leftOut
			})
			return l, b.named // else nobody knows what its words are
		}
		kept := l.more[:0]
		for _, m := range l.more {
			if key, _, _ := strings.Cut(m, "="); said[key] && b.named {
				kept = append(kept, taken(m))
			}
		}
		l.more, l.hint = kept, unquoted(l.hint)
		if !b.named {
			l.hint = ""
		}
		return l, true
	})
}

// aboutMachine are the kernel's lines that tell of what breaks, the maker's numbers of single things not.
var (
	aboutMachine = regexp.MustCompile(`(?i)\b(?:usb|uvc|mmc\w*|ext4|voltage|under-?voltage|thermal|throttl\w*|` +
		`i/o error|blk_update|rtc|watchdog|oom)\b`)
	ofOneThing = regexp.MustCompile(`(?i)serial\s?number`)
)

func (b *bundle) kernel(ctx context.Context) []byte {
	return b.lines(ctx, []string{"-k"}, func(l line) (line, bool) {
		return l, aboutMachine.MatchString(l.text) && !ofOneThing.MatchString(l.text)
	})
}

// lines are those of systemd's journal of the last day that are taken, or why there are none.
func (b *bundle) lines(ctx context.Context, what []string, take func(line) (line, bool)) []byte {
	var text []byte
	from := b.t.Probe.Now().Add(-24 * time.Hour)
	err := journalctl(ctx, what, from, false, func(l line) error {
		if l, ok := take(l); ok {
			text = append(text, l.String(b.redact)...)
		}
		if len(text) > 2*logMost {
			text = append(text[:0], text[len(text)-logMost:]...)
		}
		return nil
	})
	if len(text) > logMost {
		text = text[len(text)-logMost:]
	}
	if err != nil {
		text = fmt.Appendf(text, "%v\n", err)
	}
	return text
}
