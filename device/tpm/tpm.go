package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
)

// Device is the TPM of this machine, as the kernel shares it among programs.
const Device = "/dev/tpmrm0"

// Patience is how long a TPM is asked again that is busy: another program's key of RSA takes some a minute.
const Patience = 20 * time.Second

// TPM is a TPM by its place. Nothing is open but during a call; methods may be called from any goroutine.
type TPM struct {
	path string
	open func() (transport.TPMCloser, error)
}

// At names a TPM: a device such as Device, or the socket of an emulated one. Nothing is asked yet.
func At(path string) *TPM {
	return &TPM{path: path, open: func() (transport.TPMCloser, error) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode()&os.ModeSocket != 0 {
			c, err := net.Dial("unix", path) // which is one program's at a time
			if err != nil {
				return nil, err
			}
			return transport.FromReadWriteCloser(c), nil
		}
		return linuxtpm.Open(path)
	}}
}

// Path is where it is.
func (t *TPM) Path() string { return t.path }

// Check tells whether the TPM is there and answers: ErrNone, ErrRights, ErrBusy, or another error.
func (t *TPM) Check() error {
	return t.do(context.Background(), func(p transport.TPM) error {
		_, err := tpm2.GetCapability{Capability: tpm2.TPMCapTPMProperties,
			Property: uint32(tpm2.TPMPTManufacturer), PropertyCount: 1}.Execute(p)
		return err
	})
}

// Machine names the TPM by 16 hexadecimal digits, the same whether it is cleared or not.
func (t *TPM) Machine() (id string, err error) {
	err = t.do(context.Background(), func(p transport.TPM) error {
		ek, err := primary(p, tpm2.TPMRHEndorsement, tpm2.ECCEKTemplate)
		if err != nil {
			return err
		}
		id = ek.id()
		return ek.flush(p)
	})
	if err != nil {
		return "", fmt.Errorf("ask which TPM it is: %w", err)
	}
	return id, nil
}

// do opens the TPM for some commands. Once ctx has ended none is begun.
func (t *TPM) do(ctx context.Context, commands func(transport.TPM) error) error {
	var p transport.TPMCloser
	err := again(ctx, func() (busy bool, err error) {
		p, err = t.open()
		return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EAGAIN), err
	})
	if err == nil {
		err = errors.Join(commands(patient{p, ctx}), p.Close())
	}
	return said(t.path, err)
}

// The pauses before a busy TPM is asked again: the first is what it takes for a small command.
const firstPause, longestPause = 20 * time.Millisecond, time.Second

// again tries until it is not busy, or Patience or ctx is at its end.
func again(ctx context.Context, try func() (busy bool, err error)) error {
	pause := firstPause
	for waited := time.Duration(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		busy, err := try()
		if !busy || waited >= Patience {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		waited += pause
		pause = min(2*pause, longestPause)
	}
}

// patient asks again what a TPM can't do now.
type patient struct {
	transport.TPM
	ctx context.Context //nolint:containedctx // of the commands of one call
}

func (p patient) Send(command []byte) (answer []byte, err error) {
	err = again(p.ctx, func() (busy bool, err error) {
		answer, err = p.TPM.Send(command)
		const codeAt = 6 // behind the tag and the length
		return err == nil && len(answer) >= codeAt+4 &&
			later(tpm2.TPMRC(binary.BigEndian.Uint32(answer[codeAt:]))), err
	})
	return answer, err
}
