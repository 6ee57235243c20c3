// Package fault is the one error type that reaches people and machines: a code
// that maps to an HTTP status in one place, and a message that is safe to show
// and says what is wrong and what to do. Everything else is an internal error
// and is shown as such.
package fault

import (
	"errors"
	"fmt"
)

// Code is the kind of a fault.
type Code string

// The codes, each with its HTTP status in web.
const (
	Invalid         Code = "invalid"         // 422: a value is wrong
	Malformed       Code = "malformed"       // 400: it cannot be read at all
	Unauthenticated Code = "unauthenticated" // 401
	Forbidden       Code = "forbidden"       // 403
	NotFound        Code = "not_found"       // 404: also for what is not yours
	Conflict        Code = "conflict"        // 409: it changed meanwhile, or stands in the way
	Gone            Code = "gone"            // 410: used or expired
	TooLarge        Code = "too_large"       // 413
	Unsupported     Code = "unsupported"     // 415
	Limited         Code = "limited"         // 429
	Unavailable     Code = "unavailable"     // 503: a peer is down; try again
	Internal        Code = "internal"        // 500
)

// Error is a fault. Pointer is a JSON pointer or a form field's name, where
// one value is to blame; Problems lists more than one.
type Error struct {
	Code     Code
	Message  string
	Pointer  string
	Problems []Problem
	Cause    error // never shown
}

// Problem is one thing wrong at one place.
type Problem struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault with a formatted message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At is New for one field.
func At(pointer, format string, args ...any) *Error {
	return &Error{Code: Invalid, Message: fmt.Sprintf(format, args...), Pointer: pointer}
}

// Wrap keeps the cause for the log.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// CodeOf is the code of an error, Internal for one that is not a fault.
func CodeOf(err error) Code {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.Code
	}
	return Internal
}

// Is says whether an error is a fault of that code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
