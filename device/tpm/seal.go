package tpm

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// magic begins what is sealed; form in JSON and a line's end follow.
const magic = "smiletill-sealed-1 "

// form is a sealed secret. None of it is secret.
type form struct {
	Machine string `json:"machine"` // names the TPM, whether it is cleared or not; "" where it would not say
	Parent  string `json:"parent"`  // names the key that it makes of the owner's seed, another after a clearing
	Public  []byte `json:"public"`  // the fresh key, as the TPM gives it
	Private []byte `json:"private"`
	Data    []byte `json:"data"` // the secret under the fresh key, behind its nonce
}

// Sealed tells whether data is what Seal gave.
func Sealed(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// Seal gives a secret of any length so that this TPM alone opens it, by Unseal for the same purpose. What it
// gives is text of one line.
func (t *TPM) Seal(purpose string, secret []byte) (sealed []byte, err error) {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // it never fails (crypto/rand)
	defer clear(key)
	var f form
	err = t.do(context.Background(), func(p transport.TPM) error {
		if ek, err := primary(p, tpm2.TPMRHEndorsement, tpm2.ECCEKTemplate); err == nil {
			f.Machine = ek.id()
			if err := ek.flush(p); err != nil {
				return err
			}
		}
		return underParent(p, func(srk parent) error {
			f.Parent = srk.id()
			made, err := tpm2.Create{
				ParentHandle: tpm2.AuthHandle{Handle: srk.handle, Name: srk.name,
					Auth: srk.session(tpm2.AESEncryption(128, tpm2.EncryptIn))},
				InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
					Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: key})}},
				InPublic: tpm2.New2B(template()),
			}.Execute(p)
			if err == nil {
				f.Public, f.Private = made.OutPublic.Bytes(), made.OutPrivate.Buffer
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("seal to the TPM: %w", err)
	}
	box, err := boxOf(key)
	if err != nil {
		return nil, fmt.Errorf("seal to the TPM: %w", err)
	}
	f.Data = box.Seal(nil, nil, secret, []byte(purpose))
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("seal to the TPM: %w", err)
	}
	return append(append([]byte(magic), text...), '\n'), nil
}

// Unseal opens what Seal gave. Besides what any call may give, errors are ErrOther, ErrCleared and
// ErrDamaged, the last one also where it was sealed for another purpose.
func (t *TPM) Unseal(purpose string, sealed []byte) (secret []byte, err error) {
	var f form
	text, ok := bytes.CutPrefix(sealed, []byte(magic))
	if !ok || json.Unmarshal(text, &f) != nil {
		return nil, damaged(errors.New("it can't be read"))
	}
	var key []byte
	err = t.do(context.Background(), func(p transport.TPM) error {
		return underParent(p, func(srk parent) error {
			if f.Parent != srk.id() {
				return foreign(p, f)
			}
			key, err = srk.unseal(p, f)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("open what is sealed to the TPM: %w", err)
	}
	defer clear(key)
	box, err := boxOf(key)
	if err != nil {
		return nil, fmt.Errorf("open what is sealed to the TPM: %w", err)
	}
	if secret, err = box.Open(nil, nil, f.Data, []byte(purpose)); err != nil {
		return nil, damaged(err)
	}
	return secret, nil
}

// template is what a sealed key may: be opened without a password, by this TPM and under this parent.
func template() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true, NoDA: true}}
}

func boxOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// lost is what to do when sealed keys are gone for good.
const lost = "restore a backup (`smiletill restore`): it is sealed anew to this machine. Without one, " +
	"customers have to be enrolled again and the cloud has to learn a new key: systemd/README.md says how, " +
	"under TPM"

// foreign says why a secret is not this TPM's.
func foreign(p transport.TPM, f form) error {
	ek, err := primary(p, tpm2.TPMRHEndorsement, tpm2.ECCEKTemplate)
	if err != nil || f.Machine == "" {
		return &hinted{fmt.Errorf("%w, or the TPM was cleared", ErrOther), lost}
	}
	if err := ek.flush(p); err != nil {
		return err
	}
	if f.Machine == ek.id() {
		return &hinted{ErrCleared, lost}
	}
	return &hinted{ErrOther, "put the disk back into the machine that it is from. If that is broken, " + lost}
}

func damaged(err error) error {
	return &hinted{fmt.Errorf("%w: %w", ErrDamaged, err), "put the file back from a copy. Without one, " + lost}
}

// parent is a key that a TPM makes of a seed, always the same one, until it is flushed.
type parent struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public tpm2.TPMTPublic
}

// primary has the TPM make a key of a hierarchy's seed.
func primary(p transport.TPM, of tpm2.TPMHandle, like tpm2.TPMTPublic) (parent, error) {
	made, err := tpm2.CreatePrimary{PrimaryHandle: of, InPublic: tpm2.New2B(like)}.Execute(p)
	if err != nil {
		return parent{}, err
	}
	k := parent{handle: made.ObjectHandle, name: made.Name}
	public, err := made.OutPublic.Contents()
	if err != nil {
		return k, errors.Join(err, k.flush(p))
	}
	k.public = *public
	return k, nil
}

// underParent does something with the parent of all that is sealed, and flushes it.
func underParent(p transport.TPM, use func(parent) error) error {
	srk, err := primary(p, tpm2.TPMRHOwner, tpm2.ECCSRKTemplate)
	if err != nil {
		return err
	}
	return errors.Join(use(srk), srk.flush(p))
}

// id names the key: 16 hexadecimal digits.
func (k parent) id() string {
	sum := sha256.Sum256(k.name.Buffer)
	return hex.EncodeToString(sum[:8])
}

func (k parent) flush(p transport.TPM) error {
	_, err := tpm2.FlushContext{FlushHandle: k.handle}.Execute(p)
	return err
}

// session has what goes to the TPM, or comes from it, encrypted with what only it can find out.
func (k parent) session(encrypted tpm2.AuthOption) tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Salted(k.handle, k.public), encrypted)
}

func (k parent) unseal(p transport.TPM, f form) (key []byte, err error) {
	loaded, err := tpm2.Load{
		ParentHandle: tpm2.AuthHandle{Handle: k.handle, Name: k.name, Auth: tpm2.PasswordAuth(nil)},
		InPrivate:    tpm2.TPM2BPrivate{Buffer: f.Private},
		InPublic:     tpm2.BytesAs2B[tpm2.TPMTPublic](f.Public),
	}.Execute(p)
	if rc := code(err); err != nil && (rc == 0 || later(rc)) {
		return nil, err
	}
	if err != nil {
		return nil, damaged(err)
	}
	out, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name,
		Auth: k.session(tpm2.AESEncryption(128, tpm2.EncryptOut))}}.Execute(p)
	if err == nil {
		key = out.OutData.Buffer
	}
	_, flushed := tpm2.FlushContext{FlushHandle: loaded.ObjectHandle}.Execute(p)
	return key, errors.Join(err, flushed)
}
