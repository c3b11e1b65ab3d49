package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
)

// secrets are the files that nobody but the terminal may read, where there are any.
func secrets(cfg config.Config) []string {
	_, registerKey := cfg.RegisterCertificate()
	all := []string{cfg.TerminalKeyPath(), filepath.Join(cfg.GalleryDir(), "gallery.key"), cfg.PINsPath(),
		cfg.PairingsPath(), registerKey, cfg.JournalPath()}
	for _, named := range []string{cfg.MQTT.KeyFile, cfg.MQTT.PasswordFile} {
		if named != "" {
			all = append(all, named)
		}
	}
	return all
}

// keys looks whose the secret files are, and who may read them.
func keys(cfg config.Config) Finding {
	f := Finding{Part: "keys", Level: fine}
	data, err := os.Stat(cfg.Paths.DataDir)
	if err != nil {
		f.What = "there are none yet"
		if !errors.Is(err, fs.ErrNotExist) {
			f.Level, f.What, f.Do = unknown, err.Error(), config.PermissionHint(err)
		}
		return f
	}
	seen := 0
	for _, path := range secrets(cfg) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && (path == cfg.MQTT.KeyFile || path == cfg.MQTT.PasswordFile):
			return Finding{Part: f.Part, Level: fault, What: path + " is not there, and mqtt." + settingOf(cfg, path) +
				" names it", Do: "put it there, mode 0600, as the terminal's user"}
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return unseen(f.Part, err)
		}
		if wrong := mode(path, info, data); wrong.What != "" {
			return wrong
		}
		seen++
	}
	f.What = fmt.Sprintf("%d files, for the terminal's user alone", seen)
	return f
}

// protection tells what the keys are sealed to.
func protection(cfg config.Config) Finding {
	p, err := vault.Of(cfg).Protection()
	if err != nil {
		return unseen(protectionPart, err)
	}
	return Finding{Part: protectionPart, Level: p.Level, What: p.Words, Do: p.Do}
}

const protectionPart = "protection"

func settingOf(cfg config.Config, path string) string {
	if path == cfg.MQTT.KeyFile {
		return "key_file"
	}
	return "password_file"
}

// mode says what is wrong with whose a secret file is, beside the data folder.
func mode(path string, info, data fs.FileInfo) Finding {
	own, ok := info.Sys().(*syscall.Stat_t)
	folder, also := data.Sys().(*syscall.Stat_t)
	if !ok || !also {
		return Finding{}
	}
	perm := info.Mode().Perm()
	named := userOf(folder.Uid)
	switch group := own.Gid == folder.Gid && perm&0o040 != 0; {
	case perm&0o007 != 0 || perm&0o070 != 0 && !group:
		return Finding{Part: "keys", Level: fault, What: fmt.Sprintf("others may read %s (mode %04o)", path, perm),
			Do: "sudo chmod 0600 " + path + "; and make a new one if somebody did"}
	case own.Uid != folder.Uid && folder.Uid != 0 && !group:
		return Finding{Part: "keys", Level: fault, What: fmt.Sprintf("%s is %s's: the terminal, which runs as %s, "+
			"can't read it", path, userOf(own.Uid), named), Do: "sudo chown " + named + " " + path}
	}
	return Finding{}
}

func userOf(uid uint32) string {
	if u, err := user.LookupId(strconv.Itoa(int(uid))); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", uid)
}

// soonEnds is how long before its end a certificate is told: time enough to order another one.
const (
	soonEnds   = 30 * 24 * time.Hour
	urgentEnds = 3 * 24 * time.Hour
)

// ending is a certificate and its end.
type ending struct {
	What, Path string
	End        time.Time
	Do         string
}

// endings are the certificates that a terminal uses, those that can be read.
func endings(cfg config.Config) (all []ending) {
	own, _ := cfg.RegisterCertificate()
	renew := "replace " + own + " and its key"
	if cfg.Register.CertFile == "" {
		renew = "`smiletill register certificate --renew` makes another, which every register has to be given"
	}
	const broker = "put a new one in its place: it is read at the next connection, without a restart"
	for _, c := range []ending{
		{What: "broker", Path: cfg.MQTT.CAFile, Do: broker},
		{What: "client", Path: cfg.MQTT.CertFile, Do: broker},
		{What: "register", Path: own, Do: renew},
	} {
		if end, ok := endOf(c.Path, c.What == "broker"); ok {
			c.End = end
			all = append(all, c)
		}
	}
	return all
}

// unusable are the broker's certificates that settings name and that hold none. Without them there is no
// connection.
func unusable(cfg config.Config) (all []Finding) {
	const part = "certificates"
	for _, c := range []struct{ setting, path string }{
		{"mqtt.ca_file", cfg.MQTT.CAFile}, {"mqtt.cert_file", cfg.MQTT.CertFile},
	} {
		if c.path == "" {
			continue
		}
		f := Finding{Part: part, Level: fault, Do: "put it there as PEM (BEGIN CERTIFICATE), or set " + c.setting}
		_, err := os.ReadFile(c.path)
		_, ok := endOf(c.path, false)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.What = c.path + " is not there, and " + c.setting + " names it"
		case err != nil:
			f = bad(part, err)
		case !ok:
			f.What = c.path + " holds no certificate, and " + c.setting + " names it"
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}

// endOf is the end of the first certificate of a PEM file; of authorities the last one's: one is enough.
func endOf(path string, last bool) (end time.Time, ok bool) {
	rest, err := os.ReadFile(path)
	for err == nil {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return end, ok
		}
		c, failed := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || failed != nil || ok && (!last || c.NotAfter.Before(end)) {
			continue
		}
		end, ok = c.NotAfter, true
	}
	return end, ok
}

// certificates tells which certificate ends first. none: there is none.
func certificates(all []ending, now time.Time) (f Finding, none bool) {
	f = Finding{Part: "certificates", Level: fine}
	var texts []string
	first := ending{}
	for _, c := range all {
		texts = append(texts, c.What+" until "+c.End.UTC().Format(time.DateOnly))
		if first.Path == "" || c.End.Before(first.End) {
			first = c
		}
	}
	f.What = strings.Join(texts, ", ")
	switch left := first.End.Sub(now); {
	case len(all) == 0:
		return f, true
	case left <= 0:
		f.Level, f.Since, f.Do = fault, &first.End, first.Do
		f.What = fmt.Sprintf("the %s's certificate (%s) has ended", first.What, first.Path)
	case left <= soonEnds:
		f.Level, f.Do = warning, first.Do
		if left <= urgentEnds {
			f.Level = fault
		}
		f.What = fmt.Sprintf("the %s's certificate (%s) ends on %s", first.What, first.Path,
			first.End.UTC().Format(time.DateOnly))
	}
	return f, false
}
