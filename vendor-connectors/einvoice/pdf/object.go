// Package pdf finds the files that are embedded in a PDF. It reads no more of
// the format than that needs, and reads it forgivingly: cross-reference tables
// and streams, object streams, incremental updates, the standard encryption
// with an empty user password, and files whose cross-reference is broken.
package pdf

import "errors"

// Errors of this package; match with errors.Is.
var (
	ErrNotPDF    = errors.New("not a PDF")
	ErrBroken    = errors.New("the PDF is broken")
	ErrEncrypted = errors.New("the PDF is encrypted with a password")
	ErrLimit     = errors.New("the PDF is larger than what is accepted")
)

// object is one of: nil, bool, int64, float64, str, name, array, dict, ref,
// *stream, keyword.
type object any

type (
	name    string
	str     []byte
	array   []object
	dict    map[name]object
	keyword string
	ref     struct{ num, gen int }
)

// stream is a dictionary and the bytes that follow it, still filtered.
type stream struct {
	dict dict
	raw  []byte
	id   ref // where it came from, for decryption; num 0 for none
}

func asDict(o object) dict {
	switch o := o.(type) {
	case dict:
		return o
	case *stream:
		return o.dict
	}
	return nil
}

func asInt(o object) (int, bool) {
	switch o := o.(type) {
	case int64:
		if o >= -1<<31 && o < 1<<40 {
			return int(o), true
		}
	case float64:
		if o >= -1<<31 && o < 1<<31 {
			return int(o), true
		}
	}
	return 0, false
}
