// Package uitest holds pages to the rules that the security policy and readers
// rely on, and takes pictures of them.
package uitest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

// Page is one page as fixtures fill it.
type Page struct {
	Name string
	Body templ.Component
}

// Render gives a page's bytes.
func Render(t *testing.T, component templ.Component) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := component.Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Check fails for every rule that a page breaks: one h1, ids once, labels on
// all fields, references that lead somewhere, no inline style or script, no
// form in a form, every button named.
func Check(t *testing.T, page []byte) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	check := pageCheck{ids: map[string]bool{}, labels: map[string]bool{}}
	check.walk(doc)
	for _, problem := range check.problems() {
		t.Error(problem)
	}
}

type pageCheck struct {
	ids    map[string]bool
	labels map[string]bool
	refs   []string // ids that something points to
	fields []string // ids of fields without an aria-label
	found  []string
	h1     int
}

func (c *pageCheck) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		c.element(n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.walk(child)
	}
}

func (c *pageCheck) element(n *html.Node) {
	attributes := map[string]string{}
	for _, a := range n.Attr {
		attributes[a.Key] = a.Val
	}
	if id, ok := attributes["id"]; ok {
		if c.ids[id] || id == "" {
			c.found = append(c.found, "the id "+id+" stands twice or is empty")
		}
		c.ids[id] = true
	}
	for key := range attributes {
		if key == "style" || strings.HasPrefix(key, "on") {
			c.found = append(c.found, "an inline "+key+" on "+n.Data)
		}
	}
	for _, key := range []string{"aria-labelledby", "aria-describedby", "for"} {
		c.refs = append(c.refs, strings.Fields(attributes[key])...)
	}
	switch n.Data {
	case "h1":
		c.h1++
	case "script":
		if attributes["src"] == "" {
			c.found = append(c.found, "an inline script")
		}
	case "label":
		c.labels[attributes["for"]] = true
	case "form":
		c.form(n, attributes)
	case "a", "button":
		if strings.TrimSpace(text(n)) == "" && attributes["aria-label"] == "" {
			c.found = append(c.found, n.Data+" without a name: "+attributes["href"])
		}
	case "input", "select", "textarea":
		if attributes["aria-label"] == "" && attributes["type"] != "hidden" {
			c.fields = append(c.fields, attributes["id"])
		}
	}
}

func (c *pageCheck) form(n *html.Node, attributes map[string]string) {
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Data == "form" {
			c.found = append(c.found, "a form in a form")
		}
	}
	if attributes["action"] == "" {
		c.found = append(c.found, "a form without an action")
	}
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var all strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		all.WriteString(text(child))
	}
	return all.String()
}

func (c *pageCheck) problems() []string {
	for _, ref := range c.refs {
		if !c.ids[ref] {
			c.found = append(c.found, "something points to the id "+ref+", which is not there")
		}
	}
	for _, id := range c.fields {
		if !c.labels[id] {
			c.found = append(c.found, "the field "+id+" has no label")
		}
	}
	if c.h1 != 1 {
		c.found = append(c.found, fmt.Sprintf("%d h1 instead of one", c.h1))
	}
	return c.found
}
