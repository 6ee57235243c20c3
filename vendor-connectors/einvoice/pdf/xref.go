package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// readChain follows startxref through every update to the first version. The
// newest entry of an object wins.
func (d *document) readChain() error {
	at := bytes.LastIndex(d.data, []byte("startxref"))
	if at < 0 {
		return fmt.Errorf("%w: no startxref", ErrBroken)
	}
	l := &lexer{data: d.data, pos: at + len("startxref")}
	offset, ok := asInt(l.object(0))
	if !ok {
		return fmt.Errorf("%w: startxref names no place", ErrBroken)
	}
	seen := map[int]bool{}
	queue := []int{offset}
	for len(queue) > 0 && len(seen) < 10_000 {
		offset, queue = queue[0], queue[1:]
		if seen[offset] {
			continue
		}
		seen[offset] = true
		trailer, err := d.readSection(offset)
		if err != nil {
			return err
		}
		for key, value := range trailer {
			if _, newer := d.trailer[key]; !newer {
				d.trailer[key] = value
			}
		}
		if beside, ok := asInt(trailer["XRefStm"]); ok && !seen[beside] {
			seen[beside] = true
			d.readBeside(beside)
		}
		if next, ok := asInt(trailer["Prev"]); ok {
			queue = append(queue, next)
		}
	}
	return nil
}

// readBeside reads the stream that a hybrid file keeps beside its table. What
// the table calls free for the sake of old readers is in use there. Damage in
// it is left to the scan.
func (d *document) readBeside(offset int) {
	d.hybrid = true
	defer func() { d.hybrid = false }()
	if _, err := d.readSection(offset); err != nil {
		return
	}
}

func (d *document) readSection(offset int) (dict, error) {
	for _, at := range []int{offset, offset + d.start} {
		if at < 0 || at >= len(d.data) {
			continue
		}
		l := &lexer{data: d.data, pos: at}
		l.skipSpace()
		if l.has("xref") {
			l.pos += len("xref")
			return d.readTable(l)
		}
		if trailer, ok := d.readXRefStream(l); ok {
			return trailer, nil
		}
	}
	return nil, fmt.Errorf("%w: no cross-reference at %d", ErrBroken, offset)
}

// readTable reads the sections of a table and the trailer after it.
func (d *document) readTable(l *lexer) (dict, error) {
	for {
		switch first := l.object(0).(type) {
		case int64:
			count, ok := asInt(l.object(0))
			if !ok || count < 0 || count > d.limits.Objects {
				return nil, fmt.Errorf("%w: a cross-reference section without length", ErrBroken)
			}
			if err := d.readEntries(l, int(first), count); err != nil {
				return nil, err
			}
		case keyword:
			if first != "trailer" {
				return nil, fmt.Errorf("%w: %q in the cross-reference", ErrBroken, string(first))
			}
			trailer, ok := l.object(0).(dict)
			if !ok {
				return nil, fmt.Errorf("%w: no trailer", ErrBroken)
			}
			return trailer, nil
		default:
			return nil, fmt.Errorf("%w: no trailer", ErrBroken)
		}
	}
}

func (d *document) readEntries(l *lexer, first, count int) error {
	for i := range count {
		offset, okOffset := asInt(l.object(0))
		_, okGen := asInt(l.object(0))
		kind, okKind := l.object(0).(keyword)
		if !okOffset || !okGen || !okKind || (kind != "n" && kind != "f") {
			return fmt.Errorf("%w: a cross-reference entry that is none", ErrBroken)
		}
		if kind == "f" {
			offset = -1
		}
		if err := d.put(first+i, place{offset: offset}); err != nil {
			return err
		}
	}
	return nil
}

// put keeps the first entry of a number: sections are read newest first.
func (d *document) put(num int, at place) error {
	if at, newer := d.places[num]; newer && (!d.hybrid || at.offset >= 0) {
		return nil
	}
	if len(d.places) >= d.limits.Objects {
		return fmt.Errorf("%w: more than %d objects", ErrLimit, d.limits.Objects)
	}
	d.places[num] = at
	return nil
}

// readXRefStream reads a cross-reference stream at the lexer's place.
func (d *document) readXRefStream(l *lexer) (dict, bool) {
	_, okNum := l.object(0).(int64)
	_, okGen := l.object(0).(int64)
	if !okNum || !okGen || l.object(0) != keyword("obj") {
		return nil, false
	}
	entries, isDict := l.object(0).(dict)
	if !isDict || entries["Type"] != name("XRef") {
		return nil, false
	}
	body, ok := d.streamBody(l, entries)
	if !ok {
		return nil, false
	}
	content, err := d.decode(&stream{dict: entries, raw: body})
	if err != nil {
		return nil, false
	}
	return entries, d.readPacked(entries, content)
}

// readPacked reads the entries of a cross-reference stream.
func (d *document) readPacked(entries dict, content []byte) bool {
	widths, okWidths := entries["W"].(array)
	if !okWidths || len(widths) < 3 {
		return false
	}
	var width [3]int
	for i := range width {
		w, ok := asInt(widths[i])
		if !ok || w < 0 || w > 8 {
			return false
		}
		width[i] = w
	}
	row := width[0] + width[1] + width[2]
	index, okIndex := entries["Index"].(array)
	if !okIndex {
		index = array{int64(0), entries["Size"]}
	}
	for i := 0; i+1 < len(index) && row > 0; i += 2 {
		first, okFirst := asInt(index[i])
		count, okCount := asInt(index[i+1])
		if !okFirst || !okCount || first < 0 || count < 0 {
			return false
		}
		for j := 0; j < count && len(content) >= row; j++ {
			if d.put(first+j, packedEntry(content[:row], width)) != nil {
				return false
			}
			content = content[row:]
		}
	}
	return true
}

func packedEntry(row []byte, width [3]int) place {
	var field [3]int
	field[0] = 1 // the default type
	for i, w := range width {
		if w == 0 {
			continue
		}
		value := 0
		for _, b := range row[:w] {
			value = (value<<8 | int(b)) & (1<<48 - 1)
		}
		field[i], row = value, row[w:]
	}
	switch field[0] {
	case 1:
		return place{offset: field[1]}
	case 2:
		return place{container: field[1], index: field[2]}
	}
	return place{offset: -1}
}

// scan rebuilds the cross-reference from what looks like objects; the last one
// of a number wins, as an update would.
func (d *document) scan() error {
	d.reset()
	d.scanned = true
	d.scanObjects()
	d.scanTrailers()
	if len(d.places) == 0 {
		return fmt.Errorf("%w: it holds no objects", ErrBroken)
	}
	if err := d.unlock(); err != nil {
		return err
	}
	for _, num := range d.newestFirst() {
		d.scanContainer(num)
	}
	if d.trailer["Root"] == nil {
		for _, num := range d.newestFirst() {
			if d.dictAt(ref{num, 0})["Type"] == name("Catalog") {
				d.trailer["Root"] = ref{num, 0}
				break
			}
		}
	}
	return nil
}

func (d *document) scanObjects() {
	for pos := 0; len(d.places) < d.limits.Objects; {
		at := bytes.Index(d.data[pos:], []byte("obj"))
		if at < 0 {
			return
		}
		at += pos
		pos = at + len("obj")
		if num, offset, ok := d.headerBefore(at); ok {
			d.places[num] = place{offset: offset}
		}
	}
}

// newestFirst lists the objects in the open from the end of the file back.
func (d *document) newestFirst() []int {
	nums := make([]int, 0, len(d.places))
	for num := range d.places {
		nums = append(nums, num)
	}
	slices.SortFunc(nums, func(a, b int) int { return d.places[b].offset - d.places[a].offset })
	return nums
}

// headerBefore reads "num gen " backwards from the word obj.
func (d *document) headerBefore(at int) (num, offset int, ok bool) {
	end := at
	var parts [2]string
	for i := range parts {
		for end > 0 && isSpace(d.data[end-1]) {
			end--
		}
		start := end
		for start > 0 && start > end-10 && d.data[start-1] >= '0' && d.data[start-1] <= '9' {
			start--
		}
		if start == end {
			return 0, 0, false
		}
		parts[i], end = string(d.data[start:end]), start
	}
	num, err := strconv.Atoi(parts[1])
	return num, end, err == nil && num > 0
}

// scanTrailers takes what every trailer says, the last one first.
func (d *document) scanTrailers() {
	const most = 1000 // an honest file has one for each update
	end := len(d.data)
	for range most {
		at := bytes.LastIndex(d.data[:end], []byte("trailer"))
		if at < 0 {
			break
		}
		l := &lexer{data: d.data, pos: at + len("trailer")}
		if entries, ok := l.object(0).(dict); ok {
			d.adopt(entries)
		}
		if end = at; d.tired(l.pos - at) {
			break
		}
	}
	for _, num := range d.newestFirst() {
		if packed, ok := d.load(num).(*stream); ok && packed.dict["Type"] == name("XRef") {
			d.adopt(packed.dict)
		}
	}
}

func (d *document) adopt(entries dict) {
	for _, key := range []name{"Root", "Encrypt", "ID"} {
		if value, has := entries[key]; has && d.trailer[key] == nil {
			d.trailer[key] = value
		}
	}
}

// scanContainer adds the objects of an object stream that the scan did not see
// in the open.
func (d *document) scanContainer(num int) {
	packed, ok := d.load(num).(*stream)
	if !ok || packed.dict["Type"] != name("ObjStm") {
		return
	}
	d.unpack(num)
	for i, inside := range d.numbers[num] {
		if _, open := d.places[inside]; !open && inside != num {
			d.places[inside] = place{container: num, index: i}
		}
	}
}
