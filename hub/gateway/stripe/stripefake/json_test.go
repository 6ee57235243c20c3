package stripefake

import (
	"encoding/json"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	value := obj{"b": "plain", "a": int64(-3), "n": nil, "t": true, "i": 7, "q": "\"\\\n<b>&é\u2028\xff", "m": map[string]string{"z": "1", "k\"": "ü"},
		"l": []obj{{"x": 1}, {}}, "s": []string{"a", "b"}, "e": []string{}, "r": json.RawMessage(`{"y":[1]}`), "none": obj(nil)}
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(appendJSON(nil, value)); got != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a type that no view has was written")
		}
	}()
	appendJSON(nil, 1.5)
}
