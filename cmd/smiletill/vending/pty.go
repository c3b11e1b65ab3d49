package vending

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"smiletill/payment"
)

// pseudo is a port that programs open as they open a serial one. This is its far end.
type pseudo struct {
	far  *os.File
	path string // what programs open
	link string // the name that was asked for; "" for none
	rest []byte
	poll func(fds []unix.PollFd, timeout int) (int, error) // unix.Poll
}

// newPseudo makes a port, raw from the start. link is a name to find it by; what it leads to is replaced if
// it is a link, and is an error if it is a file.
func newPseudo(link string) (p *pseudo, err error) {
	far, near, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("make a pseudo-terminal: %w", err)
	}
	p = &pseudo{far: far, path: near.Name(), poll: unix.Poll}
	if _, err := term.MakeRaw(int(near.Fd())); err != nil {
		return nil, errors.Join(fmt.Errorf("make a pseudo-terminal: %w", err), near.Close(), far.Close())
	}
	if err := near.Close(); err != nil { // whoever opens it shall be the only one
		return nil, errors.Join(err, far.Close())
	}
	if link == "" {
		return p, nil
	}
	if err := symlink(p.path, link); err != nil {
		return nil, errors.Join(err, far.Close())
	}
	p.link = link
	return p, nil
}

// symlink makes a link, in one step where there was one before.
func symlink(to, link string) error {
	info, err := os.Lstat(link)
	if err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return payment.WithHintf(fmt.Errorf("make the link %s: %w", link, fs.ErrExist),
			"it is a file of something else: name a path that is free")
	}
	fresh := link + ".new"
	_ = os.Remove(fresh) // of a run that was killed
	if err := os.Symlink(to, fresh); err != nil {
		return fmt.Errorf("make the link %s: %w", link, err)
	}
	if err := os.Rename(fresh, link); err != nil {
		return fmt.Errorf("make the link %s: %w", link, err)
	}
	return nil
}

// name is what a program should open.
func (p *pseudo) name() string {
	if p.link != "" {
		return p.link
	}
	return p.path
}

// ready tells what can be done at the far end, of what is asked for, within a time in milliseconds. A signal
// ends no look: Go interrupts its own threads by them, the more the busier the machine is, and a port that is
// looked at just then is not one that has gone.
func (p *pseudo) ready(events int16, wait int) (int16, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(p.far.Fd()), Events: events}}
		_, err := p.poll(fds, wait)
		if !errors.Is(err, unix.EINTR) {
			return fds[0].Revents, err
		}
	}
}

// open tells whether a program has it open.
func (p *pseudo) open() bool {
	can, err := p.ready(0, 0)
	return err == nil && can&unix.POLLHUP == 0
}

// lines gives each line that programs write, until ctx is done.
func (p *pseudo) lines(ctx context.Context, to chan<- string) {
	buf := make([]byte, 256)
	for ctx.Err() == nil {
		if !p.open() {
			p.rest = nil
			rest(ctx, 20*time.Millisecond)
			continue
		}
		if can, err := p.ready(unix.POLLIN, 100); err != nil || can&unix.POLLIN == 0 {
			continue
		}
		n, err := p.far.Read(buf)
		if err != nil { // EIO: it was closed
			continue
		}
		p.rest = append(p.rest, buf[:n]...)
		for {
			i := bytes.IndexAny(p.rest, "\r\n")
			if i < 0 {
				break
			}
			line := strings.TrimSpace(string(p.rest[:i]))
			p.rest = p.rest[i+1:]
			if line == "" {
				continue
			}
			select {
			case to <- line:
			case <-ctx.Done():
			}
		}
		if len(p.rest) > 1000 { // no line of anybody
			p.rest = nil
		}
	}
}

// write sends a line, if a program is there to read it.
func (p *pseudo) write(line string) error {
	if !p.open() {
		return nil
	}
	if can, err := p.ready(unix.POLLOUT, 0); err != nil || can == 0 {
		return nil // a program that does not read: lines are lost, as on a real port
	}
	if _, err := p.far.WriteString(line + "\r\n"); err != nil && !errors.Is(err, unix.EIO) {
		return fmt.Errorf("write to the pseudo-terminal: %w", err)
	}
	return nil
}

func (p *pseudo) close() error {
	err := p.far.Close()
	if p.link == "" {
		return err
	}
	if to, e := os.Readlink(p.link); e == nil && to == p.path { // it is still ours
		err = errors.Join(err, os.Remove(p.link))
	}
	return err
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
