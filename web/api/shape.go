package api

import (
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/sheaf-hub/sheaf/hub/fault"
)

// shapes checks the shape of small bodies by their validate tags: that a field
// is there, is one of a few words, is not too long. Whether what it names may
// be used is for the rooms to say; a shape is no security control.
var shapes = sync.OnceValue(func() *validator.Validate {
	check := validator.New(validator.WithRequiredStructEnabled())
	check.RegisterTagNameFunc(func(field reflect.StructField) string {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		return name
	})
	return check
})

// checkShape says all that is wrong with a body's shape, with pointers.
func checkShape(form any) error {
	var wrong validator.ValidationErrors
	err := shapes().Struct(form)
	if err == nil {
		return nil
	}
	if !errors.As(err, &wrong) {
		return err
	}
	out := &fault.Error{Code: fault.Invalid, Message: "Some fields of the body are missing or not as expected."}
	for _, field := range wrong {
		path := strings.TrimPrefix(field.Namespace(), reflect.Indirect(reflect.ValueOf(form)).Type().Name()+".")
		out.Problems = append(out.Problems, fault.Problem{Pointer: pointerOf(path), Message: shapeWords(field)})
	}
	return out
}

// pointerOf turns "events[0]" into "/events/0".
func pointerOf(path string) string {
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path)
}

func shapeWords(field validator.FieldError) string {
	switch field.Tag() {
	case "required":
		return "Give this field; it must not be empty."
	case "oneof":
		return "This must be one of: " + strings.Join(strings.Fields(field.Param()), ", ") + "."
	case "max":
		return "This is too long: at most " + field.Param() + "."
	}
	return "This is not as expected (" + field.Tag() + ")."
}
