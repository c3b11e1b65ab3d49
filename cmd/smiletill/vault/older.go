package vault

import (
	"context"

	"smiletill/cmd/smiletill/witness"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/report/signature"
)

// forWitness is what the terminal's key is derived for, to prove what is kept of the TPM's counter.
const forWitness = "smiletill witness"

// Older has the witness count by the TPM too, where there is one, and gives what that tells. restored is
// that the data came out of a backup, of which somebody else is asked; own is the key that the reports are
// signed with. So it finds PINs that were put in the place of sealed ones: whoever can write the disk could
// set one. It has no findings, and says nothing, where the TPM can't be used and nobody has named it.
func (v *Vault) Older(
	ctx context.Context, w *witness.Witness, j *journal.Journal, s *pin.Store, own *signature.Key,
	restored bool,
) ([]witness.Finding, error) {
	use, err := v.seals()
	if !use {
		return nil, v.unlessNamed(err)
	}
	last, err := j.Last(ctx)
	if err != nil {
		return nil, err
	}
	w.CountBy(v.tpm, own.Derive(forWitness))
	found, err := w.Generation(restored || last == 0)
	if err != nil {
		return nil, err
	}
	sealed, err := s.Sealed(ctx)
	if err != nil {
		return nil, err
	}
	if _, were := w.Mark(witness.Sealed); were && !sealed && !restored {
		found = append(found, witness.Finding{Store: witness.PINs, What: "the PINs were sealed to this machine's " +
			"TPM, and those that are here are not"})
	}
	if m, ok := w.Mark(witness.Journal); ok { // it may know of more than the witness' own copies
		err = j.Written(ctx, m.ID, m.Hash, m.Count)
	}
	return found, err
}
