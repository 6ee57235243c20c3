package portal_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	casesroom "github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// upload posts a form with one file.
func (b *browser) upload(path, field, name, content string, pairs ...string) answer {
	b.w.t.Helper()
	body := &bytes.Buffer{}
	form := multipart.NewWriter(body)
	for i := 0; i < len(pairs); i += 2 {
		b.w.must(form.WriteField(pairs[i], pairs[i+1]))
	}
	part, err := form.CreateFormFile(field, name)
	b.w.must(err)
	_, err = part.Write([]byte(content))
	b.w.must(err)
	b.w.must(form.Close())
	request, err := http.NewRequest(http.MethodPost, path, body)
	b.w.must(err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(request)
}

func TestQuestionAnswerReplyWithdraw(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	page := "/me/invoices/" + w.id("NF-1")
	b.get(page).want(200, "Invoice NF-1", "Oak boards", "Marit Solberg", "EUR 100.00", "Ask a question", "Ask to pay in instalments")
	b.post(page+"/questions", "text", "  ").want(422, "Write something first.")
	case1 := b.post(page+"/questions", "text", "Which order was this?").goes(page + "#")
	id := case1[strings.Index(case1, "#")+1:]
	b.get(page).want(200, "Your question was sent.", "Which order was this?", "Waits for the vendor")
	staff := access.Actor{Kind: access.KindStaff, ID: "s", Name: "Marit", VendorID: w.north.ID}
	_, err := w.Cases.Answer(context.Background(), staff, w.north.ID, id, "Order 12 <b>of</b> May.")
	w.must(err)
	b.get("/me/cases").want(200, "Question, NF-1", "Answered", "Northwind Freight").without("<b>of</b>")
	b.get("/me/cases?state=resolved").want(200, "None like that")
	b.get("/me/cases/"+id).want(200, "Question on invoice NF-1", "Order 12")
	b.post("/me/cases/"+id+"/messages", "text", "").want(422, "Write something first.")
	b.upload("/me/cases/"+id+"/messages", "file", "note.exe", "MZ", "text", "look").want(422, "Choose a PDF or a picture", "look")
	b.post("/me/cases/"+id+"/messages", "text", "Thank you.").goes("/me/cases/" + id)
	b.post("/me/cases/" + id + "/withdrawal").goes("/me/cases/" + id)
	b.get("/me/cases/"+id).want(200, "Your question is withdrawn.", "Withdrawn")
	b.post("/me/cases/"+id+"/messages", "text", "More").want(409, "was withdrawn meanwhile")
	other := w.signIn(bob)
	other.get("/me/cases/" + id).want(404)
	other.post("/me/cases/"+id+"/messages", "text", "x").want(404)
	other.post("/me/cases/" + id + "/withdrawal").want(404)
	other.get(page).want(404)
	other.post(page+"/questions", "text", "x").want(404)
}

func TestDisputeWithAFile(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	page := "/me/invoices/" + w.id("NF-1")
	b.upload(page+"/disputes", "file", "x.pdf", "%PDF-1.4 x", "reason", "", "amount", "1,5", "note", "Two boards were split").
		want(422, "Choose what is wrong with the invoice.", "Two boards were split")
	b.upload(page+"/disputes", "file", "x.pdf", "%PDF-1.4 x", "reason", "damaged", "amount", "1,5", "note", "Two boards were split").
		want(422, "Write an amount in EUR")
	big := "%PDF-1.4" + strings.Repeat("x", billing.MostDocumentBytes)
	b.upload(page+"/disputes", "file", "x.pdf", big, "reason", "damaged").want(422, "larger than 10 MB")
	b.upload(page+"/disputes", "file", `../"Ünï;.pdf`, "%PDF-1.4 x", "reason", "damaged", "amount", "40.00", "note", "Two boards were split").goes(page + "#")
	shown := b.get(page).want(200, "Dispute", "EUR 40.00", "Two boards were split", "EUR 40.00 in dispute")
	path := regexp.MustCompile(`/me/documents/[0-9a-f-]+`).FindString(shown.body)
	file := b.get(path).want(200)
	if file.body != "%PDF-1.4 x" || file.header.Get("Content-Type") != "application/octet-stream" || file.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(file.header.Get("Content-Disposition"), `attachment; filename="`) || !strings.Contains(file.header.Get("Content-Disposition"), "%C3%9Cn%C3%AF%3B.pdf") {
		t.Errorf("download: %q %v", file.body, file.header)
	}
	if inline := b.get(path + "?view=1").want(200); inline.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(inline.header.Get("Content-Disposition"), "inline;") {
		t.Errorf("view: %v", inline.header)
	}
	w.signIn(bob).get(path).want(404)
	w.browser().get(path).goes("/?next=")
	b.post(page+"/disputes", "reason", "damaged").want(409, "There is an open dispute for this invoice already.")
	b.get("/me").want(200, "EUR 40.00 in dispute")
	b.get("/me?select=overdue").want(200, "1 invoice ticked") // AT-1 alone: what is disputed is not asked for
}

func TestPromiseNoticeAndPlan(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	page := "/me/invoices/" + w.id("NF-1")
	b.post(page+"/promises", "date", "soon").want(422, "Write a date like 2026-11-24.")
	b.post(page+"/promises", "date", "2027-11-24").want(422, "Choose a date from")
	b.post(page+"/promises", "date", "2026-12-01", "note", "After the fair").goes(page + "#")
	b.get(page).want(200, "Promised for 1 Dec", "After the fair", "You have said so already, above.")
	page = "/me/invoices/" + w.id("AT-1")
	b.post(page+"/notices", "method", "", "date", "2026-11-20").want(422, "Choose how you paid.")
	b.post(page+"/notices", "method", "cheque", "number", "004711", "date", "2026-11-20", "address", "PO Box 1").goes(page + "#")
	b.get(page).want(200, "004711", "PO Box 1", "You said it is on its way")
	page = "/me/invoices/" + w.id("NF-2")
	b.post(page+"/plans", "on-0", "2026-12-01", "amount-0", "100").want(422, "Propose 2 to 12 instalments.")
	kept := b.post(page+"/plans", "on-0", "2026-12-01", "amount-0", "100", "on-2", "never", "amount-2", "150").want(422, "Write a date like")
	if kept.field("on-2") != "never" || !strings.Contains(kept.body, `href="#plan-on-2"`) {
		t.Error("the second instalment's row is lost, or not pointed at")
	}
	b.post(page+"/plans", "on-0", "2026-12-01", "amount-0", "100", "on-1", "2027-01-02", "amount-1", "149").want(422, "The instalments come to EUR 249.00")
	b.post(page+"/plans", "on-0", "2026-12-01", "amount-0", "100", "on-1", "2027-01-02", "amount-1", "150").goes(page + "#")
	b.get(page).want(200, "Payment plan", "EUR 150.00")
	b.get("/me/cases").want(200, "Promise to pay, NF-1", "Payment notice, AT-1", "Payment plan, NF-2")
}

func TestDigestLinkReadsAndDoesNotTell(t *testing.T) {
	w := usual(t)
	record := bill("NF-1", "100.00", "EUR", "2026-11-10")
	record.Documents = []billing.DocumentRecord{{Name: "NF-1.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 paper")},
		{Name: "page.html", ContentType: "text/html", Content: []byte("<script>alert(1)</script>")}}
	w.bring(w.north, ann, nil, record)
	signedIn := w.signIn(ann)
	signedIn.post("/me/invoices/"+w.id("NF-1")+"/questions", "text", "A secret question").goes("/me/")
	link := w.digest(ann)
	b := w.browser()
	if papers := strings.Count(b.get(link).want(200).body, `class="paper" href="`+link+`/documents/`); papers != 2 {
		t.Errorf("%d papers beside the row", papers)
	}
	shown := b.get(link+"/invoices/"+w.id("NF-1")).want(200, "Pay this invoice", "NF-1.pdf").without("A secret question", "Ask a question", "/me/documents")
	paper := regexp.MustCompile(`/d/[A-Za-z0-9_-]+/documents/[0-9a-f-]+`).FindAllString(shown.body, -1)
	if b.get(paper[0]).want(200).body != "%PDF-1.4 paper" {
		t.Error("another paper")
	}
	page := b.get(paper[len(paper)-1] + "?view=1").want(200)
	if page.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(page.header.Get("Content-Disposition"), "attachment") || !strings.Contains(page.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("HTML from a vendor is shown: %v", page.header)
	}
	b.post("/me/invoices/"+w.id("NF-1")+"/questions", "text", "x").want(401)
	b.get(link + "/invoices/" + w.id("BOB-1")).want(404)
	stranger := w.digest(bob)
	b.get(strings.Replace(paper[0], link, stranger, 1)).want(404)
}

func TestNewVendorsWaitForAYes(t *testing.T) {
	w := newWorld(t)
	note := bill("NF-1", "100.00", "EUR", "2026-11-10")
	note.Note, note.PurchaseOrder = "Call 0900-EVIL now", "PO-EVIL"
	w.bring(w.north, ann, nil, note)
	w.bring(w.timber, ann, nil, bill("AT-1", "40.00", "EUR", "2026-11-20"))
	b := w.signIn(ann)
	b.get("/me").want(200, "New vendors", "Northwind Freight", "Alder Timber", "These are all mine").without("EVIL", "Marit Solberg")
	b.get("/me/invoices/"+w.id("NF-1")).want(200).without("EVIL", "Marit Solberg")
	b.get("/me?select=all").want(200, "Tick what you want to pay.")
	b.post("/me/vendors/"+w.north.ID, "answer", "not-mine").goes("/me")
	b.get("/me").want(200, "Alder Timber").without("Northwind Freight")
	tasks, err := w.DB.NewSelect().Table("tasks").Where("kind = 'not_mine'").Count(context.Background())
	if err != nil || tasks != 1 {
		t.Errorf("the operator has %d tasks: %v", tasks, err)
	}
	b.post("/me/vendors", "answer", "all-mine").goes("/me")
	b.get("/me").want(200, "Alder Timber", "Marit Solberg").without("New vendors", "Northwind Freight")
	b.get("/me/settings").want(200, "Not your vendors", "Northwind Freight", "It is mine").without("Alder Timber")
	b.post("/me/vendors/"+w.north.ID, "answer", "mine").goes("/me")
	b.get("/me/settings").want(200).without("Not your vendors")
	b.get("/me").want(200, "Northwind Freight", "PO-EVIL")
	b.post("/me/vendors/"+store.NewID(), "answer", "not-mine").want(404)
	b.post("/me/vendors", "answer", "?").want(422)
	audits, err := w.DB.NewSelect().Table("audit_log").Where("action = 'vendor.answered'").Count(context.Background())
	if err != nil || audits != 3 {
		t.Errorf("%d audit entries: %v", audits, err)
	}
}

func TestPayingANewVendorIsAYes(t *testing.T) {
	w := newWorld(t)
	w.bring(w.north, ann, nil, bill("NF-1", "100.00", "EUR", "2026-11-10"), bill("NF-2", "1.00", "EUR", "2026-11-10"))
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1")).goes("/me/quotes/")
	b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get("/me").want(200, "Northwind Freight", "NF-2").without("New vendors")
}

func TestSettings(t *testing.T) {
	w := usual(t)
	b, second := w.signIn(ann), w.signIn(ann)
	b.get("/me/settings").want(200, ann, "Tuesday, 24 Nov at 09:00", "This device", "Sign out everywhere", "Invite a colleague").without("Pause my reminders")
	b.post("/me/settings/digest", "day", "friday", "hour", "14", "zone", "Europe/Nowhere").want(422, `There is no time zone "Europe/Nowhere"`, "There is a problem")
	b.post("/me/settings/digest", "day", "someday", "hour", "14", "zone", "UTC").want(422, "Choose a day of the week.")
	b.post("/me/settings/digest", "day", "friday", "hour", "2pm", "zone", "UTC").want(422, "Choose an hour")
	b.post("/me/settings/digest", "day", "friday", "hour", "14", "zone", "Europe/Berlin").goes("/me/settings")
	b.get("/me/settings").want(200, "Friday, 27 Nov at 14:00", "Your reminder is changed.")
	b.post("/me/settings/unsubscribe").goes("/me/settings")
	b.get("/me/settings").want(200, "You are unsubscribed")
	b.post("/me/settings/resubscribe").goes("/me/settings")
	other := regexp.MustCompile(`/me/settings/devices/[0-9a-f-]{36}/sign-out`).FindString(b.get("/me/settings").body)
	w.signIn(bob).post(other).want(404)
	b.post(other).goes("/me/settings")
	second.get("/me").goes("/?next=")
	b.get("/me").want(200)
	b.post("/me/settings/devices/sign-out").goes("/")
	b.get("/me").goes("/?next=")
}

func TestForwardedLinksCanBeWithdrawn(t *testing.T) {
	w := usual(t)
	link, others := w.digest(ann), w.digest(bob)
	b, reader := w.signIn(ann), w.browser()
	reader.get(link).want(200)
	b.get("/me/settings").want(200, "Withdraw these links")
	b.post("/me/settings/links/revocations").goes("/me/settings")
	reader.get(link).want(410, "Sign in")
	reader.post(link+"/quotes", "invoice", w.id("NF-1")).want(410)
	reader.get(others).want(200)
}

func TestUnsubscribeByMail(t *testing.T) {
	w := usual(t)
	contact, err := w.Party.ContactByEmail(context.Background(), ann)
	w.must(err)
	path := "/u/" + w.Access.UnsubscribeToken(contact.ID)
	b := w.browser()
	b.get(path).want(200, "Stop the reminders?", "a•••@acme.example")
	stopped := func() bool {
		now, err := w.Party.Contact(context.Background(), contact.ID)
		w.must(err)
		return !now.UnsubscribedAt.IsZero()
	}
	if stopped() {
		t.Fatal("a GET unsubscribed")
	}
	// as mail programs do it: no cookie, no Origin
	request, err := http.NewRequest(http.MethodPost, path, strings.NewReader("List-Unsubscribe=One-Click"))
	w.must(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	once := w.browser().do(request).want(200)
	if once.body != "You are unsubscribed.\n" || !strings.HasPrefix(once.header.Get("Content-Type"), "text/plain") || !stopped() {
		t.Errorf("one click: %q", once.body)
	}
	b.post(path).want(200, "You are unsubscribed")
	b.get(path).want(200, "Send me reminders again")
	b.post(path + "/resubscribe").goes("/u/")
	if stopped() {
		t.Error("still unsubscribed")
	}
	b.get("/u/nonsense").want(404)
	b.post(path[:len(path)-2] + "xx").want(404)
}

func TestExports(t *testing.T) {
	w := usual(t)
	w.bring(w.north, ann, nil, bill("=NF;9", "3.50", "EUR", "2026-12-01"))
	b := w.signIn(ann)
	list := b.get("/me/invoices.csv").want(200)
	if !strings.Contains(list.body, "Northwind Freight,C-1,'=NF;9,,2026-10-25,2026-12-01,EUR,3.50,3.50,3.50,due in 7 days\n") || strings.Contains(list.body, "BOB-1") {
		t.Errorf("the list: %s", list.body)
	}
	calendar := b.get("/me/due.ics").want(200).body
	for _, line := range strings.Split(strings.TrimSuffix(calendar, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
	unfolded := strings.ReplaceAll(calendar, "\r\n ", "")
	for _, part := range []string{"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "UID:invoice-" + w.id("NF-1") + "@hub.example\r\n", "DTSTART;VALUE=DATE:20261110\r\n",
		`SUMMARY:Due: =NF\;9\, Northwind Freight\, EUR 3.50` + "\r\n", "END:VCALENDAR\r\n"} {
		if !strings.Contains(unfolded, part) {
			t.Errorf("the calendar lacks %q:\n%s", part, unfolded)
		}
	}
	if n := strings.Count(calendar, "BEGIN:VEVENT"); n != 5 {
		t.Errorf("%d events", n)
	}
	for _, path := range []string{"/me/statement.pdf", "/me/statement.pdf?vendor=" + w.north.ID} {
		file := b.get(path).want(200)
		if !strings.HasPrefix(file.body, "%PDF-") || file.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%s is no PDF", path)
		}
	}
	b.get("/me/statement.pdf?vendor=nobody").want(404)
	w.browser().get("/me/invoices.csv").goes("/?next=")
}

func TestCapturedMail(t *testing.T) {
	w := usual(t)
	link := w.digest(ann)
	b := w.browser()
	list := b.get("/dev/mail?q=ANN@").want(200, ann).without(bob)
	b.get("/dev/mail?q=zzz").want(200, "No mail")
	path := regexp.MustCompile(`/dev/mail/[^"?]+`).FindString(list.body)
	b.get(path).want(200, "List-Unsubscribe", publicURL+link)
	raw := b.get(path + "/raw").want(200)
	if !strings.HasSuffix(raw.header.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(raw.body, "<html") {
		t.Errorf("raw: %v", raw.header)
	}
	b.get("/dev/mail/..%2f..%2fetc").want(404)
}

// The queries of the page are as many for a hundred invoices as for one.
func TestQueriesDoNotGrow(t *testing.T) {
	count := func(invoices int) int {
		w := newWorld(t)
		var list []billing.InvoiceRecord
		for i := range invoices {
			list = append(list, bill(fmt.Sprintf("NF-%d", i), "10.00", "EUR", money.Date("2026-11-20").AddDays(i)))
		}
		w.bring(w.north, ann, nil, list...)
		w.accept(ann)
		b := w.signIn(ann)
		_, err := w.Cases.Ask(context.Background(), casesAuthor(w), w.id("NF-0"), "Why?")
		w.must(err)
		counter := &queryCounter{}
		w.DB.DB = w.DB.WithQueryHook(counter)
		b.get("/me").want(200)
		return counter.n
	}
	if one, many := count(1), count(100); one != many {
		t.Errorf("%d queries for one invoice, %d for a hundred", one, many)
	}
}

func casesAuthor(w *world) casesroom.Author {
	contact, err := w.Party.ContactByEmail(context.Background(), ann)
	w.must(err)
	return casesroom.Author{Actor: access.Actor{Kind: access.KindContact, ID: contact.ID, ContactID: contact.ID, CustomerID: contact.CustomerID}, Contact: contact,
		Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
}

func TestSignInNextIsOurs(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		if to := b.get("/?next=" + url.QueryEscape(next)).goes("/"); to != "/me" {
			t.Errorf("%q leads to %q", next, to)
		}
	}
	w.clock.pass(time.Minute)
}
