package kiosk

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ground is the colour behind everything, as the customer's page has it while it connects (#RRGGBB).
const ground = "#1c1e24"

// settings are sway's: no key and no gesture of its own, the program's window over all of the display.
func settings(rotate int, keys string) string {
	return strings.Join([]string{
		"xwayland disable",
		"default_border none",
		"default_floating_border none",
		"seat * hide_cursor 100", // milliseconds
		`for_window [app_id=".*"] fullscreen enable`,
		"input type:keyboard xkb_file " + keys,
		"output * transform " + strconv.Itoa(rotate),
		"",
	}, "\n")
}

// keymap is a keyboard that has the keys of a PIN and no other: whatever else is pressed is no key. By the
// kernel's own numbers of keys (+8), so that each layout's digits are digits.
func keymap() string {
	var codes, symbols strings.Builder
	key := func(name string, code int, symbol string) {
		fmt.Fprintf(&codes, "<%s> = %d;\n", name, code+8)
		fmt.Fprintf(&symbols, "key <%s> { type = \"ONE\", [ %s ] };\n", name, symbol)
	}
	pad := []int{82, 79, 80, 81, 75, 76, 77, 71, 72, 73} // KEY_KP0 to KEY_KP9
	for digit := range 10 {
		row := 1 + digit // KEY_1 is 2
		if digit == 0 {
			row = 11
		}
		key(fmt.Sprintf("R%d", digit), row, strconv.Itoa(digit))
		key(fmt.Sprintf("P%d", digit), pad[digit], strconv.Itoa(digit))
	}
	key("ESC", 1, "Escape")
	key("BKS", 14, "BackSpace")
	key("RET", 28, "Return")
	key("PEN", 96, "Return")
	return "xkb_keymap {\nxkb_keycodes \"pin\" {\nminimum = 8;\nmaximum = 255;\n" + codes.String() + "};\n" +
		"xkb_types \"pin\" {\ntype \"ONE\" { modifiers = none; level_name[Level1] = \"Any\"; };\n};\n" +
		"xkb_compatibility \"pin\" {\n};\nxkb_symbols \"pin\" {\n" + symbols.String() + "};\n};\n"
}

// compositing is a compositor that runs.
type compositing struct {
	dir   string // its sockets
	ended chan struct{}
	err   error // after it has ended
}

// startCompositor starts sway with the session's folder dir, and waits until programs can draw.
func startCompositor(ctx context.Context, dir string, rotate int) (*compositing, error) {
	config, keys := filepath.Join(dir, "sway.conf"), filepath.Join(dir, "keys.xkb")
	if err := errors.Join(os.WriteFile(keys, []byte(keymap()), 0o644),
		os.WriteFile(config, []byte(settings(rotate, keys)), 0o644)); err != nil {
		return nil, err
	}
	c := &compositing{dir: dir, ended: make(chan struct{})}
	for _, old := range []string{c.display(), c.display() + ".lock", c.control()} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, compositor, "--config", config)
	cmd.Env = append(os.Environ(), "SWAYSOCK="+c.control())
	group(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { c.err = cmd.Wait(); close(c.ended) }()
	for {
		if _, err := c.outputs(); err == nil {
			if _, err := os.Stat(c.display()); err == nil {
				return c, c.aim()
			}
		}
		select {
		case <-c.ended:
			return nil, failure{fmt.Errorf("%w: %s: %v", errEnded, compositor, c.err),
				"look at `journalctl -u smiletill-kiosk`, whether seatd runs, and whether there is a /dev/dri/card0"}
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *compositing) display() string { return filepath.Join(c.dir, "wayland-1") }
func (c *compositing) control() string { return filepath.Join(c.dir, "sway.sock") }

// command is a program that draws there.
func (c *compositing) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "WAYLAND_DISPLAY="+c.display())
	group(cmd)
	return cmd
}

// Kinds of messages on sway's socket.
const (
	runCommand = 0
	getOutputs = 3
)

const (
	magic     = "i3-ipc"
	answerMax = 1 << 20 // bytes
)

// ask sends one message and gives the answer's JSON.
func (c *compositing) ask(kind uint32, text string) ([]byte, error) {
	conn, err := net.Dial("unix", c.control())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	head := binary.NativeEndian.AppendUint32([]byte(magic), uint32(len(text)))
	if _, err := conn.Write(append(binary.NativeEndian.AppendUint32(head, kind), text...)); err != nil {
		return nil, err
	}
	head = make([]byte, len(magic)+8)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	n := binary.NativeEndian.Uint32(head[len(magic):])
	if n > answerMax {
		return nil, fmt.Errorf("%s answers with %d bytes", compositor, n)
	}
	answer := make([]byte, n)
	_, err = io.ReadFull(conn, answer)
	return answer, err
}

// order has sway do something.
func (c *compositing) order(text string) error {
	answer, err := c.ask(runCommand, text)
	if err != nil {
		return err
	}
	var results []struct {
		Success bool
		Error   string
	}
	if err := json.Unmarshal(answer, &results); err != nil {
		return err
	}
	for _, r := range results {
		if !r.Success {
			return fmt.Errorf("%s, %s: %s", compositor, text, r.Error)
		}
	}
	return nil
}

// output is a display as sway has it.
type output struct {
	Name      string
	DPMS      bool
	Transform string
}

func (c *compositing) outputs() ([]output, error) {
	answer, err := c.ask(getOutputs, "")
	if err != nil {
		return nil, err
	}
	var all []output
	return all, json.Unmarshal(answer, &all)
}

// aim binds touch screens to the display, without which their places would not turn with the picture.
func (c *compositing) aim() error {
	all, err := c.outputs()
	if err != nil || len(all) == 0 {
		return err
	}
	return c.order("input * map_to_output " + strconv.Quote(all[0].Name))
}

// power switches all displays, and reports whether they did.
func (c *compositing) power(on bool) (done bool, err error) {
	word := map[bool]string{true: "on", false: "off"}[on]
	if err := c.order("output * dpms " + word); err != nil {
		return false, err
	}
	all, err := c.outputs()
	return !slices.ContainsFunc(all, func(o output) bool { return o.DPMS != on }), err
}
