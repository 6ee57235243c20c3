package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// visitor is a browser without JavaScript: it keeps cookies, follows redirects,
// reads forms and submits them.
type visitor struct {
	client *http.Client
}

func newVisitor(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{client: &http.Client{Jar: jar, Timeout: 40 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// sheet is a page that the visitor looks at.
type sheet struct {
	URL    *url.URL
	Status int
	Header http.Header
	Raw    []byte
	root   *html.Node
}

func (v *visitor) do(request *http.Request) (*sheet, error) {
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
	answer, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	s := &sheet{URL: answer.Request.URL, Status: answer.StatusCode, Header: answer.Header, Raw: raw}
	s.root, err = html.Parse(bytes.NewReader(raw))
	return s, err
}

// get opens an address.
func (v *visitor) get(address string) (*sheet, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return v.do(request)
}

// open is get that wants a page.
func (v *visitor) open(t testing.TB, address string) *sheet {
	t.Helper()
	s, err := v.get(address)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	if s.Status != http.StatusOK {
		t.Fatalf("%s: %d\n%s", address, s.Status, s.text())
	}
	return s
}

// text is what a reader sees, on one line.
func (s *sheet) text() string {
	var words strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "svg", "head"}, n.Data) {
			return
		}
		if n.Type == html.TextNode {
			words.WriteString(n.Data + " ")
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(s.root)
	return strings.Join(strings.Fields(words.String()), " ")
}

// find returns the elements that a question says yes to.
func find(n *html.Node, is func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	if n.Type == html.ElementNode && is(n) {
		found = append(found, n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		found = append(found, find(child, is)...)
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// links are the addresses that a page leads to.
func (s *sheet) links() []string {
	var all []string
	for _, a := range find(s.root, func(n *html.Node) bool { return n.Data == "a" && attr(n, "href") != "" }) {
		if target, err := s.URL.Parse(attr(a, "href")); err == nil {
			all = append(all, target.String())
		}
	}
	return all
}

// link finds the address that holds a text.
func (s *sheet) link(part string) (string, bool) {
	for _, address := range s.links() {
		if strings.Contains(address, part) {
			return address, true
		}
	}
	return "", false
}

// form is one that can be filled in and sent.
type form struct {
	sheet     *sheet
	node      *html.Node
	Values    url.Values
	File      []byte // goes with the name "file" where the form takes files
	FileName  string
	action    string
	multipart bool
}

// form finds the first form that a question says yes to.
func (s *sheet) form(is func(*html.Node) bool) (*form, bool) {
	found := find(s.root, func(n *html.Node) bool { return n.Data == "form" && is(n) })
	if len(found) == 0 {
		return nil, false
	}
	f := &form{sheet: s, node: found[0], Values: url.Values{}, action: attr(found[0], "action"), multipart: attr(found[0], "enctype") == "multipart/form-data"}
	id := attr(f.node, "id")
	fields := find(s.root, func(n *html.Node) bool {
		return slices.Contains([]string{"input", "select", "textarea"}, n.Data) && (inside(n, f.node) && !hasAttr(n, "form") || id != "" && attr(n, "form") == id)
	})
	for _, field := range fields {
		f.prefill(field)
	}
	return f, true
}

// byAction finds a form by a part of its action.
func (s *sheet) byAction(part string) (*form, bool) {
	return s.form(func(n *html.Node) bool { return strings.Contains(attr(n, "action"), part) })
}

func inside(n, ancestor *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == ancestor {
			return true
		}
	}
	return false
}

// prefill takes a field as the page shows it.
func (f *form) prefill(field *html.Node) {
	name := attr(field, "name")
	if name == "" || hasAttr(field, "disabled") {
		return
	}
	switch {
	case field.Data == "textarea":
		f.Values.Set(name, textOf(field))
	case field.Data == "select":
		options := find(field, func(n *html.Node) bool { return n.Data == "option" })
		for i, option := range options {
			if i == 0 || hasAttr(option, "selected") {
				f.Values.Set(name, attr(option, "value"))
			}
		}
	case attr(field, "type") == "checkbox" || attr(field, "type") == "radio":
		if hasAttr(field, "checked") {
			f.Values.Add(name, attr(field, "value"))
		}
	case attr(field, "type") == "file" || attr(field, "type") == "submit":
	default:
		f.Values.Add(name, attr(field, "value"))
	}
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var all strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		all.WriteString(textOf(child))
	}
	return all.String()
}

// choices are the values of the boxes of a name that can be ticked.
func (f *form) choices(name string) []string {
	var values []string
	for _, box := range find(f.sheet.root, func(n *html.Node) bool {
		return n.Data == "input" && attr(n, "type") == "checkbox" && attr(n, "name") == name && !hasAttr(n, "disabled")
	}) {
		values = append(values, attr(box, "value"))
	}
	return values
}

// submit sends the form, by a button where a name and value are given.
func (v *visitor) submit(f *form, button ...string) (*sheet, error) {
	target, err := f.sheet.URL.Parse(f.action)
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for name, list := range f.Values {
		values[name] = list
	}
	if len(button) == 2 {
		values.Set(button[0], button[1])
	}
	if !strings.EqualFold(attr(f.node, "method"), "post") {
		target.RawQuery = values.Encode()
		return v.get(target.String())
	}
	body, kind, err := f.encode(values)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Origin", f.sheet.URL.Scheme+"://"+f.sheet.URL.Host)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(request)
}

func (f *form) encode(values url.Values) (io.Reader, string, error) {
	if !f.multipart {
		return strings.NewReader(values.Encode()), "application/x-www-form-urlencoded", nil
	}
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	for name, list := range values {
		for _, value := range list {
			if err := writer.WriteField(name, value); err != nil {
				return nil, "", err
			}
		}
	}
	part, err := writer.CreateFormFile("file", f.FileName) // a browser sends an empty one too
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(f.File); err != nil {
		return nil, "", err
	}
	return &body, writer.FormDataContentType(), writer.Close()
}

// must turns an answer into a page, or ends the test.
func must(t testing.TB, s *sheet, err error) *sheet {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if s.Status >= 400 {
		t.Fatalf("%s: %d\n%s", s.URL, s.Status, tail(s.text(), 1500))
	}
	return s
}

// pay walks from a list of invoices to the receipt: all ticked, checked, and the
// sandbox's page ended by a button. ready is false when nothing could be ticked.
func (v *visitor) pay(list *sheet, outcome string) (receipt *sheet, ready bool, err error) {
	f, found := list.form(func(n *html.Node) bool { return attr(n, "id") == "pay" })
	if !found || len(f.choices("invoice")) == 0 {
		return nil, false, nil
	}
	f.Values["invoice"] = f.choices("invoice")
	f.Values["credit"] = f.choices("credit")
	checkout, err := v.check(f)
	if err != nil {
		return nil, true, err
	}
	receipt, err = v.press(checkout, outcome)
	return receipt, true, err
}

// check sends the pay form and goes on to the gateway's page.
func (v *visitor) check(f *form) (*sheet, error) {
	quote, err := v.submit(f)
	if err != nil {
		return nil, err
	}
	confirm, found := quote.form(func(n *html.Node) bool { return strings.HasSuffix(attr(n, "action"), "/payments") })
	if !found {
		return nil, fmt.Errorf("%s (%d) has nothing to confirm: %s", quote.URL.Path, quote.Status, tail(quote.text(), 600))
	}
	return v.submit(confirm)
}

// press ends the sandbox's page.
func (v *visitor) press(checkout *sheet, outcome string) (*sheet, error) {
	decide, found := checkout.byAction("/sandbox/checkout/")
	if !found {
		return nil, fmt.Errorf("%s (%d) is no page to pay at: %s", checkout.URL.Path, checkout.Status, tail(checkout.text(), 600))
	}
	return v.submit(decide, "outcome", outcome)
}

// hasPaid knows the notice of a payment that is settled or on its way.
func hasPaid(n *html.Node) bool { return hasAttr(n, "data-paid") }
