package serial

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// Link keeps a port open: it is looked for, opened, and looked for again when it is lost.
type Link struct {
	// Source is what Find takes.
	Source string
	// Baud is the speed, 115200 for the adapters that this was made for.
	Baud int
	// Opened is told the port's path, Data what came, Lost why there is none: at the first failure, when the
	// reason changes, and when an open port is gone. None is called while another is; they may call Write.
	Opened func(path string)
	Data   func([]byte)
	Lost   func(error)

	mu   sync.Mutex
	port *Port
}

// retry is the pause between two tries to open a port: somebody stands there and plugs it in.
const retry = 250 * time.Millisecond

// ErrClosed says that there is no open port to write to.
var ErrClosed = errors.New("the port is not open")

// Run keeps the port open until ctx is done.
func (l *Link) Run(ctx context.Context) {
	told := ""
	for ctx.Err() == nil {
		port, path, err := l.open()
		if err != nil {
			if err.Error() != told {
				told = err.Error()
				l.Lost(err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
			continue
		}
		told = ""
		stop := context.AfterFunc(ctx, func() { _ = port.Close() }) // Read says what there is to say
		l.Opened(path)
		err = l.read(port)
		stop()
		l.mu.Lock()
		l.port = nil
		l.mu.Unlock()
		err = errors.Join(err, port.Close())
		if ctx.Err() == nil {
			told = err.Error()
			l.Lost(err)
		}
	}
}

func (l *Link) open() (*Port, string, error) {
	path, err := Find(os.DirFS("/"), l.Source)
	if err != nil {
		return nil, "", err
	}
	port, err := Open(path, l.Baud)
	if err != nil {
		return nil, "", err
	}
	l.mu.Lock()
	l.port = port
	l.mu.Unlock()
	return port, path, nil
}

func (l *Link) read(port *Port) error {
	buf := make([]byte, 256)
	for {
		n, err := port.Read(buf)
		if n > 0 {
			l.Data(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// Write writes to the port that is open. A port that takes nothing is closed, and so lost.
func (l *Link) Write(b []byte) error {
	l.mu.Lock()
	port := l.port
	l.mu.Unlock()
	if port == nil {
		return ErrClosed
	}
	_, err := port.Write(b)
	if err != nil {
		err = errors.Join(err, port.Close())
	}
	return err
}
