package pdf

import (
	"bytes"
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
)

// method is how a class of bytes is encrypted.
type method int

const (
	methodNone method = iota
	methodRC4
	methodAES128
	methodAES256
)

// cipher is the standard security handler, opened with the empty password.
type cipher struct {
	key                     []byte
	strings, streams, files method
}

var passwordPadding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

// unlock prepares decryption where the trailer asks for it. A password that is
// not empty is ErrEncrypted.
func (d *document) unlock() error {
	if d.cipher != nil || d.trailer["Encrypt"] == nil {
		return nil
	}
	entries := d.dictAt(d.trailer["Encrypt"])
	if entries == nil {
		return nil
	}
	if filter := d.resolve(entries["Filter"]); filter != name("Standard") {
		return fmt.Errorf("%w: its security handler is not the standard one", ErrEncrypted)
	}
	version, revision := d.param(entries, "V", 0), d.param(entries, "R", 0)
	c := &cipher{}
	if err := d.methods(c, entries, version); err != nil {
		return err
	}
	var ok bool
	if revision >= 5 {
		ok = d.key256(c, entries, revision)
	} else {
		ok = d.keyMD5(c, entries, version, revision)
	}
	if !ok {
		return fmt.Errorf("%w; save it without one", ErrEncrypted)
	}
	d.cipher = c
	keep := d.trailer["Encrypt"]
	d.cache, d.unpacked, d.numbers = map[int]object{}, map[int][]object{}, map[int][]int{}
	if at, isRef := keep.(ref); isRef {
		d.cache[at.num] = entries // the handler's own strings are not encrypted
	}
	return nil
}

func (d *document) methods(c *cipher, entries dict, version int) error {
	switch version {
	case 1, 2, 3:
		c.strings, c.streams, c.files = methodRC4, methodRC4, methodRC4
		return nil
	case 4, 5:
	default:
		return fmt.Errorf("%w of an unknown kind (V %d)", ErrEncrypted, version)
	}
	filters := d.dictAt(entries["CF"])
	pick := func(key name, otherwise method) method {
		label, isName := d.resolve(entries[key]).(name)
		if !isName {
			return otherwise
		}
		if label == "Identity" {
			return methodNone
		}
		switch d.resolve(d.dictAt(filters[label])["CFM"]) {
		case name("V2"):
			return methodRC4
		case name("AESV2"):
			return methodAES128
		case name("AESV3"):
			return methodAES256
		}
		return methodNone
	}
	c.strings, c.streams = pick("StrF", methodNone), pick("StmF", methodNone)
	c.files = pick("EFF", c.streams)
	return nil
}

func (d *document) text(entries dict, key name) []byte {
	value, _ := d.resolve(entries[key]).(str)
	return value
}

// keyMD5 is algorithm 2 of ISO 32000-1 with the check of algorithms 4 and 5.
func (d *document) keyMD5(c *cipher, entries dict, version, revision int) bool {
	owner, user := d.text(entries, "O"), d.text(entries, "U")
	if len(owner) < 32 || len(user) < 16 {
		return false
	}
	var id []byte
	if ids, ok := d.resolve(d.trailer["ID"]).(array); ok && len(ids) > 0 {
		first, _ := d.resolve(ids[0]).(str)
		id = first
	}
	permissions, _ := d.resolve(entries["P"]).(int64)
	hash := md5.New()
	hash.Write(passwordPadding)
	hash.Write(owner[:32])
	hash.Write(binary.LittleEndian.AppendUint32(nil, uint32(permissions)))
	hash.Write(id)
	if open, isBool := d.resolve(entries["EncryptMetadata"]).(bool); isBool && !open && revision >= 4 {
		hash.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	}
	length := 5
	if version > 1 {
		length = d.param(entries, "Length", 40) / 8
		if version == 4 {
			length = 16
		}
	}
	if length < 5 || length > 16 {
		return false
	}
	key := hash.Sum(nil)
	if revision >= 3 {
		for range 50 {
			sum := md5.Sum(key[:length])
			key = sum[:]
		}
	}
	c.key = key[:length]
	return bytes.HasPrefix(user, userCheck(c.key, id, revision))
}

// userCheck is what U begins with when the key is right.
func userCheck(key, id []byte, revision int) []byte {
	if revision < 3 {
		return rc4Of(key, passwordPadding)
	}
	sum := md5.Sum(append(bytes.Clone(passwordPadding), id...))
	check := sum[:]
	for i := range 20 {
		turned := bytes.Clone(key)
		for j := range turned {
			turned[j] ^= byte(i)
		}
		check = rc4Of(turned, check)
	}
	return check
}

func rc4Of(key, data []byte) []byte {
	box, err := rc4.NewCipher(key)
	if err != nil {
		return nil
	}
	out := make([]byte, len(data))
	box.XORKeyStream(out, data)
	return out
}

// key256 is algorithm 2.A of ISO 32000-2 for the empty user password.
func (d *document) key256(c *cipher, entries dict, revision int) bool {
	user, wrapped := d.text(entries, "U"), d.text(entries, "UE")
	if len(user) < 48 || len(wrapped) < 32 {
		return false
	}
	if !bytes.Equal(hash256(user[32:40], revision), user[:32]) {
		return false
	}
	block, err := aes.NewCipher(hash256(user[40:48], revision))
	if err != nil {
		return false
	}
	c.key = make([]byte, 32)
	stdcipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(c.key, wrapped[:32])
	return true
}

// hash256 is algorithm 2.B with an empty password; revision 5 stops after the
// first hash.
func hash256(salt []byte, revision int) []byte {
	first := sha256.Sum256(salt)
	key := first[:]
	if revision < 6 {
		return key
	}
	for round := 0; ; round++ {
		repeated := bytes.Repeat(key, 64)
		block, err := aes.NewCipher(key[:16])
		if err != nil {
			return nil
		}
		stdcipher.NewCBCEncrypter(block, key[16:32]).CryptBlocks(repeated, repeated)
		sum := 0
		for _, b := range repeated[:16] {
			sum += int(b)
		}
		switch sum % 3 {
		case 0:
			next := sha256.Sum256(repeated)
			key = next[:]
		case 1:
			next := sha512.Sum384(repeated)
			key = next[:]
		default:
			next := sha512.Sum512(repeated)
			key = next[:]
		}
		if round >= 63 && int(repeated[len(repeated)-1]) <= round-32 {
			return key[:32]
		}
	}
}

// decrypted answers an object of the file's body with its strings and its
// stream in the clear.
func (d *document) decrypted(o object, num int) object {
	if d.cipher == nil {
		return o
	}
	if packed, isStream := o.(*stream); isStream {
		return d.decryptedStream(packed)
	}
	return d.decryptedStrings(o, ref{num, d.generation(d.places[num].offset)}, 0)
}

func (d *document) decryptedStream(s *stream) object {
	kind := d.cipher.streams
	switch d.resolve(s.dict["Type"]) {
	case name("XRef"):
		return s
	case name("EmbeddedFile"):
		kind = d.cipher.files
	}
	if filters, _ := d.filters(s.dict); len(filters) > 0 && filters[0] == "Crypt" {
		kind = methodNone // the only crypt filter seen on single streams is Identity
	}
	entries, _ := d.decryptedStrings(s.dict, s.id, 0).(dict)
	return &stream{dict: entries, raw: d.cipher.open(kind, s.id, s.raw), id: s.id}
}

func (d *document) decryptedStrings(o object, id ref, depth int) object {
	if depth > maxNesting {
		return nil
	}
	switch o := o.(type) {
	case str:
		return str(d.cipher.open(d.cipher.strings, id, o))
	case *stream:
		entries, _ := d.decryptedStrings(o.dict, id, depth+1).(dict)
		return &stream{dict: entries, raw: d.cipher.open(d.cipher.files, id, o.raw), id: id}
	case array:
		out := make(array, len(o))
		for i, item := range o {
			out[i] = d.decryptedStrings(item, id, depth+1)
		}
		return out
	case dict:
		out := make(dict, len(o))
		for key, value := range o {
			out[key] = d.decryptedStrings(value, id, depth+1)
		}
		return out
	}
	return o
}

// open decrypts bytes of one object; what cannot be decrypted stays as it is.
func (c *cipher) open(kind method, id ref, data []byte) []byte {
	switch kind {
	case methodRC4:
		return rc4Of(c.objectKey(id, false), data)
	case methodAES128:
		return unAES(c.objectKey(id, true), data)
	case methodAES256:
		return unAES(c.key, data)
	}
	return data
}

func (c *cipher) objectKey(id ref, salted bool) []byte {
	hash := md5.New()
	hash.Write(c.key)
	hash.Write([]byte{byte(id.num), byte(id.num >> 8), byte(id.num >> 16), byte(id.gen), byte(id.gen >> 8)})
	if salted {
		hash.Write([]byte("sAlT"))
	}
	return hash.Sum(nil)[:min(len(c.key)+5, 16)]
}

func unAES(key, data []byte) []byte {
	if len(data) < 32 {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	body := data[16 : len(data)-len(data)%16]
	out := make([]byte, len(body))
	stdcipher.NewCBCDecrypter(block, data[:16]).CryptBlocks(out, body)
	if padding := int(out[len(out)-1]); padding >= 1 && padding <= 16 {
		out = out[:len(out)-padding]
	}
	return out
}
