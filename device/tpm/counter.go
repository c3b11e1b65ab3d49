package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// counterAt is the index of the counter: of those that are the owner's to give, one that no list names.
const counterAt tpm2.TPMHandle = 0x0180_5111

// counterLike is the counter, which has no password and goes with a clearing.
func counterLike() tpm2.TPMSNVPublic {
	return tpm2.TPMSNVPublic{NVIndex: counterAt, NameAlg: tpm2.TPMAlgSHA256, DataSize: 8,
		Attributes: tpm2.TPMANV{NT: tpm2.TPMNTCounter, AuthRead: true, AuthWrite: true, OwnerRead: true,
			NoDA: true}}
}

// Counter reads the counter. there is false where it was never counted, or the TPM was cleared since.
// It waits no longer than ctx.
func (t *TPM) Counter(ctx context.Context) (n uint64, there bool, err error) {
	err = t.do(ctx, func(p transport.TPM) error {
		index, at, err := look(p)
		if err != nil || at != counted {
			return err
		}
		there = true
		n, err = read(p, index)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("read the TPM's counter: %w", err)
	}
	return n, there, nil
}

// Next counts one more, and gives what the counter is then: of one that was not there a number above any
// that a counter of this TPM ever had. A TPM keeps some 100,000 changes or more, so who counts does so by
// the hour. Where ctx has ended it does not begin; what the TPM is at is waited for.
func (t *TPM) Next(ctx context.Context) (n uint64, err error) {
	err = t.do(ctx, func(p transport.TPM) error {
		index, at, err := look(p)
		if err == nil && at == missing {
			if _, err = (tpm2.NVDefineSpace{AuthHandle: tpm2.TPMRHOwner,
				PublicInfo: tpm2.New2B(counterLike())}).Execute(p); err == nil {
				index, _, err = look(p)
			}
		}
		if err != nil {
			return err
		}
		_, err = tpm2.NVIncrement{AuthHandle: tpm2.AuthHandle{Handle: counterAt, Name: index.Name,
			Auth: tpm2.PasswordAuth(nil)}, NVIndex: index}.Execute(p)
		if err != nil {
			return err
		}
		if index, _, err = look(p); err == nil { // another name: it has been written
			n, err = read(p, index)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count on in the TPM: %w", err)
	}
	return n, nil
}

// state is how far the counter is.
type state int

const (
	missing state = iota
	defined       // and never counted: the power went in between
	counted
)

// look finds the counter, and its name of now.
func look(p transport.TPM) (tpm2.NamedHandle, state, error) {
	found, err := tpm2.NVReadPublic{NVIndex: counterAt}.Execute(p)
	if errors.Is(err, tpm2.TPMRCHandle) {
		return tpm2.NamedHandle{}, missing, nil
	}
	if err != nil {
		return tpm2.NamedHandle{}, missing, err
	}
	public, err := found.NVPublic.Contents()
	if err != nil {
		return tpm2.NamedHandle{}, missing, err
	}
	index := tpm2.NamedHandle{Handle: counterAt, Name: found.NVName}
	like := counterLike().Attributes
	is := public.Attributes
	if is.NT != like.NT || is.AuthRead != like.AuthRead || is.AuthWrite != like.AuthWrite ||
		public.DataSize != 8 {
		return index, missing, &hinted{fmt.Errorf("%w: index %#x is something else's", ErrTaken,
			uint32(counterAt)), fmt.Sprintf("find out whose it is (`tpm2_nvreadpublic %#x`), and take it away if it "+
			"is nobody's: `tpm2_nvundefine %#[1]x`", uint32(counterAt))}
	}
	if !is.Written {
		return index, defined, nil
	}
	return index, counted, nil
}

func read(p transport.TPM, index tpm2.NamedHandle) (uint64, error) {
	out, err := tpm2.NVRead{AuthHandle: tpm2.AuthHandle{Handle: counterAt, Name: index.Name,
		Auth: tpm2.PasswordAuth(nil)}, NVIndex: index, Size: 8}.Execute(p)
	if err != nil {
		return 0, err
	}
	if len(out.Data.Buffer) != 8 {
		return 0, fmt.Errorf("it has %d bytes", len(out.Data.Buffer))
	}
	return binary.BigEndian.Uint64(out.Data.Buffer), nil
}
