package pdf

import "fmt"

// lzw is the state of PDF's variable-width LZW, most significant bit first.
type lzw struct {
	table    [4096]lzwLink
	next     int // the code that the next entry gets
	width    int // bits of a code just now
	previous int // the code before; -1 after a clear
	early    int // 1: codes widen one entry early, as is usual
	word     []byte
	out      []byte
}

// lzwLink is an entry: the word of another code and one byte more.
type lzwLink struct {
	before int
	last   byte
}

const (
	lzwClear = 256
	lzwEnd   = 257
)

// unLZW unpacks data, at most most bytes of it. Damage ends it; what came
// before is kept.
func unLZW(data []byte, early, most int) ([]byte, error) {
	l := &lzw{early: early}
	l.clear()
	bits, held := 0, 0
	for _, b := range data {
		bits, held = bits<<8|int(b), held+8
		if held < l.width {
			continue
		}
		held -= l.width
		code := bits >> held & (1<<l.width - 1)
		bits &= 1<<held - 1
		if code == lzwClear {
			l.clear()
			continue
		}
		if code == lzwEnd || !l.take(code) {
			break
		}
		if len(l.out) > most {
			return nil, fmt.Errorf("%w: a stream swells to more than %d bytes", ErrLimit, most)
		}
	}
	return l.out, nil
}

func (l *lzw) clear() { l.next, l.width, l.previous = lzwEnd+1, 9, -1 }

// take writes the word of a code and learns the next entry; false for a code
// that cannot stand here.
func (l *lzw) take(code int) bool {
	if code > l.next || (code == l.next && l.previous < 0) {
		return false
	}
	walk := code
	if code == l.next { // the entry that this very code will make
		walk = l.previous
	}
	l.word = l.word[:0]
	for walk > lzwEnd {
		l.word = append(l.word, l.table[walk].last)
		walk = l.table[walk].before
	}
	first := byte(walk)
	l.word = append(l.word, first)
	for i := len(l.word) - 1; i >= 0; i-- {
		l.out = append(l.out, l.word[i])
	}
	if code == l.next {
		l.out = append(l.out, first)
	}
	if l.previous >= 0 && l.next < len(l.table) {
		l.table[l.next] = lzwLink{l.previous, first}
		l.next++
	}
	for l.width < 12 && l.next+l.early >= 1<<l.width {
		l.width++
	}
	l.previous = code
	return true
}
