package xero

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

// samples is the folder of Xero's own OpenAPI descriptions, which are not part of
// this project: ../shared/samples beside it, or what SHEAF_SAMPLES names.
func samples() string {
	if folder := os.Getenv("SHEAF_SAMPLES"); folder != "" {
		return filepath.Join(folder, "xero")
	}
	return filepath.Join("..", "..", "..", "shared", "samples", "xero")
}

// described is Xero's description of its API with a finder of routes; nil when the
// samples are not here.
type described struct {
	document *openapi3.T
	router   routers.Router
}

var describe = sync.OnceValues(func() (*described, error) {
	file := filepath.Join(samples(), "xero_accounting.yaml")
	if _, err := os.Stat(file); err != nil {
		return nil, nil
	}
	document, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(document)
	return &described{document: document, router: router}, err
})

// checked counts the calls that were held against the description.
var checked atomic.Int64

// watch holds every call of the fake, and its answer, against Xero's description.
func watch(t *testing.T) func(xerofake.Exchange) {
	t.Helper()
	found, err := describe()
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		t.Logf("Xero's OpenAPI description is not in %s: calls are not held against it (SHEAF_SAMPLES names the folder)", samples())
		return nil
	}
	return func(exchange xerofake.Exchange) {
		if err := found.check(exchange); err != nil {
			t.Errorf("%s %s?%s (%d): %v", exchange.Method, exchange.Path, exchange.Query, exchange.Status, err)
		}
		checked.Add(1)
	}
}

// check holds one exchange against the description. Its PDFs stand there under a path
// of their own, though the record's is the one to call.
func (d *described) check(exchange xerofake.Exchange) error {
	path := exchange.Path
	header := http.Header(exchange.Header)
	if header.Get("Accept") == "application/pdf" && exchange.Method == http.MethodGet && !strings.Contains(path, "Attachments") {
		path += "/pdf"
	}
	request := &http.Request{Method: exchange.Method, Header: header, Body: io.NopCloser(bytes.NewReader(exchange.Body)), Host: "api.xero.com",
		URL: &url.URL{Scheme: "https", Host: "api.xero.com", Path: "/api.xro/2.0" + path, RawQuery: exchange.Query}}
	route, parameters, err := d.router.FindRoute(request)
	if err != nil {
		return err
	}
	options := &openapi3filter.Options{SkipSettingDefaults: true, IncludeResponseStatus: exchange.Status < 400, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: exchange.Status,
		Header: exchange.AnswerHeader, Body: io.NopCloser(bytes.NewReader(exchange.Answer)), Options: options})
}

// TestTheDescriptionHasTeeth: calls are held against it, and a wrong one is found.
func TestTheDescriptionHasTeeth(t *testing.T) {
	found, err := describe()
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		t.Skip("Xero's OpenAPI description is not in ", samples(), ": set SHEAF_SAMPLES to the folder of the samples")
	}
	before := checked.Load()
	w := newWorld(t, xerofake.Config{})
	if err := w.client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if checked.Load() == before {
		t.Error("no call was held against the description")
	}
	good := xerofake.Exchange{Method: http.MethodPut, Path: "/Payments", Header: http.Header{"Xero-Tenant-Id": {w.fake.Tenant()}, "Content-Type": {"application/json"}},
		Body: []byte(`{"Payments":[{"Amount":1}]}`), Status: http.StatusOK, AnswerHeader: http.Header{"Content-Type": {"application/json"}}, Answer: []byte(`{"Payments":[]}`)}
	if err := found.check(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*xerofake.Exchange){
		"an amount as text":   func(e *xerofake.Exchange) { e.Body = []byte(`{"Payments":[{"Amount":"1"}]}`) },
		"no tenant":           func(e *xerofake.Exchange) { e.Header = http.Header{"Content-Type": {"application/json"}} },
		"another path":        func(e *xerofake.Exchange) { e.Path = "/Payment" },
		"an answer's status":  func(e *xerofake.Exchange) { e.Status = http.StatusCreated },
		"an unknown status":   func(e *xerofake.Exchange) { e.Answer = []byte(`{"Payments":[{"Status":"BOOKED"}]}`) },
		"a list that is none": func(e *xerofake.Exchange) { e.Answer = []byte(`{"Payments":{}}`) },
	} {
		bad := good
		change(&bad)
		if err := found.check(bad); err == nil {
			t.Errorf("%s went unnoticed", name)
		}
	}
}
