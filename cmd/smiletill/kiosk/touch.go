package kiosk

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// watchInput tells, until ctx ends, that somebody touched the display, moved a mouse or pressed a key, on
// whatever is plugged in below dir (/dev/input) then. What it was is not looked at.
func watchInput(ctx context.Context, dir string, touched chan<- struct{}) {
	var reading sync.WaitGroup
	var mu sync.Mutex
	open := map[string]*os.File{}
	for ctx.Err() == nil {
		files, _ := filepath.Glob(filepath.Join(dir, "event*")) // the pattern is good
		for _, name := range files {
			mu.Lock()
			_, known := open[name]
			mu.Unlock()
			if known {
				continue
			}
			f, err := os.Open(name)
			if err != nil {
				continue // it went, or is not for us: what reads it draws the page all the same
			}
			mu.Lock()
			open[name] = f
			mu.Unlock()
			reading.Go(func() {
				for b := make([]byte, 1024); ; {
					if _, err := f.Read(b); err != nil {
						break
					}
					select {
					case touched <- struct{}{}:
					default:
					}
				}
				mu.Lock()
				delete(open, name)
				mu.Unlock()
				_ = f.Close()
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
	}
	mu.Lock()
	for _, f := range open {
		_ = f.Close()
	}
	mu.Unlock()
	reading.Wait()
}
