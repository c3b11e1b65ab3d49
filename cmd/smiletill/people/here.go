package people

import (
	"context"
	"os"
	"os/user"
	"strconv"
	"strings"

	"smiletill/payment"
)

// loginFile is the kernel's word on who has logged in: it stays over sudo and su, and only root may change
// it.
const loginFile = "/proc/self/loginuid"

// noLogin is what the kernel says of who has not: a unit, or a machine that keeps no such word.
const noLogin = "4294967295"

// Here is who runs a command that works on the terminal's files, which only its owner can: root, or the user
// that runs it. Of root, and of that user, it is the person who has logged in, as far as the kernel knows
// one; else of root the one whom sudo names. Of anybody else no variable of the environment is believed.
func Here() payment.Who {
	login, err := os.ReadFile(loginFile)
	if err != nil {
		login = nil
	}
	return here(os.Getuid(), strings.TrimSpace(string(login)), os.Getenv("SUDO_UID"))
}

func here(uid int, login, sudo string) payment.Who {
	w := payment.Who{Role: string(Owner), Door: command, Name: userName(uint32(uid))}
	for _, id := range []string{login, sudo} {
		if id == noLogin || id == sudo && id != login && uid != 0 {
			continue
		}
		if _, err := strconv.ParseUint(id, 10, 32); err != nil {
			continue
		}
		if u, err := user.LookupId(id); err == nil {
			w.Name = u.Username
			break
		}
	}
	return w
}

// OrHere is who does a request, or else who runs this process.
func OrHere(ctx context.Context) payment.Who {
	if w := From(ctx); w != (payment.Who{}) {
		return w
	}
	return Here()
}
