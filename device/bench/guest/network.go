//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// What QEMU's user network gives to its first guest. There is no route: only the host is reachable.
const (
	ownAddress = "10.0.2.15"
	netmask    = "255.255.255.0"
)

// network brings up the loopback and the virtual network card.
func network() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("bring the network up: %w", err)
	}
	defer unix.Close(s)
	if err := up(s, "lo"); err != nil {
		return err
	}
	card, err := findCard(5 * time.Second)
	if err != nil {
		return err
	}
	for _, set := range []struct {
		request uint
		address string
	}{{unix.SIOCSIFADDR, ownAddress}, {unix.SIOCSIFNETMASK, netmask}} { // a mask needs an address
		q, err := unix.NewIfreq(card)
		if err != nil {
			return fmt.Errorf("bring %s up: %w", card, err)
		}
		if err := q.SetInet4Addr(net.ParseIP(set.address).To4()); err != nil {
			return fmt.Errorf("bring %s up: %w", card, err)
		}
		if err := unix.IoctlIfreq(s, set.request, q); err != nil {
			return fmt.Errorf("give %s %s: %w", card, set.address, err)
		}
	}
	return up(s, card)
}

func up(socket int, name string) error {
	q, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	q.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, q); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// findCard waits for the one network card of the machine: its driver looks for it after it was loaded.
func findCard(timeout time.Duration) (string, error) {
	for end := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		cards, err := filepath.Glob("/sys/class/net/e*")
		if err != nil {
			return "", err
		}
		if len(cards) > 0 {
			return filepath.Base(cards[0]), nil
		}
		if time.Now().After(end) {
			entries, _ := os.ReadDir("/sys/class/net")
			return "", fmt.Errorf("find the network card: not within %v; there are %v", timeout, entries)
		}
	}
}
