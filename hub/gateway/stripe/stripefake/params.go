package stripefake

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are the form-encoded parameters of one request. It remembers the
// first problem and which ones were read: the rest is unknown to the endpoint.
type params struct {
	values  url.Values
	read    map[string]bool
	problem *Problem
}

func newParams(values url.Values) *params {
	return &params{values: values, read: make(map[string]bool, len(values))}
}

func (p *params) fail(problem *Problem) {
	if p.problem == nil {
		p.problem = problem
	}
}

func (p *params) has(key string) bool {
	_, given := p.values[key]
	return given
}

// text reads an optional parameter; "" when absent.
func (p *params) text(key string) string {
	given := p.values[key]
	if len(given) == 0 {
		return ""
	}
	p.read[key] = true
	return given[len(given)-1]
}

// need reads a required parameter.
func (p *params) need(key string) string {
	text := p.text(key)
	if text == "" {
		if p.has(key) {
			p.fail(invalid(key, "parameter_invalid_empty", "You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; however '%s' cannot be unset. You should remove '%s' from your request or supply a non-empty value.", key, key, key))
		} else {
			p.fail(invalid(key, "parameter_missing", "Missing required param: %s.", key))
		}
	}
	return text
}

// oneOf reads an optional parameter that is one of a few words.
func (p *params) oneOf(key string, words ...string) string {
	text := p.text(key)
	if text != "" && !slices.Contains(words, text) {
		p.fail(invalid(key, "", "Invalid %s: must be one of %s", key, strings.Join(words, ", ")))
	}
	return text
}

func (p *params) number(key string) (int64, bool) {
	text := p.text(key)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		p.fail(invalid(key, "parameter_invalid_integer", "Invalid integer: %s", text))
	}
	return n, true
}

func (p *params) flag(key string) bool {
	switch text := p.text(key); text {
	case "", "false":
		return false
	case "true":
		return true
	default:
		p.fail(invalid(key, "", "Invalid boolean: %s", text))
		return false
	}
}

func (p *params) moment(key string) (time.Time, bool) {
	n, given := p.number(key)
	if !given {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// list reads key[] and key[0], key[1], ….
func (p *params) list(key string) []string {
	var found []string
	if many, given := p.values[key+"[]"]; given {
		p.read[key+"[]"] = true
		found = append(found, many...)
	}
	for i := 0; ; i++ {
		name := key + "[" + strconv.Itoa(i) + "]"
		if !p.has(name) {
			return found
		}
		found = append(found, p.text(name))
	}
}

// below says whether something is given under key, as in key[inner].
func (p *params) below(key string) bool {
	for name := range p.values {
		if strings.HasPrefix(name, key+"[") {
			return true
		}
	}
	return false
}

// ignore marks everything under key as known, without a meaning here.
func (p *params) ignore(keys ...string) {
	for _, key := range keys {
		for name := range p.values {
			if name == key || strings.HasPrefix(name, key+"[") {
				p.read[name] = true
			}
		}
	}
}

// children reads key[inner]=value of one level, as metadata has it.
func (p *params) children(key string) map[string]string {
	var found map[string]string
	for name := range p.values {
		inner, ok := strings.CutPrefix(name, key+"[")
		if !ok || !strings.HasSuffix(inner, "]") {
			continue
		}
		if found == nil {
			found = map[string]string{}
		}
		found[strings.TrimSuffix(inner, "]")] = p.text(name)
	}
	return found
}

// metadata merges what is given under key into old, by Stripe's rules: an
// empty value unsets a key, an empty parameter unsets all.
func (p *params) metadata(key string, old map[string]string) map[string]string {
	merged := map[string]string{}
	if p.has(key) && p.text(key) == "" {
		old = nil
	}
	for k, v := range old {
		merged[k] = v
	}
	children := p.children(key)
	for _, k := range slices.Sorted(maps.Keys(children)) { // in order, so that the same mistake gives the same error
		v := children[k]
		switch {
		case len([]rune(k)) > 40:
			p.fail(invalid(key, "", "Metadata keys must be shorter than 40 characters (got %d)", len([]rune(k))))
		case strings.ContainsAny(k, "[]"):
			p.fail(invalid(key, "", "Metadata keys cannot contain square brackets"))
		case len([]rune(v)) > 500:
			p.fail(invalid(key+"["+k+"]", "", "Metadata values can have up to 500 characters, but you passed in a value that is %d characters. Invalid value: %.20s...", len([]rune(v)), v))
		case v == "":
			delete(merged, k)
		default:
			merged[k] = v
		}
	}
	if len(merged) > 50 {
		p.fail(invalid(key, "", "Metadata can have up to 50 keys, but you passed in %d", len(merged)))
	}
	return merged
}

// done returns the first problem, an unread parameter included.
func (p *params) done() error {
	if p.problem != nil {
		return p.problem
	}
	var unknown []string
	for name := range p.values {
		if !p.read[name] && name != "expand" && !strings.HasPrefix(name, "expand[") {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	if len(unknown) == 1 {
		return invalid(unknown[0], "parameter_unknown", "Received unknown parameter: %s", unknown[0])
	}
	return invalid(unknown[0], "parameter_unknown", "Received unknown parameters: %s", strings.Join(unknown, ", "))
}
