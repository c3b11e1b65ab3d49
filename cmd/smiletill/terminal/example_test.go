//go:build !notflite

package terminal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal"
)

// A terminal is made of a configuration and runs until its context ends; others talk to it by its socket.
func Example() {
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cfg := config.Default()
	cfg.Paths.DataDir, cfg.Paths.ControlSocket = filepath.Join(dir, "data"), filepath.Join(dir, "s")
	cfg.Screen.Listen, cfg.Register.Listen, cfg.MQTT.Broker = "127.0.0.1:0", "", ""
	cfg.Camera.Source = "replay:" + dir // no film is in it: the terminal is out of order, and says so
	t, err := terminal.New(cfg, terminal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- t.Run(ctx) }()
	for c := control.NewClient(cfg.Paths.ControlSocket); !c.Running(ctx); time.Sleep(10 * time.Millisecond) {
	}
	fmt.Println("its page is served:", t.Addresses().Screen != "")
	stop()
	fmt.Println(<-ended)
	// Output:
	// its page is served: true
	// <nil>
}
