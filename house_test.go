package sheaf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sheaf-hub/sheaf"

// room is one package as the rules of the house see it: its place below the
// module, what its shipped files import, and their sources.
type room struct {
	path    string
	imports []string
	sources map[string]string
}

// floors of the house: a room imports rooms of lower floors, and itself.
func floors() map[string]int {
	return map[string]int{
		"hub/money": 0, "hub/fault": 0, "migrations": 0,
		"hub/mail":   1,
		"hub/store":  2,
		"hub/outbox": 3, "hub/ledger": 3,
		"hub/party":   4,
		"hub/access":  5,
		"hub/billing": 6,
		"hub/cases":   7,
		"hub/payment": 8,
		"hub/gateway": 9, "hub/reminder": 9, "hub/worklist": 9, "hub/insight": 9, "hub/intake": 9,
		"hub/notify": 10,
		"hub/queue":  11, "web": 11,
		"cmd/sheaf": 12,
	}
}

// home is the room of the house that a package belongs to, "" when none.
func home(path string) string {
	for candidate := path; candidate != "." && candidate != "/"; candidate = filepath.Dir(candidate) {
		if _, known := floors()[candidate]; known {
			return candidate
		}
	}
	if path == "vendor-connectors" || strings.HasPrefix(path, "vendor-connectors/") {
		return "vendor-connectors"
	}
	return ""
}

// forTests knows the packages that serve tests alone: storetest, mailtest,
// connectortest with all below it, ….
func forTests(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(element string) bool { return strings.HasSuffix(element, "test") })
}

// isFake knows the stand-ins for a connector's books, for tests and demos.
func isFake(path string) bool {
	return under(path, "vendor-connectors") && strings.HasSuffix(path, "fake")
}

func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// violations returns every broken rule of one package, in words.
func violations(r room) []string {
	var broken []string
	for _, imported := range r.imports {
		own, ours := strings.CutPrefix(imported, module)
		if ours {
			if why := brokenArrow(r.path, strings.TrimPrefix(own, "/")); why != "" {
				broken = append(broken, fmt.Sprintf("%s imports %s: %s", r.path, strings.TrimPrefix(own, "/"), why))
			}
		} else if why := brokenLibrary(r.path, imported); why != "" {
			broken = append(broken, fmt.Sprintf("%s imports %s: %s", r.path, imported, why))
		}
	}
	names := make([]string, 0, len(r.sources))
	for name := range r.sources {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		broken = append(broken, brokenSource(r.path, name, r.sources[name])...)
	}
	return broken
}

// sharedByConnectors are the packages that any connector may use.
func sharedByConnectors(path string) bool {
	return path == "vendor-connectors/rest" || path == "vendor-connectors/signin" || path == "vendor-connectors/rounds"
}

// readsFiles lets connections whose books are a folder read what lies in it as files
// given by hand are read.
func readsFiles(from, to string) bool {
	return under(from, "vendor-connectors/files") && (to == "vendor-connectors/csv" || to == "vendor-connectors/einvoice")
}

// brokenArrow judges an import of one of our packages by another.
func brokenArrow(from, to string) string {
	fromHome, toHome := home(from), home(to)
	switch {
	case fromHome == "":
		return "this package has no place in the house: give it a floor in house_test.go"
	case toHome == "":
		return "the imported package has no place in the house: give it a floor in house_test.go"
	case forTests(to) && !forTests(from) && !isFake(from):
		return "a package for tests is imported by one that ships"
	case isFake(to) && !isFake(from) && !forTests(from) && fromHome != "cmd/sheaf":
		return "a fake is for tests and demos"
	case isFake(from) && forTests(to):
		return ""
	case fromHome == "vendor-connectors":
		if to == "hub/money" || (to == "vendor-connectors" && from != to) || under(to, from) || forTests(from) && (under(from, to) || under(to, "vendor-connectors/connectortest")) || sharedByConnectors(to) && !sharedByConnectors(from) || readsFiles(from, to) {
			return ""
		}
		return "a connector knows hub/money, the root of the connectors, rest, rounds and signin alone"
	case toHome == "vendor-connectors":
		return brokenConnector(from, fromHome, to)
	case from == to || fromHome == toHome && fromHome != "hub/mail" && fromHome != "hub/gateway":
		return ""
	case under(to, "hub/gateway/stripe") || under(to, "hub/gateway/sandbox") || under(to, "hub/mail/smtp") || under(to, "hub/mail/captured"):
		if fromHome != "cmd/sheaf" && !under(from, to) && !forTests(from) {
			return "only cmd/sheaf wires gateways and mailers"
		}
		return ""
	case fromHome == toHome:
		return ""
	case floors()[toHome] >= floors()[fromHome]:
		return "arrows go down only, and this one does not"
	}
	return ""
}

// brokenConnector judges who may know the connectors.
func brokenConnector(from, fromHome, to string) string {
	if to == "vendor-connectors" {
		if floors()[fromHome] >= floors()["hub/intake"] {
			return ""
		}
		return "only intake and what stands above it knows the connectors' records"
	}
	if fromHome == "cmd/sheaf" || (under(to, "vendor-connectors/push") && under(from, "web/api")) {
		return ""
	}
	return "only cmd/sheaf imports concrete connectors (and web/api the pushed one)"
}

// brokenLibrary judges an import of a foreign package.
func brokenLibrary(from, imported string) string {
	if strings.HasPrefix(imported, "github.com/stripe/stripe-go") && !under(from, "hub/gateway/stripe") {
		return "only hub/gateway/stripe knows stripe-go"
	}
	if !under(from, "hub") || under(from, "hub/queue") {
		return ""
	}
	for _, library := range []string{"github.com/gofiber/", "github.com/valyala/fasthttp", "github.com/hibiken/asynq"} {
		if strings.HasPrefix(imported, library) {
			return "the domain knows neither Fiber nor Asynq"
		}
	}
	return ""
}

// brokenSource judges what a file says: clocks, init and loose goroutines.
func brokenSource(path, name, source string) []string {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return []string{fmt.Sprintf("%s/%s cannot be read: %v", path, name, err)}
	}
	var broken []string
	report := func(at token.Pos, what string) {
		broken = append(broken, fmt.Sprintf("%s/%s:%d: %s", path, name, files.Position(at).Line, what))
	}
	clockName := importedAs(file, "time")
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if node.Recv == nil && node.Name.Name == "init" {
				report(node.Pos(), "init() runs unasked; call it from main instead")
			}
		case *ast.GoStmt:
			if (under(path, "hub") || under(path, "web")) && !under(path, "hub/queue") && !forTests(path) {
				report(node.Pos(), "a loose goroutine; work that outlives a call belongs to hub/queue")
			}
		case *ast.CallExpr:
			selector, ok := node.Fun.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "Now" || !under(path, "hub") || forTests(path) {
				return true
			}
			if on, ok := selector.X.(*ast.Ident); ok && on.Name == clockName {
				report(node.Pos(), "time.Now() under hub/; time is given, as a field Now")
			}
		}
		return true
	})
	return broken
}

// importedAs is the name under which a file knows a package, "" when it does not.
func importedAs(file *ast.File, path string) string {
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path
	}
	return ""
}

// rooms lists every package of the module with what it ships.
func rooms(t *testing.T) []room {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=Dir,ImportPath,Imports,GoFiles,CgoFiles", "./...")
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, problems.String())
	}
	var found []room
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var listed struct {
			Dir, ImportPath            string
			Imports, GoFiles, CgoFiles []string
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		r := room{path: strings.TrimPrefix(strings.TrimPrefix(listed.ImportPath, module), "/"), imports: listed.Imports, sources: map[string]string{}}
		for _, name := range append(listed.GoFiles, listed.CgoFiles...) {
			source, err := os.ReadFile(filepath.Join(listed.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			r.sources[name] = string(source)
		}
		found = append(found, r)
	}
}

// TestHouse holds the arrows of the house in every package that ships.
func TestHouse(t *testing.T) {
	all := rooms(t)
	if !slices.ContainsFunc(all, func(r room) bool { return r.path == "hub/money" && len(r.sources) > 0 }) {
		t.Fatalf("hub/money is not among the %d packages found: the list cannot be right", len(all))
	}
	for _, r := range all {
		for _, broken := range violations(r) {
			t.Error(broken)
		}
	}
}

// TestHouseRules breaks every rule once, so that none of them is only for show.
func TestHouseRules(t *testing.T) {
	for _, c := range []struct {
		from, to string // to without a host is one of ours
		ok       bool
	}{
		{"hub/store", "hub/money", true},
		{"hub/store", "migrations", true},
		{"hub/money", "hub/store", false},
		{"hub/ledger", "hub/outbox", false},
		{"hub/party", "hub/ledger", true},
		{"hub/party", "hub/access", false},
		{"hub/payment", "hub/cases", true},
		{"hub/reminder", "hub/insight", false},
		{"hub/notify", "hub/intake", true},
		{"hub/notify/outbound", "hub/notify/standardwebhooks", true},
		{"hub/queue", "web", false},
		{"web/portal", "hub/queue", false},
		{"web/portal", "web/ui", true},
		{"cmd/sheaf", "web", true},
		{"hub/reminder", "hub/mail", true},
		{"hub/outbox", "hub/mail", true},
		{"hub/mail", "hub/store", false},
		{"hub/reminder", "hub/mail/smtp", false},
		{"web", "hub/mail/captured", false},
		{"cmd/sheaf", "hub/mail/smtp", true},
		{"cmd/sheaf", "hub/mail/mailtest", false},
		{"hub/party", "hub/store/storetest", false},
		{"hub/store/storetest", "hub/store", true},
		{"hub/mail/letter", "hub/money", true},
		{"hub/mail/smtp", "hub/mail/rfc822", true},
		{"hub/mail/smtp", "hub/mail/captured", false},
		{"hub/gateway/stripe", "hub/payment", true},
		{"hub/payment", "hub/gateway/stripe", false},
		{"hub/gateway/sandbox", "hub/gateway/stripe", false},
		{"web/hooks", "hub/gateway/stripe", false},
		{"cmd/sheaf", "hub/gateway/stripe", true},
		{"vendor-connectors", "hub/money", true},
		{"vendor-connectors", "hub/billing", false},
		{"vendor-connectors/csv", "vendor-connectors", true},
		{"vendor-connectors/csv", "hub/store", false},
		{"vendor-connectors/csv", "vendor-connectors/push", false},
		{"vendor-connectors/files", "vendor-connectors/csv", true},
		{"vendor-connectors/files", "vendor-connectors/push", false},
		{"vendor-connectors/csv", "vendor-connectors/einvoice", false},
		{"vendor-connectors", "vendor-connectors/csv", true}, // its own subfolder; the compiler refuses the cycle
		{"vendor-connectors/csv", "vendor-connectors/rounds", true},
		{"vendor-connectors/xero/xerofake", "vendor-connectors/connectortest/trouble", true},
		{"vendor-connectors/connectortest/trouble", "vendor-connectors/connectortest", true},
		{"vendor-connectors/xero", "vendor-connectors/connectortest/trouble", false},
		{"vendor-connectors/xero", "vendor-connectors/xero/xerofake", false},
		{"cmd/sheaf", "vendor-connectors/xero/xerofake", true},
		{"hub/intake", "vendor-connectors", true},
		{"hub/billing", "vendor-connectors", false},
		{"hub/intake", "vendor-connectors/csv", false},
		{"cmd/sheaf", "vendor-connectors/csv", true},
		{"web/api", "vendor-connectors/push", true},
		{"web/api", "vendor-connectors/csv", false},
		{"web/portal", "vendor-connectors/push", false},
		{"hub/attic", "hub/money", false},
		{"hub/payment", "internal/things", false},
		{"hub/party", "github.com/gofiber/fiber/v2", false},
		{"hub/notify", "github.com/hibiken/asynq", false},
		{"hub/queue", "github.com/hibiken/asynq", true},
		{"web", "github.com/gofiber/fiber/v2", true},
		{"hub/payment", "github.com/stripe/stripe-go/v76", false},
		{"cmd/sheaf", "github.com/stripe/stripe-go/v76/client", false},
		{"hub/gateway/stripe", "github.com/stripe/stripe-go/v76/client", true},
		{"hub/party", "github.com/uptrace/bun", true},
	} {
		imported := c.to
		if !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
			imported = module + "/" + imported
		}
		if broken := violations(room{path: c.from, imports: []string{imported}}); (len(broken) == 0) != c.ok {
			t.Errorf("%s importing %s: %q", c.from, c.to, broken)
		}
	}
}

// TestHouseSources does the same for what files may not say.
func TestHouseSources(t *testing.T) {
	for _, c := range []struct {
		path, source, words string
	}{
		{"hub/party", `package p; import "time"; var x = time.Now()`, "time.Now()"},
		{"hub/party", `package p; import clock "time"; func f() { clock.Now() }`, "time.Now()"},
		{"hub/party", `package p; type s struct{ time interface{ Now() int } }; func (s s) f() int { return s.time.Now() }`, ""},
		{"hub/party", `package p; // time.Now() in words alone`, ""},
		{"hub/mail/mailtest", `package p; import "time"; func f() { go f(); time.Now() }`, ""},
		{"web", `package p; import "time"; var x = time.Now()`, ""},
		{"web", `package p; func init() {}`, "init()"},
		{"cmd/sheaf", `package p; func init() {}`, "init()"},
		{"vendor-connectors/csv", `package p; func init() {}`, "init()"},
		{"web", `package p; type t int; func (t) init() {}`, ""},
		{"hub/party", `package p; func f() { go func() {}() }`, "goroutine"},
		{"web/portal", `package p; func f() { if true { go f() } }`, "goroutine"},
		{"hub/queue", `package p; func f() { go f() }`, ""},
		{"cmd/sheaf", `package p; func f() { go f() }`, ""},
		{"hub/party", `package p; func f( {`, "cannot be read"},
	} {
		broken := strings.Join(violations(room{path: c.path, sources: map[string]string{"x.go": c.source}}), "\n")
		if (broken == "") != (c.words == "") || !strings.Contains(broken, c.words) {
			t.Errorf("%s: %s\ngives %q", c.path, c.source, broken)
		}
	}
}
