package pdf

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// File is one embedded file, unpacked. Err says why Content could not be read.
type File struct {
	Name        string // as the PDF names it; may be empty
	ContentType string // as the PDF says; may be empty
	Content     []byte
	Err         error
}

// Files answers the files that are embedded in a PDF, in the order in which
// the PDF lists them: the name tree, associated files, then whatever else the
// file holds. A PDF without any is an empty list. Errors wrap ErrNotPDF,
// ErrBroken, ErrEncrypted or ErrLimit.
func Files(data []byte, limits Limits) ([]File, error) {
	d, err := open(data, limits)
	if err != nil {
		return nil, err
	}
	found := d.files()
	if d.scanned || !(found.missing || len(found.files) == 0 && mayHold(data)) {
		return found.files, nil
	}
	// The cross-reference is sound and still misses what a careless tool
	// appended; look for it as if there were none.
	if err := d.scan(); err != nil {
		return found.files, nil
	}
	if again := d.files(); len(again.files) > len(found.files) {
		return again.files, nil
	}
	return found.files, nil
}

func mayHold(data []byte) bool {
	return bytes.Contains(data, []byte("/EmbeddedFile")) || bytes.Contains(data, []byte("/ObjStm"))
}

// finder gathers file specifications, each embedded stream once.
type finder struct {
	d       *document
	files   []File
	seen    map[int]bool // numbers of streams that were taken
	inline  map[*stream]bool
	nodes   map[int]bool // nodes of the name tree that were walked
	missing bool         // a specification led to no stream
}

const maxTreeNodes = 20_000

func (d *document) files() *finder {
	f := &finder{d: d, seen: map[int]bool{}, inline: map[*stream]bool{}, nodes: map[int]bool{}}
	catalog := d.dictAt(d.trailer["Root"])
	f.tree(d.dictAt(catalog["Names"])["EmbeddedFiles"], 0)
	f.associated(catalog["AF"])
	f.rest()
	return f
}

// tree walks the name tree; Kids and Names may stand side by side.
func (f *finder) tree(node object, depth int) {
	if at, isRef := node.(ref); isRef {
		if f.nodes[at.num] || len(f.nodes) > maxTreeNodes {
			return
		}
		f.nodes[at.num] = true
	}
	entries := f.d.dictAt(node)
	if entries == nil || depth > maxNesting {
		return
	}
	names, _ := f.d.resolve(entries["Names"]).(array)
	for i := 0; i+1 < len(names); i += 2 {
		key, _ := f.d.resolve(names[i]).(str)
		f.spec(names[i+1], textString(key))
	}
	kids, _ := f.d.resolve(entries["Kids"]).(array)
	for _, kid := range kids {
		f.tree(kid, depth+1)
	}
}

func (f *finder) associated(list object) {
	switch list := f.d.resolve(list).(type) {
	case array:
		for _, item := range list[:min(len(list), maxTreeNodes)] {
			f.spec(item, "")
		}
	case dict:
		f.spec(list, "")
	}
}

// rest looks at every object for file specifications and embedded streams that
// nothing leads to: attachments of pages and annotations, and lost ones.
func (f *finder) rest() {
	nums := make([]int, 0, len(f.d.places))
	for num := range f.d.places {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	var lost []int
	for _, num := range nums {
		switch found := f.d.load(num).(type) {
		case dict:
			if found["EF"] != nil {
				f.spec(found, "")
			} else if found["FS"] != nil {
				f.spec(found["FS"], "")
			}
		case *stream:
			if found.dict["Type"] == name("EmbeddedFile") {
				lost = append(lost, num)
			}
		}
	}
	for _, num := range lost {
		f.take(ref{num, 0}, "")
	}
}

// spec takes the stream of one file specification.
func (f *finder) spec(o object, key string) {
	entries := f.d.dictAt(o)
	streams := f.d.dictAt(entries["EF"])
	if streams == nil {
		return
	}
	label := ""
	for _, field := range []name{"UF", "F", "Unix", "Mac", "DOS"} {
		if text, isText := f.d.resolve(entries[field]).(str); isText && label == "" {
			label = textString(text)
		}
	}
	if label == "" {
		label = key
	}
	for _, field := range []name{"UF", "F", "Unix", "Mac", "DOS"} {
		if streams[field] != nil && f.take(streams[field], label) {
			return
		}
	}
	f.missing = true
}

// take unpacks one embedded stream; false when there is none.
func (f *finder) take(o object, label string) bool {
	at, isRef := o.(ref)
	if isRef && f.seen[at.num] {
		return true
	}
	packed, isStream := f.d.resolve(o).(*stream)
	if isStream && f.inline[packed] {
		return true
	}
	if !isStream || len(f.files) >= f.d.limits.Files {
		return false
	}
	f.inline[packed] = true
	if isRef {
		f.seen[at.num] = true
	}
	kind, _ := f.d.resolve(packed.dict["Subtype"]).(name)
	content, err := f.d.decode(packed)
	f.files = append(f.files, File{Name: label, ContentType: string(kind), Content: content, Err: err})
	return true
}

// textString reads PDF's text strings: UTF-16 or UTF-8 with a mark, else a
// single-byte encoding that is Latin-1 for all that file names use.
func textString(raw str) string {
	switch {
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		return utf16Text(raw[2:], false)
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		return utf16Text(raw[2:], true)
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		return strings.ToValidUTF8(string(raw[3:]), "")
	case utf8.Valid(raw):
		return string(raw)
	}
	var out strings.Builder
	for _, b := range raw {
		out.WriteRune(rune(b))
	}
	return out.String()
}

func utf16Text(raw []byte, little bool) string {
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		if little {
			units = append(units, uint16(raw[i+1])<<8|uint16(raw[i]))
		} else {
			units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
		}
	}
	return string(utf16.Decode(units))
}
