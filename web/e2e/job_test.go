package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
)

// payer is the mailbox that all three vendors bill.
const payer = "ap@harbour-cafe.example"

// trio is three vendors with what one customer owes them. Whatever names them is
// found nowhere else, so that it can be looked for.
type trio struct {
	*hub
	vendors []*vendor
	due     time.Time // of what is overdue at the digest
}

var trioNames = []string{"Alderstone Freight", "Birchwater Linen", "Cedarhall Print"}

// newTrio adds the vendors; the hub need not run.
func newTrio(h *hub) *trio {
	h.t.Helper()
	tr := &trio{hub: h, due: time.Now().UTC().AddDate(0, 0, -20)}
	for _, name := range trioNames {
		tr.vendors = append(tr.vendors, h.addVendor(name, "ar@"+strings.ToLower(strings.Fields(name)[0])+".example"))
	}
	return tr
}

// mark begins every id of the vendor at that place.
func mark(i int) string { return []string{"ALDX", "BRCH", "CDRH"}[i] }

// totals of the two invoices that each vendor sends, and of all.
var (
	trioTotals = [][2]string{{"1250.40", "310.05"}, {"87.35", "920.15"}, {"4005.60", "12.45"}}
	trioSums   = []string{"1560.45", "1007.50", "4018.05"}
)

const trioTotal = "6586.00"

func (tr *trio) account(i int) account {
	return account{ExternalID: mark(i) + "-ACCOUNT-7", Name: "Harbour Cafe", Terms: "Net 30", Currency: "USD",
		Contacts: []contact{{Email: payer, Name: "Ann Harbour", Role: "payables"}}}
}

func (tr *trio) invoices(i int) []invoice {
	day := func(offset int) string { return tr.due.AddDate(0, 0, offset).Format(time.DateOnly) }
	return []invoice{
		{ExternalID: mark(i) + "-ROW-1", Number: mark(i) + "-2026-001", Account: mark(i) + "-ACCOUNT-7", IssuedOn: day(-30), DueOn: day(0),
			Currency: "USD", Total: trioTotals[i][0], Order: mark(i) + "-ORDER-5"},
		{ExternalID: mark(i) + "-ROW-2", Number: mark(i) + "-2026-002", Account: mark(i) + "-ACCOUNT-7", IssuedOn: day(-10), DueOn: day(40),
			Currency: "USD", Total: trioTotals[i][1]},
	}
}

// push is what vendor i's program does: endpoint, account, invoices. Done again
// it changes nothing.
func (tr *trio) push(i int) error {
	v := tr.vendors[i]
	if err := v.listen(); err != nil {
		return err
	}
	if _, err := v.push("accounts", []account{tr.account(i)}); err != nil {
		return err
	}
	_, err := v.push("invoices", tr.invoices(i))
	return err
}

func (tr *trio) pushAll() {
	tr.t.Helper()
	for i := range tr.vendors {
		if err := tr.push(i); err != nil {
			tr.t.Fatal(err)
		}
	}
}

// digests are the reminders that arrived.
func (h *hub) digests() []mailtest.Message {
	var found []mailtest.Message
	for _, message := range h.mail.To(payer) {
		if message.Get("List-Id") != "" {
			found = append(found, message)
		}
	}
	return found
}

var digestLink = regexp.MustCompile(`https?://[^\s"<>]+/d/[A-Za-z0-9_-]+`)

// linkIn is the digest's link in a mail.
func linkIn(text string) string { return digestLink.FindString(text) }

// TestWholeJob is the main job, end to end.
func TestWholeJob(t *testing.T) {
	for _, size := range sizes() {
		t.Run(string(size), func(t *testing.T) {
			t.Parallel()
			tr := newTrio(newHub(t, size))
			tr.start()
			tr.pushAll()
			at := tuesday()
			if got := tr.digestRun(at); !strings.HasPrefix(got, "planned 1, sent 1, ") {
				t.Fatalf("digest run: %q", got)
			}
			digest := tr.oneDigest()
			receipt := tr.payAll(linkIn(digest.Text))
			tr.receiptIsRight(receipt)
			tr.vendorsAreTold()
			tr.vendorsAreApart(receipt)
			tr.apiShowsPayments()
			tr.nothingMoreToSend(at)
			tr.stop()
			tr.verify()
		})
	}
}

func (tr *trio) oneDigest() mailtest.Message {
	tr.t.Helper()
	all := tr.digests()
	if len(all) != 1 {
		tr.t.Fatalf("%d digests arrived", len(all))
	}
	m := all[0]
	for name, want := range map[string]string{"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "List-Id": "<digest.", "List-Unsubscribe": "<" + tr.base + "/u/"} {
		if !strings.Contains(m.Get(name), want) {
			tr.t.Errorf("header %s is %q, which lacks %q", name, m.Get(name), want)
		}
	}
	for part, body := range map[string]string{"text": m.Text, "HTML": m.HTML} {
		for i, name := range trioNames {
			for _, want := range []string{name, mark(i) + "-2026-001", mark(i) + "-2026-002", tr.base + "/d/"} {
				if !strings.Contains(body, want) {
					tr.t.Errorf("the digest's %s part lacks %q", part, want)
				}
			}
		}
		// new vendors have a sum of their own, and no share in one of all
		for _, sum := range []string{"1,560.45", "1,007.50", "4,018.05"} {
			if !strings.Contains(body, sum) {
				tr.t.Errorf("the digest's %s part lacks the sum %s", part, sum)
			}
		}
	}
	if len(m.HTML) > 100_000 {
		tr.t.Errorf("the HTML part has %d bytes", len(m.HTML))
	}
	if linkIn(m.Text) == "" {
		tr.t.Fatalf("no link in\n%s", m.Text)
	}
	return m
}

func (tr *trio) payAll(link string) *sheet {
	tr.t.Helper()
	v := newVisitor(tr.t)
	receipt, ready, err := v.pay(v.open(tr.t, link), "succeed")
	if err == nil && !ready {
		err = fmt.Errorf("nothing could be ticked at %s", link)
	}
	return must(tr.t, receipt, err)
}

func (tr *trio) receiptIsRight(receipt *sheet) {
	tr.t.Helper()
	text := receipt.text()
	for _, want := range append([]string{"6,586.00", "1,560.45", "1,007.50", "4,018.05"}, trioNames...) {
		if !strings.Contains(text, want) {
			tr.t.Errorf("the receipt lacks %q:\n%s", want, text)
		}
	}
	if len(find(receipt.root, hasPaid)) != 1 {
		tr.t.Errorf("the receipt does not say that it is settled:\n%s", text)
	}
}

// vendorsAreTold waits until each vendor has heard of its part.
func (tr *trio) vendorsAreTold() {
	tr.t.Helper()
	for _, v := range tr.vendors {
		if err := v.hears(60*time.Second, "payment.settled", "transfer.sent"); err != nil {
			tr.t.Error(err)
		}
		for _, hook := range v.receiver.got() {
			if hook.Fault != nil {
				tr.t.Errorf("%s got what it cannot verify: %v\n%s", v.Name, hook.Fault, hook.Body)
			}
		}
		if v.receiver.events()["payment.settled"] != 1 {
			tr.t.Errorf("%s heard of its payment %d times", v.Name, v.receiver.events()["payment.settled"])
		}
		if err := within(60*time.Second, func() error { return v.mailed() }); err != nil {
			tr.t.Error(err)
		}
	}
}

// hears waits for one event of each type.
func (v *vendor) hears(most time.Duration, types ...string) error {
	return within(most, func() error {
		got := v.receiver.events()
		for _, wanted := range types {
			if got[wanted] == 0 {
				return fmt.Errorf("%s has not heard %s; it has %v", v.Name, wanted, got)
			}
		}
		return nil
	})
}

// mailed says whether the vendor's staff got its mail of the payment.
func (v *vendor) mailed() error {
	if len(v.hub.mail.To(v.Email)) == 0 {
		return fmt.Errorf("%s got no mail at %s", v.Name, v.Email)
	}
	return nil
}

// vendorsAreApart is the canary test: what one vendor is sent, or may read, names
// no other, nor what all of them got together.
func (tr *trio) vendorsAreApart(receipt *sheet) {
	tr.t.Helper()
	paymentID := receipt.URL.Path[strings.LastIndex(receipt.URL.Path, "/")+1:]
	number := regexp.MustCompile(`Payment (R[A-Z0-9-]+)`).FindStringSubmatch(receipt.text())
	if len(paymentID) != 36 || len(number) != 2 {
		tr.t.Fatalf("the receipt at %s has no number: %s", receipt.URL, receipt.text())
	}
	for i, v := range tr.vendors {
		forbidden := []string{paymentID, number[1], trioTotal, "6,586.00", "658600"}
		for j, other := range tr.vendors {
			if j != i {
				forbidden = append(forbidden, other.ID, other.Name, other.Email, mark(j), other.WebhookSecret, other.APIKey, trioSums[j])
			}
		}
		for place, text := range tr.allThat(v) {
			if text == "" {
				tr.t.Errorf("%s: %s is empty, so nothing is proven", v.Name, place)
			}
			for _, canary := range forbidden {
				if strings.Contains(text, canary) {
					tr.t.Errorf("%s: %s holds %q", v.Name, place, canary)
				}
			}
			if strings.Contains(place, "mail") || strings.Contains(place, "webhooks") || strings.Contains(place, "/payments") {
				if !strings.Contains(text, mark(i)+"-2026-001") {
					tr.t.Errorf("%s: %s does not name its own invoice", v.Name, place)
				}
			}
		}
	}
}

// allThat is everything that leaves for a vendor.
func (tr *trio) allThat(v *vendor) map[string]string {
	tr.t.Helper()
	all := map[string]string{"what its webhooks say": v.receiver.everything()}
	for _, message := range tr.mail.To(v.Email) {
		all["what its mail says"] += message.Text + message.HTML + fmt.Sprint(message.Header)
	}
	for _, path := range []string{"/invoices", "/payments", "/events", "/deliveries", "/webhook-endpoints"} {
		status, body, err := v.ask(http.MethodGet, path, nil)
		if err != nil || status != http.StatusOK {
			tr.t.Fatalf("%s: %d %v", path, status, err)
		}
		all["GET "+path] = string(body)
	}
	return all
}

func (tr *trio) apiShowsPayments() {
	tr.t.Helper()
	for i, v := range tr.vendors {
		payments, err := list[paymentRow](v, "/payments")
		if err != nil {
			tr.t.Fatal(err)
		}
		if len(payments) != 1 || payments[0].Status != "settled" || payments[0].Amount != trioSums[i] || len(payments[0].Invoices) != 2 {
			tr.t.Errorf("%s is shown %+v, and should see %s", v.Name, payments, trioSums[i])
		}
		invoices, err := list[invoiceRow](v, "/invoices")
		if err != nil {
			tr.t.Fatal(err)
		}
		for _, row := range invoices {
			if row.Open != "0.00" {
				tr.t.Errorf("%s: %s is still open with %s", v.Name, row.ExternalID, row.Open)
			}
		}
	}
}

// nothingMoreToSend: neither again at the same instant nor a week later.
func (tr *trio) nothingMoreToSend(at time.Time) {
	tr.t.Helper()
	for _, moment := range []time.Time{at, at.Add(time.Minute), at.AddDate(0, 0, 7)} {
		if got := tr.digestRun(moment); !strings.Contains(got, "sent 0") {
			tr.t.Errorf("digest run at %s: %q", moment, got)
		}
	}
	if all := tr.digests(); len(all) != 1 {
		tr.t.Errorf("%d digests arrived in the end", len(all))
	}
}

// signIn signs a visitor in by mail, at /sign-in or /vendor/sign-in or the like.
func (h *hub) signIn(v *visitor, form, email string) (*sheet, error) {
	before := len(h.mail.To(email))
	start, err := v.get(h.base + form)
	if err != nil {
		return nil, err
	}
	ask, found := start.byAction("sign-in")
	if !found {
		return nil, fmt.Errorf("%s has no form to sign in: %s", form, start.text())
	}
	ask.Values = url.Values{"email": {email}}
	if sent, err := v.submit(ask); err != nil || sent.Status != http.StatusOK {
		return nil, fmt.Errorf("asking for a link: %v %v", sent, err)
	}
	link := ""
	err = within(30*time.Second, func() error {
		for _, message := range h.mail.To(email)[before:] {
			if link = signInLink.FindString(message.Text); link != "" {
				return nil
			}
		}
		return fmt.Errorf("no sign-in link came to %s", email)
	})
	if err != nil {
		return nil, err
	}
	button, err := v.get(link)
	if err != nil {
		return nil, err
	}
	confirm, found := button.byAction("/sign-in/")
	if !found {
		return nil, fmt.Errorf("%s shows no button: %s", link, button.text())
	}
	return v.submit(confirm)
}

var signInLink = regexp.MustCompile(`https?://[^\s"<>]+/sign-in/[A-Za-z0-9_-]+`)

var unsubscribeLink = regexp.MustCompile(`https?://[^\s"<>]+/u/[A-Za-z0-9_.-]+`)

// digestTo finds a link in the digest that one mailbox got.
func (h *hub) digestTo(email string, pattern *regexp.Regexp) string {
	h.t.Helper()
	for _, message := range h.mail.To(email) {
		if message.Get("List-Id") != "" {
			return pattern.FindString(message.Text)
		}
	}
	h.t.Fatalf("no digest came to %s", email)
	return ""
}
