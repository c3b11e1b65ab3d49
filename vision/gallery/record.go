package gallery

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// A record file is a header of magic, key id, model hash and CRC-32 (IEEE) of the three, then nonce,
// ciphertext and tag of AES-256-GCM. Additional data: the header and the customer's id, which is the
// file's name. The sealed part: name (length in one byte), Unix seconds of the enrolment (8), number of
// templates (1), dimension (2), the templates' float32, and of a customer with digits their mark (16); all
// little-endian.
const (
	recordMagic = "smtface\x01" // the last byte is the format's version
	// markedMagic is of a record with a mark: versions that know nothing of it say that they don't, and go on
	// reading the others.
	markedMagic = "smtface\x02"
	recordExt   = ".face"
	headerLen   = len(recordMagic) + keyIDLen + modelLen + 4
	modelLen    = 32
	recordMax   = headerLen + 12 + 1 + nameBytes + 8 + 1 + 2 + TemplatesMax*dimMax*4 + markLen + 16
)

type modelHash [modelLen]byte

// record is what a record file holds.
type record struct {
	customer  Customer
	model     modelHash
	templates []template
	digits    mark
	smile     Smile // in a file of its own; zero: none
}

// validID says whether id is one of ours: no path comes of it but a record's.
func validID(id string) bool {
	return regexp.MustCompile(`^c_[a-z2-7]{26}$`).MatchString(id)
}

func header(magic string, keyID [keyIDLen]byte, model modelHash) []byte {
	h := append([]byte(magic), keyID[:]...)
	h = append(h, model[:]...)
	return binary.LittleEndian.AppendUint32(h, crc32.ChecksumIEEE(h))
}

func (s sealer) seal(r record) []byte {
	b := append([]byte{byte(len(r.customer.Name))}, r.customer.Name...)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.customer.EnrolledAt.Unix()))
	b = append(b, byte(len(r.templates)))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.templates[0])))
	for _, t := range r.templates {
		for _, v := range t {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	magic := recordMagic
	if r.digits != (mark{}) {
		magic, b = markedMagic, append(b, r.digits[:]...)
	}
	h := header(magic, s.keyID, r.model)
	return s.aead.Seal(h, nil, b, additional(h, r.customer.ID))
}

func additional(header []byte, id string) []byte {
	return append(append([]byte(nil), header...), id...)
}

// recordFormat tells whether a header is a record's, of whatever format.
func recordFormat(header []byte) bool {
	return strings.HasPrefix(string(header), recordMagic[:len(recordMagic)-1])
}

// open reads the record of customer id, of whatever model.
func (s sealer) open(id string, data []byte) (record, error) {
	if len(data) < headerLen || len(data) > recordMax {
		return record{}, fmt.Errorf("%w: it is %d bytes long", ErrDamaged, len(data))
	}
	h, sealed := data[:headerLen], data[headerLen:]
	if !recordFormat(h) {
		return record{}, fmt.Errorf("%w: it isn't a gallery's record", ErrDamaged)
	}
	end := headerLen - 4
	if crc32.ChecksumIEEE(h[:end]) != binary.LittleEndian.Uint32(h[end:]) {
		return record{}, fmt.Errorf("%w: its header was changed", ErrDamaged)
	}
	magic := string(h[:len(recordMagic)])
	if v := h[len(recordMagic)-1]; magic != recordMagic && magic != markedMagic {
		return record{}, fmt.Errorf("%w: its format %d is unknown to this version", ErrDamaged, v)
	}
	rest := h[len(recordMagic):]
	if [keyIDLen]byte(rest) != s.keyID {
		return record{}, ErrOtherKey
	}
	plain, err := s.aead.Open(nil, nil, sealed, additional(h, id))
	if err != nil {
		return record{}, fmt.Errorf("%w: it was changed, cut or renamed", ErrDamaged)
	}
	var digits mark
	marked := magic == markedMagic && len(plain) > markLen
	if marked {
		digits = mark(plain[len(plain)-markLen:])
		plain = plain[:len(plain)-markLen]
	}
	r, ok := parsePlain(plain)
	if !ok || marked != (magic == markedMagic) {
		return record{}, fmt.Errorf("%w: its content makes no sense", ErrDamaged)
	}
	r.model = modelHash(rest[keyIDLen:])
	r.customer.ID, r.digits = id, digits
	return r, nil
}

// parsePlain trusts no length, though only a holder of the key can have written one.
func parsePlain(b []byte) (record, bool) {
	if len(b) < 1 || len(b) < 1+int(b[0])+8+1+2 {
		return record{}, false
	}
	n := int(b[0])
	name, b := string(b[1:1+n]), b[1+n:]
	at := time.Unix(int64(binary.LittleEndian.Uint64(b)), 0).UTC()
	count, dim, b := int(b[8]), int(binary.LittleEndian.Uint16(b[9:])), b[11:]
	if name == "" || !utf8.ValidString(name) || len(b) != count*dim*4 {
		return record{}, false
	}
	templates := make([]template, count)
	for i := range templates {
		templates[i] = make(template, dim)
		for j := range templates[i] {
			templates[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*(i*dim+j):]))
		}
	}
	r := record{customer: Customer{Name: name, EnrolledAt: at, Templates: count}, templates: templates}
	return r, checkTemplates(templates) == nil
}
