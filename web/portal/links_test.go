package portal_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sheaf-hub/sheaf/hub/billing"
)

// led is where a page leads: by links, forms and their buttons.
func led(t *testing.T, a answer) map[string]bool {
	t.Helper()
	to := map[string]bool{}
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		attribute := func(name string) string {
			for _, a := range n.Attr {
				if a.Key == name {
					return a.Val
				}
			}
			return ""
		}
		path := func(raw string) string {
			return strings.FieldsFunc(raw+"?", func(r rune) bool { return r == '?' || r == '#' })[0]
		}
		switch n.Data {
		case "a":
			if href := attribute("href"); strings.HasPrefix(href, "/") {
				to["GET "+path(href)] = true
			}
		case "form":
			to[strings.ToUpper(attribute("method"))+" "+path(attribute("action"))] = true
		case "button":
			if action := attribute("formaction"); action != "" {
				to["POST "+path(action)] = true
			}
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
	}
	walk(root)
	return to
}

// routed says whether a method and path have a handler.
func routed(w *world, methodAndPath string) bool {
	method, path, _ := strings.Cut(methodAndPath, " ")
	parts := strings.Split(path, "/")
	for _, route := range portalRoutes(w.Handlers) {
		want := strings.Split(route.path, "/")
		same := route.method == method && len(want) == len(parts)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == parts[i] || strings.HasPrefix(want[i], ":") && parts[i] != ""
		}
		if same {
			return true
		}
	}
	return false
}

// Whatever a page leads to without JavaScript has a handler.
func TestEveryLinkAndFormHasAHandler(t *testing.T) {
	w := usual(t)
	record := bill("NF-1", "100.00", "EUR", "2026-11-10")
	record.Documents = []billing.DocumentRecord{{Name: "NF-1.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 paper")}}
	w.bring(w.north, ann, nil, record)
	fresh := w.vendor("Brand New Ltd")
	w.bring(fresh, ann, nil, bill("BN-1", "5.00", "EUR", "2026-11-10"))
	fresher := w.vendor("Even Newer Ltd")
	w.bring(fresher, ann, nil, bill("EN-1", "5.00", "EUR", "2026-11-10"))
	link := w.digest(ann)
	b, reader := w.signIn(ann), w.browser()
	w.signIn(ann)
	invoice := "/me/invoices/" + w.id("NF-1")
	asked := b.post(invoice+"/questions", "text", "Why?").goes(invoice)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "invoice", w.id("AT-2")).goes("/me/quotes/")
	checkout := b.pay(review, "EUR").goes("/sandbox/")
	waiting := b.get("/me").want(200)
	pending := "/pay/" + waiting.body[strings.Index(waiting.body, "/pay/")+5:][:36]
	pages := map[string]answer{
		"sign in": reader.get("/"), "check mail": reader.post("/sign-in", "email", ann), "me": waiting, "digest": reader.get(link),
		"invoice": b.get(invoice), "digest's invoice": reader.get(link + "/invoices/" + w.id("NF-1")), "cases": b.get("/me/cases"),
		"case": b.get("/me/cases/" + asked[strings.Index(asked, "#")+1:]), "quote": b.get(review), "sandbox": b.get(checkout), "pending": b.get(pending),
		"settings": b.get("/me/settings"), "payments": b.get("/me/payments"), "mailbox": b.get("/dev/mail"), "no link": reader.get("/sign-in/x"),
	}
	receipt := b.post(checkout, "outcome", "succeed").goes("/pay/")
	pages["receipt"] = b.get(receipt)
	b.post("/me/settings/unsubscribe").goes("/me/settings")
	pages["unsubscribed"] = b.get("/me/settings")
	seen := 0
	for name, page := range pages {
		for to := range led(t, page) {
			if strings.HasPrefix(to, "GET /assets/") {
				continue // web's own
			}
			seen++
			if !routed(w, to) {
				t.Errorf("%s leads to %s, which nobody answers", name, to)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links and forms were found", seen)
	}
}

// A list of many invoices has pages; a failed form comes back on its own.
func TestManyInvoicesArePaged(t *testing.T) {
	w := newWorld(t)
	var list []billing.InvoiceRecord
	for i := range 520 {
		list = append(list, bill(fmt.Sprintf("NF-%03d", i), "10.00", "EUR", "2026-11-20"))
	}
	w.bring(w.north, ann, nil, list...)
	w.accept(ann)
	b := w.signIn(ann)
	b.get("/me?sort=number").want(200, "NF-499", "Page 1 of 2").without("NF-500")
	last := b.get("/me?sort=number&page=2").want(200, "NF-500", "NF-519", "Page 2 of 2").without("NF-499")
	if !strings.Contains(last.body, "/me?page=1&amp;sort=number") {
		t.Error("no way back")
	}
	id := w.id("NF-519")
	b.post("/me/quotes", "invoice", id, "amount-"+id, "nothing").want(422, "NF-519", "is not an amount")
	all := []string{}
	for i := range 520 {
		all = append(all, "invoice", w.id(fmt.Sprintf("NF-%03d", i)))
	}
	review := b.post("/me/quotes", all...).goes("/me/quotes/")
	receipt := b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 5,200.00")
	w.verify()
}
