package tpm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/google/go-tpm/tpm2"
)

// What can go wrong, for errors.Is. The errors themselves say more, and their method Hint what to do.
var (
	ErrNone      = errors.New("there is no TPM")
	ErrRights    = errors.New("this user may not use the TPM")
	ErrBusy      = errors.New("the TPM is busy")
	ErrLockedOut = errors.New("the TPM is locked out")
	ErrOwned     = errors.New("the TPM's owner has a password")
	ErrCleared   = errors.New("the TPM was cleared since")
	ErrOther     = errors.New("it is sealed to another machine's TPM")
	ErrDamaged   = errors.New("the sealed secret is damaged")
	ErrTaken     = errors.New("the counter's place in the TPM is taken")
)

// hinted is an error that an operator meets: it carries what to do next.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// Hint says what to do next.
func (e *hinted) Hint() string { return e.hint }

// said is an error of the system or the TPM in words, with what to do.
func said(path string, err error) error {
	as := func(kind error, hint string) error {
		return &hinted{fmt.Errorf("%w (%s): %w", kind, path, err), hint}
	}
	none := func(hint string) error {
		// The cause is not wrapped: what is sealed is there, and nobody must take it for a file that is not.
		return &hinted{fmt.Errorf("%w (%s): %s", ErrNone, path, err), hint}
	}
	var known *hinted
	switch {
	case err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO),
		errors.Is(err, syscall.ECONNREFUSED):
		return none("switch the TPM on in the machine's firmware (\"Security Device\", \"fTPM\", \"PTT\"), " +
			"or plug it in again, and start the machine anew")
	case errors.Is(err, fs.ErrPermission):
		return as(ErrRights, "the device has to be of group tss, and the terminal's user in it: "+
			"`sudo usermod -aG tss smiletill`, then start the terminal again; run commands with sudo")
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EAGAIN), later(code(err)):
		return as(ErrBusy, "another program uses it: wait a minute; /dev/tpmrm0 can be shared, /dev/tpm0 can't")
	case errors.Is(err, tpm2.TPMRCLockout):
		return as(ErrLockedOut, "somebody tried wrong passwords of other keys in it; wait for what the machine's "+
			"maker says (often a day), or `tpm2_dictionarylockout --clear-lockout`")
	case errors.Is(err, tpm2.TPMRCBadAuth), errors.Is(err, tpm2.TPMRCAuthFail),
		errors.Is(err, tpm2.TPMRCAuthUnavailable):
		return as(ErrOwned, "take the owner's password away (`tpm2_changeauth -c owner -p PASSWORD`), "+
			"which leaves what is sealed as it is")
	}
	return &hinted{fmt.Errorf("the TPM (%s) does not do what it should: %w", path, err),
		"start the machine anew; if it stays so, look at `dmesg | grep -i tpm`"}
}

// code is what a TPM answered, 0 for another error.
func code(err error) tpm2.TPMRC {
	var rc tpm2.TPMRC
	if errors.As(err, &rc) {
		return rc
	}
	return 0
}

// later tells whether a TPM's answer is that it can't now: it is asked again.
func later(rc tpm2.TPMRC) bool {
	switch rc {
	case tpm2.TPMRCRetry, tpm2.TPMRCYielded, tpm2.TPMRCTesting, tpm2.TPMRCCanceled, tpm2.TPMRCNVRate,
		tpm2.TPMRCNVUnavailable, tpm2.TPMRCObjectMemory, tpm2.TPMRCSessionMemory, tpm2.TPMRCMemory:
		return true
	default:
		return false
	}
}
