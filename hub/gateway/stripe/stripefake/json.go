package stripefake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// appendJSON writes the values that objects are made of, with their fields in
// order. It takes a third of the time of encoding/json, which has to find out
// the types of every map; simulations spend most of their time here.
func appendJSON(text []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(text, "null"...)
	case string:
		return appendText(text, value)
	case int64:
		return strconv.AppendInt(text, value, 10)
	case int:
		return strconv.AppendInt(text, int64(value), 10)
	case bool:
		return strconv.AppendBool(text, value)
	case obj:
		if value == nil {
			return append(text, "null"...)
		}
		return appendFields(text, value, appendJSON)
	case map[string]string:
		return appendFields(text, value, appendText)
	case []obj:
		return appendList(text, value, func(text []byte, v obj) []byte { return appendJSON(text, v) })
	case []string:
		return appendList(text, value, appendText)
	case json.RawMessage:
		return append(text, value...)
	}
	panic(fmt.Sprintf("stripefake: no way to write a %T", value)) // views are made of the above alone
}

func appendFields[V any](text []byte, fields map[string]V, write func([]byte, V) []byte) []byte {
	var room [64]string
	names := room[:0]
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	text = append(text, '{')
	for i, name := range names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(appendText(text, name), ':')
		text = write(text, fields[name])
	}
	return append(text, '}')
}

func appendList[V any](text []byte, values []V, write func([]byte, V) []byte) []byte {
	text = append(text, '[')
	for i, value := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = write(text, value)
	}
	return append(text, ']')
}

// appendText quotes; what needs more than quotes is left to encoding/json.
func appendText(text []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(value)
			if err != nil {
				panic("stripefake: a text that is no JSON: " + err.Error()) // cannot be: Marshal replaces what is not UTF-8
			}
			return append(text, quoted...)
		}
	}
	text = append(text, '"')
	text = append(text, value...)
	return append(text, '"')
}
