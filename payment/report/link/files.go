package link

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"
)

// Files name what Dial reads each time: certificates are renewed and passwords changed while a terminal runs.
// The zero value names nothing.
type Files struct {
	CA, Cert, Key string // see TLSFiles
	Password      string // holds the password; a line's end behind it is no part of it
}

// apply reads the files in place of what the options say.
func (f Files) apply(o Options) (Options, error) {
	if f.Password != "" {
		text, err := os.ReadFile(f.Password)
		if err != nil {
			return o, &Trouble{Op: "read the password for the broker", What: "cannot read " + f.Password,
				Advice: "put the broker's password into it, mode 0600, readable by this service", Err: err}
		}
		if strings.HasPrefix(string(text), "\xff\xfe") || strings.HasPrefix(string(text), "\xfe\xff") {
			return o, &Trouble{Op: "read the password for the broker", What: f.Password + " is written in UTF-16",
				Advice: "save the file as UTF-8"}
		}
		word := strings.TrimPrefix(string(text), "\xef\xbb\xbf") // some editors' mark of UTF-8
		o.Password = Secret(strings.TrimRight(word, "\r\n"))
	}
	if f.CA == "" && f.Cert == "" && f.Key == "" {
		return o, nil
	}
	var err error
	o.TLS, err = TLSFiles(f.CA, f.Cert, f.Key)
	return o, err
}

// When the end of a certificate is told: in time to get another one, and when it is urgent.
const (
	endsSoon   = 14 * 24 * time.Hour
	endsUrgent = 3 * 24 * time.Hour
)

// Ending is a certificate whose end is near.
type Ending struct {
	*Trouble
	Urgent bool // three days are left, or less
}

// Ending looks at the certificates as they are now, the own one and those that sign the broker's, and gives
// the one that ends first if 14 days are left or less; nil: none. Of authorities one is enough. What can't be
// read is Dial's to tell.
func (f Files) Ending(now time.Time) *Ending {
	var first *Ending
	var at time.Time
	for _, c := range []struct {
		what, path string
		end        func([]*x509.Certificate) time.Time
	}{
		{"the own certificate", f.Cert, func(all []*x509.Certificate) time.Time { return all[0].NotAfter }},
		{"the last certificate that may sign the broker's", f.CA, lastEnd},
	} {
		certs := readCertificates(c.path)
		if len(certs) == 0 {
			continue
		}
		end := c.end(certs)
		left := end.Sub(now)
		if left > endsSoon || first != nil && !end.Before(at) {
			continue
		}
		at = end
		what := fmt.Sprintf("%s (%s) ends on %s, in less than 14 days", c.what, c.path, end.Format(time.DateOnly))
		switch {
		case left <= 0:
			what = fmt.Sprintf("%s (%s) ended on %s", c.what, c.path, end.Format(time.DateOnly))
		case left <= endsUrgent:
			what = fmt.Sprintf("%s (%s) ends on %s, in less than 3 days", c.what, c.path, end.Format(time.DateOnly))
		}
		first = &Ending{&Trouble{Op: "look at the certificates for the broker", What: what,
			Advice: "put a new one in its place: it is read at the next connection, without a restart"},
			left <= endsUrgent}
	}
	return first
}

func lastEnd(all []*x509.Certificate) time.Time {
	end := all[0].NotAfter
	for _, c := range all {
		if c.NotAfter.After(end) {
			end = c.NotAfter
		}
	}
	return end
}

// readCertificates gives those of a PEM file that can be read.
func readCertificates(path string) []*x509.Certificate {
	if path == "" {
		return nil
	}
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, c)
		}
	}
}

// TLSFiles reads PEM files: the authority that signed the broker's certificate ("" takes the system's), and
// this client's certificate with its key (both or neither). Its errors carry a Hint.
func TLSFiles(ca, cert, key string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, &Trouble{Op: "read the broker's authority", What: "cannot read " + ca,
				Advice: "check the path and the file's rights", Err: err}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &Trouble{Op: "read the broker's authority", What: "no certificate in " + ca,
				Advice: "give the authority's certificate in PEM form", Err: ErrOptions}
		}
	}
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, &Trouble{Op: "read this terminal's certificate", What: "cannot use " + cert + " with " + key,
			Advice: "give both files in PEM form, of one key pair, readable by this service", Err: err}
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
