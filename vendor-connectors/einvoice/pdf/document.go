package pdf

import (
	"bytes"
	"fmt"
)

// Limits bound what one PDF may cost. The zero value of a field means its
// default.
type Limits struct {
	File    int // one embedded file, unpacked: 32 MB
	Total   int // everything that is unpacked on the way: 256 MB
	Objects int // objects of the file: 1 million
	Files   int // embedded files: 500
	Ratio   int // unpacked to packed bytes, beyond the first megabyte: 200
}

func (l Limits) filled() Limits {
	standard := []int{32 << 20, 256 << 20, 1_000_000, 500, 200}
	for i, field := range []*int{&l.File, &l.Total, &l.Objects, &l.Files, &l.Ratio} {
		if *field <= 0 {
			*field = standard[i]
		}
	}
	return l
}

// place is where an object is: at an offset, or inside an object stream.
type place struct {
	offset    int // -1: deleted
	container int // number of the object stream; 0 for none
	index     int
}

// document is an opened PDF.
type document struct {
	data     []byte
	limits   Limits
	start    int // of the header; offsets may count from there
	places   map[int]place
	cache    map[int]object
	unpacked map[int][]object // object streams by number
	numbers  map[int][]int    // the object numbers inside them
	busy     map[int]bool     // being resolved now: a cycle otherwise
	trailer  dict
	cipher   *cipher
	used     int // bytes unpacked so far
	work     int // bytes looked at while reading objects
	hybrid   bool
	scanned  bool
}

// maxBusy bounds how many objects wait for one another.
const maxBusy = 100

// tired says whether so much was read that the file must be made to keep us
// busy: every byte is looked at a few times in an honest one.
func (d *document) tired(bytes int) bool {
	d.work += bytes
	return d.work > 64<<20+4*len(d.data)
}

// open reads the cross-reference. Where that is broken or leads nowhere, the
// whole file is scanned for objects.
func open(data []byte, limits Limits) (*document, error) {
	start := bytes.Index(data[:min(len(data), 1024)], []byte("%PDF-"))
	if start < 0 {
		return nil, ErrNotPDF
	}
	d := &document{data: data, limits: limits.filled(), start: start}
	d.reset()
	if err := d.readChain(); err != nil || !d.sound() {
		if err := d.scan(); err != nil {
			return nil, err
		}
	}
	return d, d.unlock()
}

func (d *document) reset() {
	d.places, d.cache, d.busy = map[int]place{}, map[int]object{}, map[int]bool{}
	d.unpacked, d.numbers = map[int][]object{}, map[int][]int{}
	d.trailer, d.cipher = dict{}, nil
}

// sound says whether the trailer leads to a catalog. In an encrypted file the
// catalog may be out of reach until unlock; then its place is enough.
func (d *document) sound() bool {
	root, isRef := d.trailer["Root"].(ref)
	if !isRef {
		return false
	}
	at, known := d.places[root.num]
	if d.trailer["Encrypt"] != nil {
		return known && (at.container > 0 || d.headerAt(at.offset, root.num) >= 0)
	}
	return asDict(d.resolve(root)) != nil
}

// resolve follows references to the object itself; nil for what is missing.
func (d *document) resolve(o object) object {
	for range 32 {
		r, isRef := o.(ref)
		if !isRef {
			return o
		}
		o = d.load(r.num)
	}
	return nil
}

func (d *document) dictAt(o object) dict { return asDict(d.resolve(o)) }

func (d *document) load(num int) object {
	if found, ok := d.cache[num]; ok {
		return found
	}
	at, known := d.places[num]
	if !known || d.busy[num] || at.offset < 0 || len(d.busy) > maxBusy {
		return nil
	}
	d.busy[num] = true
	defer delete(d.busy, num)
	var found object
	if at.container > 0 {
		found = d.fromContainer(at.container, num)
	} else {
		found = d.objectAt(at.offset, num)
	}
	if len(d.cache) < d.limits.Objects {
		d.cache[num] = found
	}
	return found
}

// headerAt answers where "num gen obj" at offset ends, -1 when it is not there.
// Offsets may be counted from the header, and be off by a little white space.
func (d *document) headerAt(offset, num int) int {
	for _, at := range []int{offset, offset + d.start} {
		if at < 0 || at >= len(d.data) {
			continue
		}
		l := &lexer{data: d.data, pos: at}
		first, isNumber := l.object(0).(int64)
		_, hasGen := l.object(0).(int64)
		if isNumber && hasGen && int(first) == num && l.object(0) == keyword("obj") {
			return l.pos
		}
	}
	return -1
}

func (d *document) objectAt(offset, num int) object {
	pos := d.headerAt(offset, num)
	if pos < 0 {
		return nil
	}
	if d.tired(0) {
		return nil
	}
	l := &lexer{data: d.data, pos: pos}
	found := l.object(0)
	d.tired(l.pos - pos + l.extra)
	if word, isWord := found.(keyword); isWord && word != "" {
		return nil
	}
	if entries, isDict := found.(dict); isDict {
		if body, ok := d.streamBody(l, entries); ok {
			return d.decrypted(&stream{dict: entries, raw: body, id: ref{num, d.generation(offset)}}, num)
		}
	}
	return d.decrypted(found, num)
}

// generation reads the second number of an object's header.
func (d *document) generation(offset int) int {
	for _, at := range []int{offset, offset + d.start} {
		if at < 0 || at >= len(d.data) {
			continue
		}
		l := &lexer{data: d.data, pos: at}
		if _, ok := l.object(0).(int64); ok {
			gen, _ := asInt(l.object(0))
			return gen
		}
	}
	return 0
}

// streamBody answers the bytes between stream and endstream. The Length is
// believed only where endstream follows it.
func (d *document) streamBody(l *lexer, entries dict) ([]byte, bool) {
	l.skipSpace()
	if !l.has("stream") {
		return nil, false
	}
	l.pos += len("stream")
	if l.has("\r\n") {
		l.pos += 2
	} else if l.has("\n") || l.has("\r") {
		l.pos++
	}
	start := l.pos
	if length, ok := asInt(d.resolve(entries["Length"])); ok && length >= 0 && start+length <= len(d.data) {
		after := &lexer{data: d.data, pos: start + length}
		after.skipSpace()
		if after.has("endstream") || after.has("endobj") {
			return d.data[start : start+length], true
		}
	}
	end := bytes.Index(d.data[start:], []byte("endstream"))
	if end < 0 {
		d.tired(len(d.data) - start)
		if end = bytes.Index(d.data[start:], []byte("endobj")); end < 0 {
			end = len(d.data) - start
		}
	}
	d.tired(end)
	body := d.data[start : start+end]
	body = bytes.TrimSuffix(body, []byte("\n"))
	return bytes.TrimSuffix(body, []byte("\r")), true
}

// fromContainer reads one object out of an object stream.
func (d *document) fromContainer(container, num int) object {
	if _, done := d.unpacked[container]; !done {
		d.unpack(container)
	}
	for i, inside := range d.numbers[container] {
		if inside == num {
			return d.unpacked[container][i]
		}
	}
	return nil
}

func (d *document) unpack(container int) {
	d.unpacked[container] = nil
	if at := d.places[container]; at.container > 0 {
		return // an object stream may not lie in another
	}
	packed, isStream := d.load(container).(*stream)
	if !isStream {
		return
	}
	count, okCount := asInt(d.resolve(packed.dict["N"]))
	first, okFirst := asInt(d.resolve(packed.dict["First"]))
	content, err := d.decode(packed)
	if err != nil || !okCount || !okFirst || first < 0 || first > len(content) || count < 0 {
		return
	}
	count = min(count, d.limits.Objects)
	head := &lexer{data: content[:first]}
	for range count {
		num, okNum := asInt(head.object(0))
		offset, okOffset := asInt(head.object(0))
		if !okNum || !okOffset || offset < 0 || first+offset > len(content) {
			return
		}
		body := &lexer{data: content, pos: first + offset}
		d.numbers[container] = append(d.numbers[container], num)
		d.unpacked[container] = append(d.unpacked[container], body.object(0))
	}
}

func (d *document) spend(bytes int) error {
	if d.used += bytes; d.used > d.limits.Total {
		return fmt.Errorf("%w: more than %d bytes unpacked", ErrLimit, d.limits.Total)
	}
	return nil
}
