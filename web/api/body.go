package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/vendor-connectors/push"
)

// body reads a JSON body of at most most bytes. What is packed is refused
// before it is looked at: a small one can hold a very large one.
func body(c *fiber.Ctx, most int) ([]byte, error) {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" {
		return nil, fault.New(fault.Unsupported, "Send the body as it is, without Content-Encoding.")
	}
	kind, parameters, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEApplicationJSON {
		return nil, fault.New(fault.Unsupported, "Send JSON, with Content-Type: application/json.")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, fault.New(fault.Unsupported, "Send JSON in UTF-8.")
	}
	raw := c.BodyRaw()
	if len(raw) > most {
		return nil, fault.New(fault.TooLarge, "The body has %d bytes; this call takes %d. Send fewer or smaller records at once.", len(raw), most)
	}
	return raw, nil
}

// decode reads a small body into a struct. Problems carry pointers.
func decode(c *fiber.Ctx, into any) error {
	raw, err := body(c, smallBody)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return decodeProblem(raw, err, decoder.InputOffset())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return located(raw, decoder.InputOffset(), "something follows the end of the JSON value")
	}
	return checkShape(into)
}

func decodeProblem(raw []byte, err error, offset int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return located(raw, 0, "the body is empty; it must be a JSON object")
	case errors.As(err, &syntax):
		return located(raw, syntax.Offset-1, "malformed JSON: "+syntax.Error())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return located(raw, int64(len(raw)), "malformed JSON: it ends too early")
	case errors.As(err, &kind) && kind.Field == "":
		return located(raw, 0, "the body must be a JSON object")
	case errors.As(err, &kind):
		return fault.At("/"+strings.ReplaceAll(kind.Field, ".", "/"), "This must not be %s.", article(kind.Value))
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fault.At("/"+strings.Trim(name, `"`), "This field is not known here; /api/docs names those that are.")
	}
	return located(raw, offset, "malformed JSON")
}

func article(kind string) string {
	kind, _, _ = strings.Cut(kind, " ")
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// located says where a body is broken.
func located(raw []byte, offset int64, message string) error {
	offset = min(max(offset, 0), int64(len(raw)))
	before := raw[:offset]
	return &push.BodyError{Offset: offset, Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'), Message: message}
}

// repoint gives a fault's field the pointer that it has in this call's body.
func repoint(err error, pointers map[string]string) error {
	var shown *fault.Error
	if !errors.As(err, &shown) || shown.Pointer == "" {
		return err
	}
	pointer, known := pointers[shown.Pointer]
	if !known {
		return fmt.Errorf("no pointer for %q: %w", shown.Pointer, err)
	}
	moved := *shown
	moved.Pointer = pointer
	return &moved
}
