package operator_test

import (
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/operator"
	"github.com/sheaf-hub/sheaf/web/ui"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

func moneyPreviews() []uitest.Page {
	tabs := []ui.NavItem{{Label: "Refunds", URL: "/operator/refunds", Current: true}, {Label: "Taken back from vendors", URL: "/operator/reversals"}, {Label: "Chargebacks", URL: "/operator/chargebacks"},
		{Label: "Vendors that owe", URL: "/operator/debts"}, {Label: "Gateway messages", URL: "/operator/gateway-messages"}}
	fees := vendor(false)
	fees.Page.Errors = []ui.FieldError{{Field: "hub_rate", Text: "Write a percentage between 0 and 100, such as 2.5; two decimals at most."}}
	fees.Fees = operator.FeeForm{Processing: "vendor", Rate: "2.555", Example: operator.FeeExample{Share: amount("1000", "EUR"), Gateway: amount("32", "EUR"), Hub: amount("25", "EUR"), VendorBears: true, Sent: amount("943", "EUR")}}
	return []uitest.Page{
		{Name: "o-vendor-fees", Body: operator.Vendor(fees)},
		{Name: "o-refunds", Body: operator.Returns(operator.ReturnsView{Page: frame("Refunds", "/operator/refunds"), Title: "Refunds", URL: "/operator/refunds", State: "failed", Tabs: tabs, Rows: []operator.ReturnRow{{ID: "1", VendorID: "1", Vendor: "Møller & Søn Træindustri Aktieselskab, Afdeling Nordjylland", Amount: amount("128430.55", "EUR"), State: chip(ui.ToneBad, "Failed"),
			Why: "Two chairs came back", Attempts: "3", At: noon, Answer: "the gateway refused it: the charge has been charged back", Ref: "re_1Nxyz0123456789abcdefghij", Retry: true, GiveUp: true}}})},
		{Name: "o-refunds-empty", Body: operator.Returns(operator.ReturnsView{Page: frame("Refunds", "/operator/refunds"), Title: "Refunds", URL: "/operator/refunds", State: "unknown", Tabs: tabs})},
		{Name: "o-chargebacks", Body: operator.Chargebacks(operator.ChargebacksView{Page: frame("Chargebacks", "/operator/refunds"), Tabs: tabs, All: true, Rows: []operator.ChargebackRow{{URL: "/operator/chargebacks/1", Ref: "dp_1Nxyz0123456789abcdefghij", Amount: amount("128430.55", "EUR"), Phase: chip(ui.ToneBad, "Waits for an answer"), Reason: "Product unacceptable", At: noon, Due: noon.Add(9 * 24 * time.Hour)}}})},
		{Name: "o-chargeback", Body: operator.Chargeback(operator.ChargebackView{Page: frame("Chargeback", "/operator/refunds"), URL: "/operator/chargebacks/1", Amount: amount("128430.55", "EUR"), Phase: chip(ui.ToneBad, "Waits for an answer"), Refused: true, Answer: "the gateway refused it: the deadline has passed",
			Facts: []ui.Fact{{Label: "Payment", Text: "SH-AAAAA-BBBBB"}, {Label: "Gateway's reference", Text: "dp_1Nxyz0123456789abcdefghij"}},
			Parts: []operator.PartRow{{VendorURL: "/operator/vendors/1", Vendor: "Northwind Freight", Amount: amount("98430.55", "EUR"), Fee: amount("12.00", "EUR"), Said: chip(ui.ToneInfo, "Contests it"), Text: "Everything was delivered on 3 October.\n\nThe note is signed.", Papers: "2 papers", By: "Mara Lindqvist", At: noon},
				{VendorURL: "/operator/vendors/2", Vendor: "شركة الخليج للأثاث", Amount: amount("30000.00", "EUR"), Said: chip(ui.ToneWarn, "Nothing yet")}}})},
		{Name: "o-debts", Body: operator.Debts(operator.DebtsView{Page: frame("Vendors that owe", "/operator/refunds"), Tabs: tabs, Rows: []operator.DebtRow{{VendorURL: "/operator/vendors/1", Vendor: "Northwind Freight", Amount: amount("128430.55", "EUR"), LedgerURL: "/operator/ledger/accounts/x"}}})},
		{Name: "o-messages", Body: operator.Messages(operator.MessagesView{Page: frame("Gateway messages", "/operator/refunds"), Tabs: tabs, Rows: []operator.MessageRow{{EventID: "evt_1Nxyz0123456789abcdefghij", Type: "charge.dispute.funds_withdrawn", Ref: "dp_1Nxyz0123456789abcdefghij", At: noon, Attempts: "40", Answer: "look at dispute dp_1N: the gateway does not answer"}}})},
	}
}

func TestWhatGoesBack(t *testing.T) {
	storetest.Each(t, whatGoesBack)
}

func whatGoesBack(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	paid := d.Pay(sandbox.Succeed, "N-2", "S-1")
	d.Carry()
	var share, refund, chargeback string
	d.Must(db.NewRaw("SELECT id FROM shares WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &share))
	asked, err := d.Payment.RequestRefund(t.Context(), access.Actor{Kind: access.KindStaff, Name: "Mel", VendorID: d.North.ID}, d.North.ID, payment.RefundWish{ShareID: share, Amount: "30.00", Reason: "sent back", RequestKey: "k"})
	d.Must(err)
	refund = asked.ID
	d.Exec("UPDATE refunds SET state = 'failed', next_attempt_at = NULL, last_answer = 'the card is gone'")
	d.Exec("UPDATE reversals SET state = 'failed', next_attempt_at = NULL, last_answer = 'the account is empty'")
	d.ChargeBack(paid, "fraudulent")
	d.Must(db.NewRaw("SELECT id FROM chargebacks").Scan(t.Context(), &chargeback))
	d.Exec(`INSERT INTO gateway_events (gateway, event_id, type, object_ref, received_at, attempts, last_error, subject) VALUES ('sandbox', 'evt_1', 'charge.refunded', 'pi_1', ?, 40, 'no answer', 'payment')`, d.Now().UTC())
	for path, words := range map[string][]string{
		"/operator": {"Refunds that were refused", "Chargebacks without an answer", "Debts of vendors", "Gateway messages not followed"}, "/operator/refunds": {"North", "30.00", "the card is gone", "Give up"}, "/operator/refunds?state=done": {"Nothing is in this state"},
		"/operator/reversals": {"North", "the account is empty", "Try again"}, "/operator/chargebacks": {"179.00", "Fraudulent", "Waits for an answer"}, "/operator/chargebacks/" + chargeback: {"North", "South", "Nothing yet"},
		"/operator/debts": {"North", "/operator/ledger/accounts/vendor:"}, "/operator/gateway-messages": {"evt_1", "no answer", "Given up"}, "/operator/vendors/" + d.North.ID: {"Agree on these fees", "The hub"},
	} {
		answer := d.olive.Get(path).Want(t, 200, words...)
		uitest.Check(t, []byte(answer.Body))
		d.vendor.Get(path).Want(t, 303)
		d.nobody.Get(path).Want(t, 303)
	}
	d.olive.Get("/operator/chargebacks/"+store.NewID()).Want(t, 404)
	for _, path := range []string{"/operator/refunds/" + refund + "/ends", "/operator/refunds/" + refund + "/retries", "/operator/gateway-messages/retries", "/operator/vendors/" + d.North.ID + "/fees", "/operator/chargebacks/" + chargeback + "/retries"} {
		d.vendor.Post(path, "vendor", d.North.ID, "event", "evt_1").Want(t, 401)
	}
	d.olive.Post("/operator/refunds/"+refund+"/ends", "vendor", d.South.ID).Leads(t, "/operator/refunds") // not that vendor's
	if d.Count("refunds", "phase = 'failed'") != 0 {
		t.Fatal("a refund was given up for another vendor")
	}
	d.olive.Post("/operator/refunds/"+refund+"/ends", "vendor", d.North.ID).Leads(t, "/operator/refunds")
	d.olive.Post("/operator/refunds/"+refund+"/ends", "vendor", d.North.ID).Leads(t, "/operator/refunds")
	if d.Count("audit_log", "action = 'refund.given_up'") != 1 || d.Count("refunds", "phase = 'failed'") != 1 {
		t.Fatal("a refund was not given up once")
	}
	d.olive.Get("/operator/refunds").Want(t, 200, "Nothing is in this state")
	d.olive.Post("/operator/gateway-messages/retries", "event", "evt_1").Leads(t, "/operator/gateway-messages")
	d.olive.Post("/operator/gateway-messages/retries", "event", "evt_2").Leads(t, "/operator/gateway-messages")
	if d.Count("gateway_events", "event_id = 'evt_1' AND next_attempt_at IS NOT NULL") != 1 || d.Count("audit_log", "action = 'gateway_message.retried'") != 1 {
		t.Fatal("the message is not due again")
	}
	d.olive.Post("/operator/chargebacks/"+chargeback+"/retries").Leads(t, "/operator/chargebacks") // nothing failed
}

func TestFees(t *testing.T) {
	d := newDesk(t)
	url := "/operator/vendors/" + d.North.ID
	for _, wrong := range []string{"", "x", "-1", "100.01", "2.555", "1e2", "999", "2.5.5", "+1"} {
		d.olive.Post(url+"/fees", "processing", "vendor", "hub_rate", wrong).Want(t, 422, "Write a percentage", `href="#hub_rate"`)
	}
	d.olive.Post(url+"/fees", "processing", "nobody", "hub_rate", "1").Want(t, 422, "Say who bears")
	for typed, want := range map[string]int64{"2.5": 250, "0": 0, "100": 10000, "0,05 %": 5, " 12.30": 1230} {
		d.olive.Post(url+"/fees", "processing", "vendor", "hub_rate", typed).Leads(t, url)
		policy, err := d.Payment.FeePolicy(t.Context(), d.North.ID)
		if err != nil || policy.HubRate != want || policy.Processing != payment.VendorBears {
			t.Errorf("%q: %+v, %v", typed, policy, err)
		}
	}
	d.olive.Post(url+"/fees", "processing", "vendor", "hub_rate", "2.50").Leads(t, url)
	answer := d.olive.Get(url).Want(t, 200, `value="2.5"`, "EUR\u00a025.00 and the vendor bears", "EUR\u00a0943.00 are sent")
	uitest.Check(t, []byte(answer.Body))
	if n := d.Count("audit_log", "action = 'fees.changed'"); n < 5 {
		t.Fatal(n)
	}
}
