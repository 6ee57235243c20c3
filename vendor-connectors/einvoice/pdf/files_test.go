package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const content = "<invoice/>"

// builder writes PDFs as wrong as a test wants them.
type builder struct {
	bytes.Buffer
	offsets map[int]int
}

func newPDF() *builder {
	b := &builder{offsets: map[int]int{}}
	b.WriteString("%PDF-1.7\n")
	return b
}

func (b *builder) object(num int, text string) *builder {
	b.offsets[num] = b.Len()
	fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", num, text)
	return b
}

func (b *builder) stream(num int, entries string, body []byte) *builder {
	return b.object(num, fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", entries, len(body), body))
}

// table ends the file with a cross-reference table.
func (b *builder) table(trailer string) []byte {
	start := b.Len()
	b.WriteString("xref\n")
	for num := range 40 {
		if offset, ok := b.offsets[num]; ok {
			fmt.Fprintf(b, "%d 1\n%010d 00000 n \n", num, offset)
		}
	}
	fmt.Fprintf(b, "trailer\n<< /Size 40 %s >>\nstartxref\n%d\n%%%%EOF\n", trailer, start)
	return b.Bytes()
}

// simple is a PDF whose embedded stream is object 5.
func simple(entries string, body []byte) *builder {
	return newPDF().
		object(1, "<< /Type /Catalog /Names << /EmbeddedFiles 2 0 R >> >>").
		object(2, "<< /Kids [3 0 R] >>").
		object(3, "<< /Limits [(a)(z)] /Names [(a.xml) 4 0 R] >>").
		object(4, "<< /Type /Filespec /F (a.xml) /EF << /F 5 0 R >> >>").
		stream(5, "/Type /EmbeddedFile /Subtype /text#2Fxml "+entries, body)
}

func deflate(data []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// list writes files as "name=content".
func list(files []File) string {
	var out []string
	for _, file := range files {
		text := fmt.Sprintf("%s=%.60s", file.Name, file.Content)
		if file.Err != nil {
			text += " ERR"
		}
		out = append(out, text)
	}
	return strings.Join(out, "|")
}

func TestFiles(t *testing.T) {
	good := simple("", []byte(content)).table("/Root 1 0 R")
	encoded := make([]byte, 100)
	encoded = encoded[:ascii85.Encode(encoded, []byte(content))]
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"table", good, "a.xml=" + content},
		{"junk before the header", append([]byte("junk\r\n"), good...), "a.xml=" + content},
		{"junk after the end", append(bytes.Clone(good), "\r\nmore\x00"...), "a.xml=" + content},
		{"startxref leads nowhere", bytes.Replace(good, []byte("startxref\n"), []byte("startxref\n9"), 1), "a.xml=" + content},
		{"no end", good[:bytes.LastIndex(good, []byte("xref\n1"))], "a.xml=" + content},
		{"shifted offsets", bytes.Replace(good, []byte("%PDF-1.7\n"), []byte("%PDF-1.7\n% a comment that shifts every offset\n"), 1), "a.xml=" + content},
		{"carriage returns", bytes.ReplaceAll(good, []byte("\n"), []byte("\r")), "a.xml=" + content},
		{"wrong length", bytes.Replace(good, []byte("/Length 10"), []byte("/Length 7 "), 1), "a.xml=" + content},
		{"deflate", simple("/Filter /FlateDecode", deflate([]byte(content))).table("/Root 1 0 R"), "a.xml=" + content},
		{"deflate, checksum cut off", simple("/Filter /FlateDecode", deflate([]byte(content))[:len(deflate([]byte(content)))-4]).table("/Root 1 0 R"), "a.xml=" + content},
		{"hex", simple("/Filter /ASCIIHexDecode", []byte(hex.EncodeToString([]byte(content))+">")).table("/Root 1 0 R"), "a.xml=" + content},
		{"base 85", simple("/Filter [/ASCII85Decode]", append(encoded, "~>"...)).table("/Root 1 0 R"), "a.xml=" + content},
		{"two filters", simple("/Filter [/AHx /FlateDecode]", []byte(hex.EncodeToString(deflate([]byte(content)))+">")).table("/Root 1 0 R"), "a.xml=" + content},
		{"run length", simple("/Filter /RunLengthDecode", []byte("\x01<i\xFFn\x06voice/>\x80")).table("/Root 1 0 R"), "a.xml=<innvoice/>"},
		{"LZW", simple("/Filter /LZWDecode", []byte{0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01}).table("/Root 1 0 R"), "a.xml=-----A---B"},
		{"PNG prediction", simple("/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 3 >>", deflate([]byte{0, 'a', 'b', 'c', 2, 1, 1, 1, 1, 'x', 1, 1, 3, 0, 0, 0, 4, 1, 0, 0})).table("/Root 1 0 R"), "a.xml=abcbcdxyz<Zj=Zj"},
		{"TIFF prediction", simple("/Filter /FlateDecode /DecodeParms << /Predictor 2 /Columns 3 >>", deflate([]byte{'a', 1, 1, 'x', 1, 1})).table("/Root 1 0 R"), "a.xml=abcxyz"},
		{"unknown filter", simple("/Filter /JPXDecode", []byte(content)).table("/Root 1 0 R"), "a.xml= ERR"},
		{"bomb", simple("/Filter /FlateDecode", deflate(make([]byte, 3<<20))).table("/Root 1 0 R"), "a.xml= ERR"},
		{"update", update(simple("", []byte(content))), "a.xml=<new/>"},
		{"tree in circles", newPDF().object(1, "<< /Type /Catalog /Names << /EmbeddedFiles 2 0 R >> >>").object(2, "<< /Kids [2 0 R 3 0 R] >>").
			object(3, "<< /Kids [2 0 R] /Names [(k.xml) << /EF << /UF 5 0 R >> >>] >>").stream(5, "", []byte(content)).table("/Root 1 0 R"), "k.xml=" + content},
		{"associated alone", newPDF().object(1, "<< /Type /Catalog /AF [4 0 R] >>").object(4, "<< /UF <FEFF0061002E0078006D006C> /F (b) /EF << /F 5 0 R >> >>").
			stream(5, "", []byte(content)).table("/Root 1 0 R"), "a.xml=" + content},
		{"stream inside the tree", newPDF().object(1, "<< /Type /Catalog /Names << /EmbeddedFiles << /Names [(a.xml) << /Type /Filespec /F (a.xml) /EF << /F << /Type /EmbeddedFile /Length 10 >>\nstream\n"+
			content+"\nendstream\n>> >>] >> >> >>").table("/Root 1 0 R"), "a.xml=" + content},
		{"annotation alone", newPDF().object(1, "<< /Type /Catalog >>").object(2, "<< /Type /Annot /Subtype /FileAttachment /FS 4 0 R >>").
			object(4, "<< /F (a.xml) /EF << /F 5 0 R >> >>").stream(5, "", []byte(content)).table("/Root 1 0 R"), "a.xml=" + content},
		{"stream alone", newPDF().object(1, "<< /Type /Catalog >>").stream(5, "/Type /EmbeddedFile", []byte(content)).table("/Root 1 0 R"), "=" + content},
		{"specification leads nowhere until scanned", bytes.Replace(simple("", []byte(content)).table("/Root 1 0 R"),
			[]byte("5 1\n0000000"), []byte("5 1\n0000009"), 1), "a.xml=" + content},
		{"nothing", newPDF().object(1, "<< /Type /Catalog >>").table("/Root 1 0 R"), ""},
		{"hybrid", hybrid(), "a.xml=" + content},
		{"xref in circles", []byte(strings.Replace(string(good), "/Root 1 0 R", fmt.Sprintf("/Root 1 0 R /Prev %d", bytes.LastIndex(good, []byte("xref\n1"))), 1)), "a.xml=" + content},
	} {
		files, err := Files(test.data, Limits{})
		if err != nil || list(files) != test.want {
			t.Errorf("%s: %q %v, want %q", test.name, list(files), err, test.want)
		}
	}
}

// update appends a second version of the embedded stream.
func update(b *builder) []byte {
	first := b.table("/Root 1 0 R")
	before := bytes.LastIndex(first, []byte("xref\n1"))
	b.offsets = map[int]int{}
	b.stream(5, "/Type /EmbeddedFile", []byte("<new/>"))
	return b.table(fmt.Sprintf("/Root 1 0 R /Prev %d", before))
}

// hybrid hides the embedded stream from readers of tables.
func hybrid() []byte {
	b := simple("", []byte(content))
	hidden := b.offsets[5]
	delete(b.offsets, 5)
	at := b.Len()
	row := []byte{1, byte(hidden >> 8), byte(hidden), 0}
	b.stream(7, "/Type /XRef /W [1 2 1] /Index [5 1] /Size 40", row)
	start := b.Len()
	b.WriteString("xref\n0 1\n0000000000 65535 f \n")
	for num := 1; num < 5; num++ {
		fmt.Fprintf(b, "%d 1\n%010d 00000 n \n", num, b.offsets[num])
	}
	fmt.Fprintf(b, "5 1\n0000000000 65535 f \ntrailer\n<< /Size 40 /Root 1 0 R /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n", at, start)
	return b.Bytes()
}

// TestCarriedFiles reads one invoice as other tools have rewritten it.
func TestCarriedFiles(t *testing.T) {
	paths, err := filepath.Glob("../testdata/pdf/*.pdf")
	if err != nil || len(paths) < 12 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files, err := Files(data, Limits{})
		if strings.Contains(path, "password") {
			if !errors.Is(err, ErrEncrypted) {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		if err != nil || len(files) != 1 || files[0].Name != "factur-x.xml" || !bytes.Contains(files[0].Content, []byte("KB-2026-118")) {
			t.Errorf("%s: %.80q %v", path, list(files), err)
		}
		if strings.Contains(path, "linear") {
			continue // its end alone is not the whole file
		}
		cut := data[:bytes.LastIndex(data, []byte("startxref"))]
		files, err = Files(cut, Limits{})
		if err != nil || len(files) != 1 || !bytes.Contains(files[0].Content, []byte("KB-2026-118")) {
			t.Errorf("%s without its end: %.80q %v", path, list(files), err)
		}
	}
}

func TestLimits(t *testing.T) {
	if _, err := Files([]byte("hello"), Limits{}); !errors.Is(err, ErrNotPDF) {
		t.Error(err)
	}
	if _, err := Files([]byte("%PDF-1.7 nothing"), Limits{}); !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
	good := simple("/Filter /FlateDecode", deflate(make([]byte, 5000))).table("/Root 1 0 R")
	for name, limits := range map[string]Limits{"file": {File: 4000}, "total": {Total: 4000}} {
		files, err := Files(good, limits)
		if err != nil || len(files) != 1 || !errors.Is(files[0].Err, ErrLimit) {
			t.Errorf("%s: %+v %v", name, files, err)
		}
	}
	if _, err := Files(append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("trailer<<"), 100_000)...), Limits{}); !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
	// Objects that all claim to begin a stream must not keep us busy.
	slow := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("1 0 obj<<>>stream "), 40_000)...)
	for i := range 40_000 {
		slow = fmt.Appendf(slow, "%d 0 obj [ (", i+2)
	}
	if _, err := Files(slow, Limits{}); err != nil && !errors.Is(err, ErrBroken) {
		t.Error(err)
	}
}

func FuzzPDF(f *testing.F) {
	paths, err := filepath.Glob("../testdata/pdf/*.pdf")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(simple("", []byte(content)).table("/Root 1 0 R"))
	f.Add(hybrid())
	f.Add(update(simple("", []byte(content))))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{File: 1 << 20, Total: 4 << 20, Objects: 10_000, Files: 50}
		files, err := Files(data, limits)
		if err != nil && len(files) > 0 {
			t.Error("files beside an error")
		}
		if len(files) > limits.Files {
			t.Errorf("%d files", len(files))
		}
		for _, file := range files {
			if len(file.Content) > limits.File || (file.Err != nil && file.Content != nil) {
				t.Errorf("%d bytes, %v", len(file.Content), file.Err)
			}
		}
	})
}
