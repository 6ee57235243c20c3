package api_test

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/api"
)

// description is openapi.json, with a compiler for the schemas in it.
type description struct {
	mu       sync.Mutex
	doc      map[string]any
	compiler *jsonschema.Compiler
}

var load = sync.OnceValues(func() (*description, error) {
	content, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	return &description{doc: doc.(map[string]any), compiler: compiler}, compiler.AddResource("https://sheaf.example/openapi.json", doc)
})

func described(t *testing.T) *description {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// at walks the document.
func (d *description) at(steps ...string) (any, bool) {
	var here any = d.doc
	for _, step := range steps {
		object, ok := here.(map[string]any)
		if !ok {
			return nil, false
		}
		if here, ok = object[step]; !ok {
			return nil, false
		}
		if target, isRef := refOf(here); isRef {
			if here, ok = d.at(target...); !ok {
				return nil, false
			}
		}
	}
	return here, true
}

func refOf(value any) ([]string, bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	ref, ok := object["$ref"].(string)
	if !ok {
		return nil, false
	}
	return strings.Split(strings.TrimPrefix(ref, "#/"), "/"), true
}

func (d *description) schema(t *testing.T, steps ...string) *jsonschema.Schema {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	pointer := ""
	for _, step := range steps {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
	}
	schema, err := d.compiler.Compile("https://sheaf.example/openapi.json#" + pointer)
	if err != nil {
		t.Fatalf("%s: %v", pointer, err)
	}
	return schema
}

// template is the described path that a call's path belongs to.
func (d *description) template(path string) string {
	path, _, _ = strings.Cut(path, "?")
	best := ""
	for template := range d.doc["paths"].(map[string]any) {
		pattern := "^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(path) {
			best = template
		}
	}
	return best
}

// conforms holds one real answer to the description: its status is described,
// its media type is the one given, and its body fits the schema.
func conforms(t *testing.T, method, path string, got answer) {
	t.Helper()
	d := described(t)
	template := d.template(path)
	operation, known := d.at("paths", template, strings.ToLower(method))
	if template == "" || !known {
		if got.status != 404 && got.status != 405 && got.status != 200 && got.status != 500 {
			t.Errorf("%s %s is not described and answers %d", method, path, got.status)
		}
		return
	}
	status := strconv.Itoa(got.status)
	if got.status >= 500 {
		status = "default"
	}
	response, known := d.at("paths", template, strings.ToLower(method), "responses", status)
	if !known {
		t.Errorf("%s %s answers %d, which is not described in %v", method, template, got.status, operation)
		return
	}
	contents, ok := response.(map[string]any)["content"].(map[string]any)
	if !ok {
		if len(got.body) != 0 {
			t.Errorf("%s %s answers %d with a body that is not described: %s", method, template, got.status, got.body)
		}
		return
	}
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	if _, ok := contents[kind]; !ok {
		t.Errorf("%s %s answers %d as %q", method, template, got.status, kind)
		return
	}
	steps := []string{"paths", template, strings.ToLower(method), "responses", status}
	responses, _ := d.at(steps[:4]...)
	if target, isRef := refOf(responses.(map[string]any)[status]); isRef {
		steps = target
	}
	steps = append(steps, "content", kind, "schema")
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
	if err != nil {
		t.Errorf("%s %s answers what is not JSON: %s", method, template, got.body)
		return
	}
	if err := d.schema(t, steps...).Validate(value); err != nil {
		t.Errorf("%s %s answers %s: %v", method, template, got.body, err)
	}
}

// TestEveryRouteIsDescribed compares handlers, routes and description, all ways.
func TestEveryRouteIsDescribed(t *testing.T) {
	d := described(t)
	listed := map[string]bool{}
	for _, route := range routes() {
		if route.open {
			continue
		}
		template := regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(route.path, "{$1}")
		listed[route.method+" "+template] = true
		operation, known := d.at("paths", template, strings.ToLower(route.method))
		if !known {
			t.Errorf("%s %s is not described", route.method, template)
			continue
		}
		for _, key := range []string{"operationId", "summary", "tags"} {
			if operation.(map[string]any)[key] == nil {
				t.Errorf("%s %s has no %s", route.method, template, key)
			}
		}
	}
	for template, operations := range d.doc["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			if !listed[strings.ToUpper(method)+" "+template] {
				t.Errorf("%s %s is described and does not exist", method, template)
			}
		}
	}
	handlers, methods := reflect.TypeFor[*api.Handlers](), 0
	for i := range handlers.NumMethod() {
		method := handlers.Method(i)
		if method.Type.NumIn() == 2 && method.Type.In(1) == reflect.TypeFor[*fiber.Ctx]() && method.Name != "Authenticate" {
			methods++
		}
	}
	if methods != len(routes()) {
		t.Errorf("%d handlers and %d routes", methods, len(routes()))
	}
}

// TestSchemasCompile compiles every schema, those of requests too, and tries
// DESIGN's own examples on them.
func TestSchemasCompile(t *testing.T) {
	d := described(t)
	for name := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		d.schema(t, "components", "schemas", name)
	}
	for path, body := range map[string]string{"/api/v1/accounts": acme, "/api/v1/invoices": first, "/api/v1/credits": credit} {
		schema := d.schema(t, "paths", path, "put", "requestBody", "content", "application/json", "schema")
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if schema.Validate(map[string]any{}) == nil {
			t.Errorf("%s takes an empty object", path)
		}
	}
}

func TestDescriptionsAreServed(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	if got := h.call("GET", "/api/openapi.json", "", "").want(200); !strings.Contains(got.header.Get("Content-Type"), "json") || !bytes.Contains(got.body, []byte(`"3.1.0"`)) {
		t.Errorf("%s", got.body[:100])
	}
	got := h.call("GET", "/api/docs", "", "").want(200)
	if bytes.Contains(bytes.ToLower(got.body), []byte("<script")) || !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error("the reading page runs scripts")
	}
	for _, route := range routes() {
		if !route.open && !bytes.Contains(got.body, []byte(route.method+" "+regexp.MustCompile(`:([a-z]+)`).ReplaceAllString(route.path, "{$1}"))) {
			t.Errorf("the reading page does not name %s %s", route.method, route.path)
		}
	}
}
