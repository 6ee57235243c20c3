package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/web"
)

// TestRoutesByRole walks every route as everybody who may not use it, with the
// ids of another tenant: not found, or a way to sign in, and nothing changed.
// Then its own visitor uses it, so that a wrong id cannot pass for a refusal.
func TestRoutesByRole(t *testing.T) {
	t.Parallel()
	places, routes := table(), web.Routes()
	m := &matrix{town: newTown(t), places: places}
	m.forbidden = m.canaries()
	before := m.snapshot()
	known := map[string]bool{}
	for _, route := range routes {
		key := route.Method + " " + route.Path
		if known[key] = true; !m.inTable(key) {
			continue
		}
		m.try(route)
	}
	for key := range places {
		if !known[key] {
			t.Errorf("%s is in the table and is no route", key)
		}
	}
	if after := m.snapshot(); after != before {
		t.Errorf("somebody who may not has changed something:\n%s", firstDifference(before, after))
	}
	for _, route := range routes {
		m.own(route)
	}
	t.Logf("%d routes, %d requests refused, %d allowed", len(routes), m.refused, m.allowed)
}

// matrix is the walk.
type matrix struct {
	*town
	places           map[string]place
	forbidden        []string
	refused, allowed int
}

func (m *matrix) inTable(key string) bool {
	m.t.Helper()
	if _, found := m.places[key]; !found {
		m.t.Errorf("%s is not in the table of routes: say there who may use it", key)
		return false
	}
	return true
}

// reply is what a request was answered with.
type reply struct {
	status   int
	location string
	body     string
}

// ask sends one request without following anything. key is an API key.
func (m *matrix) ask(v *visitor, key, method, path string, p place) reply {
	m.t.Helper()
	var body io.Reader
	kind := ""
	switch {
	case p.raw != "":
		body, kind = strings.NewReader(p.raw), "application/json"
	case method != http.MethodGet:
		body, kind = strings.NewReader(m.fill(p.form).Encode()), "application/x-www-form-urlencoded"
	}
	request, err := http.NewRequest(method, m.base+path, body)
	if err != nil {
		m.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if v != nil {
		client.Jar = v.client.Jar
	}
	answer, err := client.Do(request)
	if err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		m.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{status: answer.StatusCode, location: answer.Header.Get("Location"), body: string(raw)}
}

// fill replaces what a form says in braces.
func (m *matrix) fill(values url.Values) url.Values {
	now := time.Now().UTC()
	replace := strings.NewReplacer("{invoice}", m.id("invoice"), "{staff}", m.id("staff"), "{method}", m.id("method"), "{today}", now.Format(time.DateOnly), "{soon}", now.AddDate(0, 0, 9).Format(time.DateOnly),
		"{later}", now.AddDate(0, 0, 30).Format(time.DateOnly))
	filled := url.Values{}
	for name, list := range values {
		for _, value := range list {
			filled.Add(replace.Replace(name), replace.Replace(value))
		}
	}
	return filled
}

// path puts the first tenant's ids into a route's path, and a token.
func (m *matrix) path(route web.Route, p place, token string) string {
	path := strings.ReplaceAll(route.Path, ":token", token)
	if p.id != "" {
		path = strings.NewReplacer(":id", m.id(p.id), ":ref", m.id(p.id)).Replace(path)
	}
	path = strings.NewReplacer(":name", "none.css", ":id", "none", ":account", "gateway", ":kind", "tryton").Replace(path)
	if p.query != "" {
		path += "?" + strings.NewReplacer("{account}", m.id("account"), "{contact}", m.id("contact")).Replace(p.query)
	}
	return path
}

// try is one route, as everybody who may not.
func (m *matrix) try(route web.Route) {
	m.t.Helper()
	p := m.places[route.Method+" "+route.Path]
	switch {
	case p.public:
		m.wants(route, p, "nobody", m.ask(nil, "", route.Method, m.path(route, p, "x"), p), quiet)
	case p.payer:
		m.wants(route, p, "nobody", m.ask(nil, "", route.Method, m.path(route, p, ""), p), signIn("/?next="))
		m.wants(route, p, "another customer", m.ask(m.stranger, "", route.Method, m.path(route, p, ""), p), missing)
		m.wants(route, p, "a vendor's owner", m.ask(m.owner, "", route.Method, m.path(route, p, ""), p), signIn("/?next="))
	case route.Who == web.Key:
		m.tryKey(route, p)
	case route.Who == web.Link:
		m.tryLink(route, p)
	case route.Who == web.Contact:
		m.tryPages(route, p, "/?next=", map[string]*visitor{"nobody": nil, "a vendor's owner": m.owner, "the operator": m.operator}, m.stranger)
	case route.Who == web.Staff:
		m.tryPages(route, p, "/vendor/sign-in", map[string]*visitor{"nobody": nil, "a customer": m.contact, "the operator": m.operator}, m.rival)
		if p.owner {
			m.wants(route, p, "a member", m.ask(m.member, "", route.Method, m.path(route, p, ""), p), forbiddenTo)
		}
	case route.Who == web.Operator:
		m.tryPages(route, p, "/operator/sign-in", map[string]*visitor{"nobody": nil, "a customer": m.contact, "a vendor's owner": m.owner, "a member": m.member}, nil)
	case p.harmful: // signing out: whoever is not signed in is told so, or nothing happens
		m.wants(route, p, "nobody", m.ask(nil, "", route.Method, m.path(route, p, ""), p), quiet)
	default:
		m.t.Errorf("%s %s is for %s, and the table does not say what that means", route.Method, route.Path, route.Who)
	}
}

func (m *matrix) tryPages(route web.Route, p place, door string, outside map[string]*visitor, rival *visitor) {
	m.t.Helper()
	path := m.path(route, p, "")
	for who, v := range outside {
		m.wants(route, p, who, m.ask(v, "", route.Method, path, p), signIn(door))
	}
	switch {
	case rival == nil:
	case p.id != "" && strings.Contains(route.Path, ":id"):
		m.wants(route, p, "another tenant", m.ask(rival, "", route.Method, path, p), missing)
	case route.Method == http.MethodGet:
		m.wants(route, p, "another tenant", m.ask(rival, "", route.Method, path, p), quiet)
	case strings.Contains(fmt.Sprint(p.form), "{"): // an id in the form
		m.wants(route, p, "another tenant", m.ask(rival, "", route.Method, path, p), unheard)
	}
}

func (m *matrix) tryKey(route web.Route, p place) {
	m.t.Helper()
	path := m.path(route, p, "")
	m.wants(route, p, "nobody", m.ask(nil, "", route.Method, path, p), status(http.StatusUnauthorized))
	m.wants(route, p, "a key that nobody has", m.ask(nil, m.vendors[0].APIKey+"x", route.Method, path, p), status(http.StatusUnauthorized))
	m.wants(route, p, "a session without a key", m.ask(m.owner, "", route.Method, path, p), status(http.StatusUnauthorized))
	if p.id != "" {
		m.wants(route, p, "another vendor's key", m.ask(nil, m.other.APIKey, route.Method, path, p), status(http.StatusNotFound))
		return
	}
	got := m.ask(nil, m.other.APIKey, route.Method, path, p)
	if p.raw != "" { // what it names itself comes back in what was rejected
		got.body = strings.NewReplacer("ALDX-ACCOUNT-7", "", "ALDX-ROW-1", "", "ALDX-CREDIT-1", "").Replace(got.body)
	}
	m.wants(route, p, "another vendor's key", got, quiet)
}

func (m *matrix) tryLink(route web.Route, p place) {
	m.t.Helper()
	m.wants(route, p, "a token that nobody has", m.ask(nil, "", route.Method, m.path(route, p, strings.Repeat("A", 32)), p), gone)
	m.wants(route, p, "a token that nobody has, signed in elsewhere", m.ask(m.stranger, "", route.Method, m.path(route, p, "x"), p), gone)
	if p.token != "digest" {
		return
	}
	path := m.path(route, p, m.token(m.otherLink))
	switch {
	case p.id != "":
		m.wants(route, p, "another digest's link", m.ask(nil, "", route.Method, path, p), missing)
	case route.Method == http.MethodGet:
		m.wants(route, p, "another digest's link", m.ask(nil, "", route.Method, path, p), quiet)
	default:
		m.wants(route, p, "another digest's link", m.ask(nil, "", route.Method, path, p), unheard)
	}
}

// wants judges a refusal; whatever the answer is, it holds nothing of the tenant.
func (m *matrix) wants(route web.Route, p place, who string, got reply, judge func(method string, got reply) string) {
	m.t.Helper()
	m.refused++
	if why := judge(route.Method, got); why != "" {
		m.t.Errorf("%s %s as %s: %d %s: %s\n%s", route.Method, route.Path, who, got.status, got.location, why, firstLines(got.body, 3))
	}
	if got.status >= 500 && !(p.public && got.status == http.StatusServiceUnavailable) {
		m.t.Errorf("%s %s as %s: %d", route.Method, route.Path, who, got.status)
	}
	if p.public || slices.Contains([]string{"a customer", "a member", "a vendor's owner"}, who) { // of this tenant: their own names are theirs
		return
	}
	for _, canary := range m.forbidden {
		if strings.Contains(got.body, canary) && !(p.id != "" && canary == m.id(p.id)) {
			m.t.Errorf("%s %s as %s: the answer holds %q", route.Method, route.Path, who, canary)
		}
	}
}

// The judges of refusals; "" is well.

func quiet(_ string, got reply) string {
	if got.status >= 500 {
		return "it fails"
	}
	return ""
}

func missing(_ string, got reply) string {
	if got.status != http.StatusNotFound {
		return "wanted 404"
	}
	return ""
}

func unheard(_ string, got reply) string {
	if got.status != http.StatusNotFound && got.status != http.StatusUnprocessableEntity {
		return "wanted 404 or 422"
	}
	return ""
}

func gone(_ string, got reply) string {
	if got.status != http.StatusNotFound && got.status != http.StatusGone {
		return "wanted 404 or 410"
	}
	return ""
}

func forbiddenTo(_ string, got reply) string {
	if got.status != http.StatusForbidden {
		return "wanted 403"
	}
	return ""
}

func status(want int) func(string, reply) string {
	return func(_ string, got reply) string {
		if got.status != want {
			return fmt.Sprintf("wanted %d", want)
		}
		return ""
	}
}

func signIn(door string) func(string, reply) string {
	return func(method string, got reply) string {
		if method == http.MethodGet && (got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, door)) {
			return "wanted 303 to " + door
		}
		if method != http.MethodGet && got.status != http.StatusUnauthorized {
			return "wanted 401"
		}
		return ""
	}
}

// own lets a route's own visitor use it.
func (m *matrix) own(route web.Route) {
	m.t.Helper()
	p, found := m.places[route.Method+" "+route.Path]
	if !found || p.harmful || p.public {
		return
	}
	token, key := "x", ""
	v := map[web.Who]*visitor{web.Contact: m.contact, web.Staff: m.owner, web.Operator: m.operator}[route.Who]
	switch p.token {
	case "digest":
		token = m.token(m.link)
	case "unsubscribe":
		token = m.token(m.unsubscribe)
	case "sign-in":
		return // town signed everybody in by one
	}
	switch {
	case p.payer:
		v = m.contact
	case p.invited:
		v = m.colleague
	}
	if route.Who == web.Key {
		key = m.vendors[0].APIKey
	}
	if p.token == "digest" && p.id == "quote" {
		return // the quote is the signed-in customer's, and not this link's
	}
	got := m.ask(v, key, route.Method, m.path(route, p, token), p)
	m.allowed++
	welcome := []int{http.StatusOK, http.StatusSeeOther, http.StatusConflict, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}
	if route.Method == http.MethodGet && !p.payer {
		welcome = []int{http.StatusOK}
	}
	if !slices.Contains(welcome, got.status) {
		m.t.Errorf("%s %s as who may: %d\n%s", route.Method, route.Path, got.status, firstLines(got.body, 3))
	}
}

func firstDifference(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return was[i] + "\n" + is[i]
		}
	}
	return "(one is longer)"
}
