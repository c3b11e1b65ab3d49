//go:build linux

package buildroot_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// emulated is a whole machine with a card in it: UEFI, a disk, a watchdog, no network. What its serial
// console says is kept.
type emulated struct {
	t     *testing.T
	cmd   *exec.Cmd
	qmp   net.Conn
	reply *bufio.Reader
	ended chan struct{}
	log   *os.File // of the serial console, to look at while it runs

	mu   sync.Mutex
	text string // of the serial console
	read int    // as far as until has come
	more chan struct{}
}

// Write takes what the serial console says.
func (e *emulated) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text += string(b)
	_, _ = e.log.Write(b)
	close(e.more)
	e.more = make(chan struct{})
	return len(b), nil
}

// Two ways of a machine's time. With asFast it has this machine's, and two threads: for a page, which is
// drawn all the while, so that its own time would nearly stand still. With byWork its clock goes by the
// instructions that it executes, as in device/bench/remote, and by this machine's while it has nothing to do:
// however slow its processor is emulated, nothing in it comes too late. One thread, since two machines run
// side by side, and of a processor that is not run while it holds a lock the other waits.
var (
	asFast = []string{"-accel", "tcg,thread=multi"}
	byWork = []string{"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on"}
)

// start switches a machine on that has image as its disk (qcow2 by its name, or raw), a display of 800x480
// and a touch screen, and so many MiB of memory.
func start(t *testing.T, image string, memory int, more ...string) *emulated {
	t.Helper()
	return emulate(t, asFast, image, memory, append([]string{"-device", "virtio-gpu-pci,xres=800,yres=480",
		"-device", "usb-tablet"}, more...)...)
}

// headless is start without a display: the kiosk waits for one, and the processors are left to the others.
func headless(t *testing.T, image string, memory int, more ...string) *emulated {
	t.Helper()
	return emulate(t, byWork, image, memory, more...)
}

// emulate switches a machine on whose time goes so.
func emulate(t *testing.T, pace []string, image string, memory int, more ...string) *emulated {
	t.Helper()
	dir, err := os.MkdirTemp("", "card") // the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-") + ".txt"
	log, err := os.Create(filepath.Join(os.Getenv("SMILETILL_CARD"), name))
	if err != nil {
		t.Fatal(err)
	}
	e := &emulated{t: t, more: make(chan struct{}), ended: make(chan struct{}), log: log}
	format := "raw"
	if filepath.Ext(image) == ".qcow2" {
		format = "qcow2"
	}
	e.cmd = exec.Command("qemu-system-aarch64", slices.Concat([]string{"-machine", "virt",
		// a Pi 5's, whose dot products make one look of many seconds one of a second in QEMU
		"-cpu", "cortex-a76", "-smp", "2",
		"-m", fmt.Sprint(memory), "-nodefaults", "-nic", "none",
		"-device", "virtio-rng-pci",
		"-display", "none", "-serial", "stdio",
		"-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", "-device", "qemu-xhci",
		"-device", "i6300esb", "-action", "watchdog=reset",
		"-drive", "if=none,id=card,node-name=disk,format=" + format + ",file=" + image,
		"-device", "virtio-blk-pci,drive=card,bootindex=0",
		"-qmp", "unix:" + dir + "/qmp,server=on,wait=off"}, pace, more)...)
	e.cmd.Stdout, e.cmd.Stderr = e, e
	// a test that ran out of time cleans nothing up
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = e.cmd.Wait(); close(e.ended) }()
	t.Cleanup(func() {
		_ = e.cmd.Process.Kill()
		<-e.ended
		_ = os.RemoveAll(dir)
		_ = log.Close()
	})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if e.qmp, err = net.Dial("unix", dir+"/qmp"); err == nil {
			break
		}
		select {
		case <-e.ended:
			t.Fatalf("QEMU did not start: %s", e.text)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("reach QEMU: %v", err)
		}
	}
	t.Cleanup(func() { _ = e.qmp.Close() })
	e.reply = bufio.NewReader(e.qmp)
	e.tell("qmp_capabilities", nil)
	return e
}

// tell has QEMU do something, and gives its answer.
func (e *emulated) tell(command string, arguments map[string]any) json.RawMessage {
	e.t.Helper()
	answer, err := e.ask(command, arguments)
	if err != nil {
		e.t.Fatalf("QEMU, %s: %v", command, err)
	}
	return answer
}

// ask is tell where QEMU may refuse.
func (e *emulated) ask(command string, arguments map[string]any) (json.RawMessage, error) {
	b, err := json.Marshal(map[string]any{"execute": command, "arguments": arguments})
	if arguments == nil {
		b, err = json.Marshal(map[string]any{"execute": command})
	}
	if err == nil {
		_, err = e.qmp.Write(b)
	}
	for err == nil {
		var line []byte
		if line, err = e.reply.ReadBytes('\n'); err != nil {
			break
		}
		var answer struct {
			Return *json.RawMessage
			Error  *struct{ Desc string }
		}
		switch err = json.Unmarshal(line, &answer); {
		case err != nil:
		case answer.Error != nil:
			err = errors.New(answer.Error.Desc)
		case answer.Return != nil:
			return *answer.Return, nil
		}
	}
	return nil, err
}

// until waits for a line of the serial console, after those that it has waited for before, and gives what its
// group holds.
func (e *emulated) until(pattern string, patience time.Duration) string {
	e.t.Helper()
	re := regexp.MustCompile(pattern)
	for timeout := time.After(patience); ; {
		e.mu.Lock()
		more, text := e.more, e.text[e.read:]
		if at := re.FindStringSubmatchIndex(text); at != nil {
			e.read += at[1]
			e.mu.Unlock()
			if len(at) > 2 && at[2] >= 0 {
				return text[at[2]:at[3]]
			}
			return text[at[0]:at[1]]
		}
		e.mu.Unlock()
		select {
		case <-more:
		case <-e.ended:
			e.t.Fatalf("the machine went off before %q:\n%s", pattern, last(text))
		case <-timeout:
			e.t.Fatalf("no %q within %v:\n%s", pattern, patience, last(text))
		}
	}
}

// cut takes the machine's power away.
func (e *emulated) cut() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}

// last is the end of a text, for a message.
func last(text string) string { return text[max(0, len(text)-6000):] }

// off presses the power button and waits until the machine is off.
func (e *emulated) off(patience time.Duration) {
	e.t.Helper()
	e.tell("system_powerdown", nil)
	select {
	case <-e.ended:
	case <-time.After(patience):
		e.t.Fatalf("the machine does not go off within %v:\n%s", patience, last(e.text))
	}
}
