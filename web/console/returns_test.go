package console_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

var keyField = regexp.MustCompile(`name="key" value="([^"]+)"`)

func TestGivingMoneyBack(t *testing.T) {
	storetest.Each(t, givingBack)
}

func givingBack(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	d.Pay(sandbox.Succeed, "N-2", "S-1")
	d.Carry()
	share := d.share(t)
	url := "/vendor/payments/" + share
	first := d.member.Get(url).Want(t, 200, "Give money back", `value="80.00"`, "Nothing of this payment was given back")
	key := keyField.FindStringSubmatch(first.Body)[1]
	for amount, words := range map[string]string{"80.01": "more than", "0": "Write an amount", "x": "Write an amount", "-3": "Write an amount"} {
		d.member.Post(url+"/refund-reviews", "amount", amount, "reason", "x", "key", key).Want(t, 422, "There is a problem", words, `href="#amount"`, key)
		d.member.Post(url+"/refunds", "amount", amount, "reason", "x", "key", key).Want(t, 422, words)
	}
	wrong := d.member.Post(url+"/refund-reviews", "amount", "30", "reason", " ", "key", key).Want(t, 422, "Say why", `href="#reason"`, `value="30"`)
	uitest.Check(t, []byte(wrong.Body))
	review := d.member.Post(url+"/refund-reviews", "amount", "30", "reason", "Two <b>chairs</b> came back", "key", key).
		Want(t, 200, "Give EUR\u00a030.00 back?", "are taken from your account", "50.00", "Two &lt;b&gt;chairs&lt;/b&gt; came back", key).Without(t, "are kept from what")
	uitest.Check(t, []byte(review.Body))
	if d.Count("refunds", "TRUE") != 0 {
		t.Fatal("looking gave money back")
	}
	for range 2 { // a double click
		d.member.Post(url+"/refunds", "amount", "30.00", "reason", "Two chairs came back", "key", key).Leads(t, url)
	}
	d.member.Post(url+"/refunds", "amount", "31.00", "reason", "x", "key", key).Want(t, 422, "another key")
	if d.Count("refunds", "amount = 3000 AND requested_by = 'Mel North'") != 1 || d.Count("refunds", "TRUE") != 1 {
		t.Fatal("a double click gave money back twice")
	}
	d.audited(t, "refund.requested", 1)
	var refund string
	d.Must(d.DB.NewRaw("SELECT id FROM refunds").Scan(t.Context(), &refund))
	d.member.Get(url).Want(t, 200, "Asked", "Two chairs came back", "Mel North", `value="50.00"`, "Partly refunded")
	d.member.Get("/vendor/refunds/"+refund).Want(t, 200, "Two chairs came back")
	d.member.Post("/vendor/refunds/"+refund+"/ends").Leads(t, url) // nothing was refused
	d.member.Get(url).Want(t, 200, "Nothing was changed")

	for _, path := range []string{url + "/refund-reviews", url + "/refunds", "/vendor/refunds/" + refund + "/retries", "/vendor/refunds/" + refund + "/ends"} {
		d.south.Post(path, "amount", "1", "reason", "x", "key", "k").Want(t, 404)
		d.nobody.Post(path, "amount", "1", "reason", "x", "key", "k").Want(t, 401)
	}
	d.south.Get("/vendor/refunds/"+refund).Want(t, 404)

	d.Exec("UPDATE refunds SET state = 'failed', next_attempt_at = NULL, last_answer = 'the card is gone'")
	refusedPage := d.member.Get(url).Want(t, 200, "Refused", "the card is gone", "Try again", "Give up")
	uitest.Check(t, []byte(refusedPage.Body))
	d.member.Post("/vendor/refunds/"+refund+"/retries").Leads(t, url)
	d.Carry()
	d.member.Get(url).Want(t, 200, "Arrived").Without(t, "Try again")
	d.audited(t, "refund.retried", 1)
}

func TestWhatIsOwedIsShown(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2")
	share := d.share(t)
	d.member.Get("/vendor").Want(t, 200).Without(t, "Kept from your next shares")
	// the share has not been sent: what is given back is kept from it
	url := "/vendor/payments/" + share
	d.member.Post(url+"/refund-reviews", "amount", "20", "reason", "x", "key", "k1").Want(t, 200, "are kept from what is sent to you next").Without(t, "are taken from your account")
	d.member.Post(url+"/refunds", "amount", "20", "reason", "x", "key", "k1").Leads(t, url)
	for _, path := range []string{"/vendor", "/vendor/payments"} {
		answer := d.member.Get(path).Want(t, 200, "Kept from your next shares", "20.00", "Refund of SH-", url)
		uitest.Check(t, []byte(answer.Body))
		d.south.Get(path).Want(t, 200).Without(t, "Kept from your next shares")
	}
	d.Carry()
	d.member.Get("/vendor").Want(t, 200).Without(t, "Kept from your next shares")
}

func TestAnsweringAChargeback(t *testing.T) {
	storetest.Each(t, answering)
}

func answering(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	paid := d.Pay(sandbox.Succeed, "N-2", "S-1")
	d.Carry()
	d.member.Get("/vendor/chargebacks").Want(t, 200, "Nothing was charged back")
	bankers := d.ChargeBack(paid, "product_not_received")
	var id, task string
	d.Must(d.DB.NewRaw("SELECT id FROM chargeback_shares WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &id))
	url := "/vendor/chargebacks/" + id
	d.member.Get("/vendor").Want(t, 200, "Chargebacks to answer")
	d.member.Get("/vendor/tasks").Want(t, 200, "was charged back", url, "See the chargeback")
	d.member.Get("/vendor/payments/"+d.share(t)).Want(t, 200, "Charged back", url).Without(t, "See what happens")
	for _, path := range []string{"/vendor/chargebacks", "/vendor/chargebacks?waiting=yes", url} {
		answer := d.member.Get(path).Want(t, 200, "did not come", "80.00").Without(t, "S-1", "South", "99.00", "179.00")
		uitest.Check(t, []byte(answer.Body))
	}
	page := d.member.Get(url).Want(t, 200, "It waits for your answer: ", "days are left, until 2 December 2026", "N-2.pdf", "Contest it with this", "Accept the chargeback")
	paper := regexp.MustCompile(`name="documents" type="checkbox" value="([^"]+)"`).FindStringSubmatch(page.Body)[1]

	for _, path := range []string{url + "/evidence", url + "/acceptances", url + "/bookings"} {
		d.south.Post(path, "text", "x").Want(t, 404)
		d.nobody.Post(path, "text", "x").Want(t, 401)
	}
	d.south.Get(url).Want(t, 404)
	d.member.Post(url+"/evidence", "text", " ").Want(t, 422, "Say something that speaks for you", `href="#text"`)
	long := d.member.Post(url+"/evidence", "text", strings.Repeat("x", 20_001), "mails", "yes").Want(t, 422, "at most 20,000 characters")
	uitest.Check(t, []byte(long.Body))
	d.member.Post(url+"/evidence", "text", "It was <i>delivered</i>.", "visits", "yes", "mails", "yes", "documents", paper).Leads(t, url)
	given := d.member.Get(url).Want(t, 200, "Your evidence is kept, and leaves for the bank by", "It was &lt;i&gt;delivered&lt;/i&gt;.", "Change what speaks for us", "Papers that you gave", "/vendor/evidence/")
	uitest.Check(t, []byte(given.Body))
	file := regexp.MustCompile(`id="keep-([^"]+)"`).FindStringSubmatch(given.Body)[1]
	d.member.Get("/vendor/evidence/"+file).Want(t, 200, "%PDF-1.4 of N-2")
	d.south.Get("/vendor/evidence/"+file).Want(t, 404)
	d.audited(t, "chargeback.evidence_given", 1)

	var other string
	d.Must(d.DB.NewRaw("SELECT id FROM chargeback_shares WHERE vendor_id = ?", d.South.ID).Scan(t.Context(), &other))
	d.south.Post("/vendor/chargebacks/"+other+"/acceptances").Leads(t, "/vendor/chargebacks/"+other)
	d.member.Get(url).Want(t, 200, "on its way to the bank", "What you said").Without(t, "Contest it with this")
	d.member.Post(url+"/evidence", "text", "More.").Leads(t, url)
	d.member.Get(url).Want(t, 200, "Nothing was changed", "final")
	d.Carry()
	if len(bankers.Sent) != 1 || !strings.Contains(bankers.Sent[0].Text, "It was <i>delivered</i>.") || strings.Contains(bankers.Sent[0].Text, "South") || len(bankers.Sent[0].Files) != 1 {
		t.Fatalf("%+v", bankers.Sent)
	}
	sent := d.member.Get(url).Want(t, 200, "Your evidence was sent to the bank on")
	uitest.Check(t, []byte(sent.Body))
	d.south.Get("/vendor/chargebacks/"+other).Want(t, 200, "You accepted it on").Without(t, "N-2", "North", "80.00", "delivered")
	d.Must(d.DB.NewRaw("SELECT id FROM tasks WHERE kind = 'chargeback' AND vendor_id = ?", d.North.ID).Scan(t.Context(), &task))
	d.member.Post("/vendor/tasks/"+task+"/completions").Leads(t, "/vendor/tasks")
	d.member.Post(url+"/bookings").Leads(t, url)
	d.audited(t, "chargeback.booked", 1)
}
