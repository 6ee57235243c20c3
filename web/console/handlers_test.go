package console_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/console"
	"github.com/sheaf-hub/sheaf/web/hubtest"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

type desk struct {
	*hubtest.Hub
	app           *fiber.App
	owner, member *hubtest.Browser // of North
	south         *hubtest.Browser // South's owner
	nobody        *hubtest.Browser
}

func newDesk(t *testing.T) *desk { return deskOn(t, storetest.SQLite(t)) }

func deskOn(t *testing.T, db *store.DB) *desk {
	t.Helper()
	hub := hubtest.New(t, db)
	h := &console.Handlers{Kit: hub.Kit, DB: hub.DB, Party: hub.Party, Access: hub.Access, Billing: hub.Billing, Cases: hub.Cases, Payment: hub.Payment, Outbox: hub.Outbox,
		Reminder: hub.Reminder, Worklist: hub.Worklist, Insight: hub.Insight, Intake: hub.Intake, CheckURL: hubtest.CheckURL}
	d := &desk{Hub: hub, app: routes(h)}
	d.owner, d.member = hub.SignIn(d.app, hub.North.Owner), hub.SignIn(d.app, hub.North.Member)
	d.south, d.nobody = hub.SignIn(d.app, hub.South.Owner), hub.SignIn(d.app, access.Staff{})
	return d
}

func routes(h *console.Handlers) *fiber.App {
	app := fiber.New(fiber.Config{ErrorHandler: h.Kit.Error})
	app.Use(h.Kit.LoadSession, h.Kit.SameOrigin)
	app.Get("/vendor/sign-in", h.AskAddress).Post("/vendor/sign-in", h.SendLink)
	app.Use(page.RequireStaff)
	app.Get("/vendor", h.ShowOverview).Get("/vendor/switch", h.ListChoices).Post("/vendor/switch", h.SwitchStaff)
	app.Get("/vendor/invoices", h.ListInvoices).Get("/vendor/invoices/:id", h.ShowInvoice)
	app.Post("/vendor/invoices/:id/holds", h.HoldInvoice).Post("/vendor/invoices/:id/releases", h.ReleaseInvoice)
	app.Get("/vendor/documents/:id", h.SendDocument).Get("/vendor/unreachable", h.ListUnreachable)
	app.Get("/vendor/preview", h.ShowPreview).Get("/vendor/preview/mail", h.ShowPreviewMail)
	app.Get("/vendor/payments.csv", h.ExportPayments).Get("/vendor/payments", h.ListPayments).Get("/vendor/payments/:id", h.ShowPayment)
	app.Get("/vendor/payments/:id/remittance.pdf", h.RemittancePDF).Get("/vendor/payments/:id/remittance.csv", h.RemittanceCSV).Get("/vendor/remittance.csv", h.ExportRemittance)
	app.Get("/vendor/payments/:id/remittance.xml", h.RemittanceXML).Get("/vendor/remittance.xml", h.ExportNotification).Get("/vendor/remittance", h.RemittanceOfPeriod)
	app.Get("/vendor/payouts.csv", h.ExportPayouts).Get("/vendor/payouts", h.ListPayouts).Post("/vendor/payouts/onboardings", h.StartPayouts)
	app.Get("/vendor/payouts/:id", h.ShowPayout).Get("/vendor/payouts/:id/lines.csv", h.ExportPayout)
	app.Post("/vendor/payments/:id/refund-reviews", h.ReviewRefund).Post("/vendor/payments/:id/refunds", h.AskRefund)
	app.Get("/vendor/refunds/:id", h.ShowRefund).Post("/vendor/refunds/:id/retries", h.RetryRefund).Post("/vendor/refunds/:id/ends", h.GiveUpRefund)
	app.Get("/vendor/chargebacks", h.ListChargebacks).Get("/vendor/chargebacks/:id", h.ShowChargeback).Get("/vendor/evidence/:id", h.SendPaper)
	app.Post("/vendor/chargebacks/:id/evidence", h.GiveEvidence).Post("/vendor/chargebacks/:id/acceptances", h.AcceptChargeback).Post("/vendor/chargebacks/:id/bookings", h.BookChargeback)
	app.Get("/vendor/cases", h.ListCases).Get("/vendor/cases/:id", h.ShowCase)
	app.Post("/vendor/cases/:id/messages", h.AnswerCase).Post("/vendor/cases/:id/resolution", h.ResolveCase)
	app.Get("/vendor/tasks", h.ListTasks).Post("/vendor/tasks/:id/completions", h.CompleteTask)
	app.Get("/vendor/deliveries", h.ListDeliveries).Get("/vendor/deliveries/:id", h.ShowDelivery).Post("/vendor/deliveries/:id/replays", h.ReplayDelivery)
	app.Get("/vendor/webhooks", h.ListWebhooks).Post("/vendor/webhooks", h.AddWebhook)
	app.Post("/vendor/webhooks/:id/secrets", h.ShowWebhookSecret).Post("/vendor/webhooks/:id/disablings", h.DisableWebhook)
	app.Get("/vendor/imports", h.ListImports).Get("/vendor/imports/:id", h.ShowImport).Post("/vendor/connections/:id/confirmations", h.ConfirmSnapshot)
	app.Get("/vendor/connections/new", h.ListKinds).Get("/vendor/connections/new/:kind", h.AskConnection).Post("/vendor/connections/new/:kind", h.AddConnection)
	app.Get("/vendor/connections/:id", h.ShowConnection).Post("/vendor/connections/:id/syncs", h.ReadConnection).Post("/vendor/connections/:id/starts", h.StartConnection)
	app.Post("/vendor/connections/:id/write-back", h.ChooseWriteBack).Post("/vendor/connections/:id/limits", h.LimitConnection)
	app.Post("/vendor/connections/:id/settings", h.ChangeConnection).Post("/vendor/connections/:id/removals", h.RemoveConnection)
	app.Get("/vendor/keys", h.ListKeys).Post("/vendor/keys", h.MakeKey).Post("/vendor/keys/:id/revocations", h.RevokeKey)
	app.Get("/vendor/staff", h.ListStaff).Post("/vendor/staff", h.InviteStaff).Post("/vendor/staff/:id/disablings", h.DisableStaff)
	app.Get("/vendor/profile", h.ShowProfile).Post("/vendor/profile", h.ChangeProfile).Get("/vendor/audit", h.ListAudit)
	app.Get("/vendor/incentives", h.ShowIncentives).Post("/vendor/incentives", h.ChangeIncentives)
	return app
}

func (d *desk) audited(t *testing.T, action string, want int) {
	t.Helper()
	if n := d.Count("audit_log", "action = ? AND vendor_id = ?", action, d.North.ID); n != want {
		t.Fatalf("%d lines of %s in the audit log, want %d", n, action, want)
	}
}

func TestEveryPageOfAFullHubRendersWell(t *testing.T) {
	storetest.Each(t, everyPage)
}

func everyPage(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	opened := d.Ask("N-1", "Where is it?")
	d.Pay(sandbox.Succeed, "N-2", "S-1")
	share, delivery := d.share(t), d.delivery(t)
	account := d.Invoice("N-1").AccountID
	for path, words := range map[string][]string{
		"/vendor": {"North", "EUR", "125.00", "Question"}, "/vendor/invoices": {"N-1", "Overdue"}, "/vendor/invoices?status=all": {"N-1", "N-2", "Paid"},
		"/vendor/invoices?status=overdue": {"N-1"}, "/vendor/invoices?status=paid&q=n-2": {"N-2"}, "/vendor/invoices?q=%00%27;--%25_\\": {"No invoice matches"}, "/vendor/invoices/" + d.Invoice("N-2").ID: {"Applied here", "Settled", "N-2.pdf"},
		"/vendor/unreachable": {"Everybody can be reached"}, "/vendor/payments": {"Settled", "N-2"}, "/vendor/payments/" + share: {"N-2", "80.00"},
		"/vendor/cases": {"Question", "N-1"}, "/vendor/cases/" + opened.ID: {"Where is it?", "ann@acme.example"}, "/vendor/tasks": {"Nothing to do"}, "/vendor/payouts": {"sandbox pays at once"},
		"/vendor/deliveries": {"payment.settled", "case.opened"}, "/vendor/deliveries/" + delivery: {"What is sent", "north.example/hook"},
		"/vendor/webhooks": {"https://north.example/hook"}, "/vendor/imports": {"Nothing came in yet"}, "/vendor/keys": {"No key yet"},
		"/vendor/staff": {"Mel North", "olga@north.example"}, "/vendor/profile": {"ar@north.example"}, "/vendor/incentives": {"must be agreed", "EUR</span>"}, "/vendor/audit": {"Staff added"},
		"/vendor/preview": {"Acme"}, "/vendor/preview?account=" + account: {"N-1", "In its reminder", "Subject"}, "/vendor/switch": {"North"},
	} {
		answer := d.owner.Get(path).Want(t, 200, words...)
		answer.Without(t, "S-1", "South", "99.00", "179.00") // nothing of the other vendor, and no total of both
		uitest.Check(t, []byte(answer.Body))
	}
}

func (d *desk) share(t *testing.T) string {
	t.Helper()
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM shares WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &id))
	return id
}

func (d *desk) delivery(t *testing.T) string {
	t.Helper()
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM deliveries WHERE vendor_id = ? ORDER BY id DESC LIMIT 1", d.North.ID).Scan(t.Context(), &id))
	return id
}

func TestAnotherVendorsThingsAreNotFound(t *testing.T) {
	storetest.Each(t, othersThings)
}

func othersThings(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	opened := d.Ask("N-1", "Where is it?")
	d.Pay(sandbox.Succeed, "N-2")
	invoice, document, endpoint, connection := d.Invoice("N-1"), "", "", d.Invoice("N-1").ID
	d.Must(d.DB.NewRaw("SELECT id FROM documents WHERE invoice_id = ?", invoice.ID).Scan(t.Context(), &document))
	d.Must(d.DB.NewRaw("SELECT id FROM endpoints WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &endpoint))
	d.owner.Post("/vendor/keys", "name", "ERP").Want(t, 200, "shf_")
	var key string
	d.Must(d.DB.NewRaw("SELECT id FROM api_keys WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &key))
	before := d.Count("audit_log", "TRUE")
	for _, path := range []string{"/vendor/invoices/" + invoice.ID, "/vendor/documents/" + document, "/vendor/payments/" + d.share(t), "/vendor/cases/" + opened.ID,
		"/vendor/deliveries/" + d.delivery(t), "/vendor/imports/" + connection, "/vendor/preview?account=" + invoice.AccountID,
		"/vendor/preview/mail?account=" + invoice.AccountID + "&contact=" + d.Ann().ID, "/vendor/invoices/nonsense", "/vendor/deliveries/nonsense", "/vendor/documents/nonsense",
		"/vendor/payments/nonsense", "/vendor/cases/nonsense", "/vendor/imports/nonsense", "/vendor/preview?account=nonsense", "/vendor/invoices/%00"} {
		d.south.Get(path).Want(t, 404).Without(t, "N-1", "Acme", "125.00")
		d.nobody.Get(path).Want(t, 303)
	}
	for _, path := range []string{"/vendor/invoices/" + invoice.ID + "/holds", "/vendor/invoices/" + invoice.ID + "/releases", "/vendor/cases/" + opened.ID + "/messages",
		"/vendor/cases/" + opened.ID + "/resolution", "/vendor/deliveries/" + d.delivery(t) + "/replays", "/vendor/webhooks/" + endpoint + "/secrets",
		"/vendor/webhooks/" + endpoint + "/disablings", "/vendor/keys/" + key + "/revocations", "/vendor/staff/" + d.North.Member.ID + "/disablings",
		"/vendor/tasks/" + opened.ID + "/completions", "/vendor/connections/" + connection + "/confirmations", "/vendor/switch",
		"/vendor/invoices/nonsense/holds", "/vendor/cases/nonsense/messages", "/vendor/deliveries/nonsense/replays", "/vendor/webhooks/nonsense/disablings",
		"/vendor/keys/nonsense/revocations", "/vendor/staff/nonsense/disablings", "/vendor/tasks/nonsense/completions", "/vendor/connections/nonsense/confirmations"} {
		d.south.Post(path, "text", "hello", "outcome", "answered", "staff", d.North.Owner.ID).Want(t, 404)
		d.nobody.Post(path, "text", "hello").Want(t, 401)
	}
	if after := d.Count("audit_log", "TRUE"); after != before {
		t.Fatalf("%d lines in the audit log for what was refused", after-before)
	}
}

func TestAMemberSeesAllButManagesNothing(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/vendor/staff", "/vendor/keys", "/vendor/profile", "/vendor/webhooks", "/vendor/incentives"} {
		d.member.Get(path).Want(t, 200)
	}
	var endpoint string
	d.Must(d.DB.NewRaw("SELECT id FROM endpoints WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &endpoint))
	for _, path := range []string{"/vendor/staff", "/vendor/staff/" + d.North.Owner.ID + "/disablings", "/vendor/keys", "/vendor/keys/" + endpoint + "/revocations", "/vendor/profile",
		"/vendor/webhooks", "/vendor/webhooks/" + endpoint + "/secrets", "/vendor/webhooks/" + endpoint + "/disablings", "/vendor/connections/" + endpoint + "/confirmations"} {
		d.member.Post(path, "name", "x", "email", "x@x.example", "url", "https://x.example", "events", "*").Want(t, 403)
	}
}

func TestHoldAndRelease(t *testing.T) {
	d := newDesk(t)
	invoice := d.Invoice("N-1")
	url := "/vendor/invoices/" + invoice.ID
	for _, until := range []string{"tomorrow", "2026-11-22", "2020-01-01", "2030-01-01"} {
		answer := d.member.Post(url+"/holds", "until", until).Want(t, 422, "There is a problem", `href="#until"`, "Enter a date")
		uitest.Check(t, []byte(answer.Body))
		if until != "tomorrow" && !strings.Contains(answer.Body, until) {
			t.Fatal("what was entered is lost")
		}
	}
	d.member.Post(url+"/holds", "until", "2026-12-24").Leads(t, url)
	d.member.Get(url).Want(t, 200, "On hold by you", "24 Dec", "Release: remind again", "The vendor put it on hold until 24 December 2026")
	d.member.Get(url).Without(t, "nobody is reminded of it") // the flash is shown once
	d.member.Post(url+"/holds").Want(t, 422, "on hold already")
	d.audited(t, "invoice.held", 1)
	d.member.Post(url+"/releases").Leads(t, url)
	d.member.Post(url+"/releases").Leads(t, url)
	d.member.Get(url).Want(t, 200, "Put on hold").Without(t, "On hold by you")
	d.audited(t, "invoice.released", 1)
}

func TestWhoCannotBeRemindedIsListedWithWhy(t *testing.T) {
	d := newDesk(t)
	d.Exec("UPDATE contacts SET bounced_at = ?, bounce_reason = 'no such mailbox' WHERE email = 'ann@acme.example'", d.Now())
	d.member.Get("/vendor/unreachable").Want(t, 200, "N-1", "N-2", "Acme", "ann@acme.example").Without(t, "S-1")
	answer := d.member.Get("/vendor").Want(t, 200, "Cannot be reminded")
	if !regexp.MustCompile(`(?s)href="/vendor/unreachable"[^>]*>.{0,300}2</span>`).MatchString(answer.Body) {
		t.Fatal("the overview does not count them")
	}
}

func TestACaseIsAnsweredAndResolved(t *testing.T) {
	d := newDesk(t)
	opened := d.Ask("N-1", "Where is it?")
	url := "/vendor/cases/" + opened.ID
	d.member.Post(url+"/messages", "text", "  ").Want(t, 422, "There is a problem", `href="#text"`)
	d.member.Post(url+"/messages", "text", "On its <b>way</b>.").Leads(t, url)
	d.member.Get(url).Want(t, 200, "On its &lt;b&gt;way&lt;/b&gt;.", "Mel North", "Answered")
	d.member.Get("/vendor/cases").Want(t, 200, "Nothing waits for you")
	d.member.Get("/vendor/cases?status=answered&kind=question").Want(t, 200, "N-1")
	d.member.Post(url+"/resolution").Want(t, 422, "Choose how the case ends")
	d.member.Post(url+"/resolution", "outcome", "accepted", "note", "keep this note").Want(t, 422, "There is a problem", "keep this note")
	d.member.Post(url+"/resolution", "outcome", "answered", "note", "It came.").Leads(t, url)
	d.member.Get(url).Want(t, 200, "Resolved", "It came.").Without(t, "Send reply")
	d.member.Post(url+"/messages", "text", "One more").Leads(t, url)
	d.member.Get(url).Want(t, 200, "Nothing was changed", "resolved already").Without(t, "One more")
	if n := d.Count("mails", "recipient = 'ann@acme.example'"); n != 2 {
		t.Fatalf("%d mails to the customer, want an answer and an outcome", n)
	}
	if c := d.Count("cases", "status = ?", cases.Resolved); c != 1 {
		t.Fatal("the case is not resolved")
	}
}

func TestAKeyIsShownOnceAndRevoked(t *testing.T) {
	d := newDesk(t)
	d.owner.Post("/vendor/keys", "name", " ").Want(t, 422, `href="#name"`)
	answer := d.owner.Post("/vendor/keys", "name", "ERP").Want(t, 200, "Your new key")
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatal("a page with a key may be stored")
	}
	key := regexp.MustCompile(`shf_[0-9a-f]{8}_[A-Za-z0-9_-]+`).FindString(answer.Body)
	if vendorID, _, err := d.Access.VendorByKey(t.Context(), key); err != nil || vendorID != d.North.ID {
		t.Fatal(vendorID, err)
	}
	d.owner.Get("/vendor/keys").Want(t, 200, "ERP", key[:12]).Without(t, key)
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM api_keys").Scan(t.Context(), &id))
	d.owner.Post("/vendor/keys/"+id+"/revocations").Leads(t, "/vendor/keys")
	if _, _, err := d.Access.VendorByKey(t.Context(), key); err == nil {
		t.Fatal("a revoked key opens")
	}
	d.owner.Get("/vendor/audit").Want(t, 200, "Key made", "Key revoked").Without(t, key)
}

func TestWebhooks(t *testing.T) {
	d := newDesk(t)
	bad := d.owner.Post("/vendor/webhooks", "url", "http://10.0.0.1/x").Want(t, 422, "begin with https", "Tick at least one event", "http://10.0.0.1/x")
	uitest.Check(t, []byte(bad.Body))
	d.owner.Post("/vendor/webhooks", "url", "https://erp.example/x", "events", "no.such").Want(t, 422, "There is no event type", `href="#events"`)
	answer := d.owner.Post("/vendor/webhooks", "url", "https://erp.example/x", "events", "payment.settled", "events", "case.opened").Want(t, 200, "whsec_", "payment.settled, case.opened")
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/]+={0,2}`).FindString(answer.Body)
	d.owner.Get("/vendor/webhooks").Want(t, 200, "erp.example").Without(t, "whsec_")
	endpoints, err := d.Outbox.Endpoints(t.Context(), d.North.ID, outbox.Webhook)
	d.Must(err)
	made := endpoints[0]
	d.owner.Post("/vendor/webhooks/"+made.ID+"/secrets").Want(t, 200, secret)
	d.owner.Post("/vendor/webhooks/"+made.ID+"/disablings").Leads(t, "/vendor/webhooks")
	d.owner.Post("/vendor/webhooks/"+made.ID+"/disablings").Leads(t, "/vendor/webhooks")
	d.owner.Get("/vendor/webhooks").Want(t, 200, "Disabled", "by Olga North")
	for action, n := range map[string]int{"webhook.saved": 1, "webhook.secret_shown": 1, "webhook.disabled": 1} {
		d.audited(t, action, n)
	}
}

func TestADeliveryIsSentAgain(t *testing.T) {
	d := newDesk(t)
	d.Ask("N-1", "Where is it?")
	id := d.delivery(t)
	d.Exec("UPDATE deliveries SET state = 'dead', attempts = 9, next_attempt_at = NULL, last_status = 503, last_answer = 'Service Unavailable' WHERE id = ?", id)
	d.member.Get("/vendor").Want(t, 200, "Deliveries given up")
	d.member.Get("/vendor/deliveries?state=dead&type=case.opened").Want(t, 200, "503 Service Unavailable", "Given up")
	d.member.Post("/vendor/deliveries/"+id+"/replays").Leads(t, "/vendor/deliveries/"+id)
	d.member.Get("/vendor/deliveries/"+id).Want(t, 200, "It is on its way again", "Waiting")
	d.audited(t, "delivery.replayed", 1)
	d.Must(d.Outbox.DisableEndpoint(t.Context(), d.North.ID, d.endpoint(t), "gone"))
	d.member.Post("/vendor/deliveries/"+id+"/replays").Leads(t, "/vendor/deliveries/"+id)
	d.member.Get("/vendor/deliveries/"+id).Want(t, 200, "Nothing was changed", "endpoint is disabled")
	d.audited(t, "delivery.replayed", 1)
}

func (d *desk) endpoint(t *testing.T) string {
	t.Helper()
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM endpoints WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &id))
	return id
}

func TestPaymentsAsAFileWithoutFormulas(t *testing.T) {
	d := newDesk(t)
	d.Exec("UPDATE invoices SET number = '=HYPERLINK(1)' WHERE number = 'N-2'")
	d.Pay(sandbox.Succeed, "=HYPERLINK(1)", "N-1", "S-1")
	answer := d.member.Get("/vendor/payments.csv").Want(t, 200, "reference,status", "'=HYPERLINK(1)", "N-1", "125.00", "settled")
	answer.Without(t, ",=HYPERLINK", "S-1", "99.00")
	if lines := strings.Count(answer.Body, "\n"); lines != 3 {
		t.Fatalf("%d lines, want a head and two invoices:\n%s", lines, answer.Body)
	}
	if !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Fatal("it is not a download")
	}
	d.member.Get("/vendor/payments.csv?status=failed").Want(t, 200, "reference").Without(t, "125.00")
}

func TestStaffComesAndGoes(t *testing.T) {
	d := newDesk(t)
	d.owner.Post("/vendor/staff", "email", "nina@", "name", "Nina", "role", "member").Want(t, 422, `href="#email"`, "Nina")
	d.owner.Post("/vendor/staff", "email", "mel@north.example", "name", "Mel", "role", "member").Want(t, 422, "on the list already")
	d.owner.Post("/vendor/staff", "email", "nina@north.example", "name", "Nina", "role", "member").Leads(t, "/vendor/staff")
	d.owner.Get("/vendor/staff").Want(t, 200, "An invitation is on its way to nina@north.example", "Nina")
	d.owner.Post("/vendor/staff/"+d.North.Owner.ID+"/disablings").Leads(t, "/vendor/staff")
	d.owner.Get("/vendor/staff").Want(t, 200, "is the last owner")
	d.owner.Post("/vendor/staff/"+d.North.Member.ID+"/disablings").Leads(t, "/vendor/staff")
	d.member.Get("/vendor").Want(t, 303)
	d.owner.Get("/vendor").Want(t, 200)
}

func TestTheProfileIsWhatCustomersSee(t *testing.T) {
	d := newDesk(t)
	d.owner.Post("/vendor/profile", "name", "North & Sons", "email", "ar@north.example", "time_zone", "Mars/Base").Want(t, 422, `href="#time_zone"`, "North &amp; Sons", "Mars/Base")
	d.owner.Post("/vendor/profile", "name", "North & Sons", "email", "ar@north.example", "time_zone", "Asia/Tokyo", "phone", "+81 3 1234 5678").Leads(t, "/vendor/profile")
	vendor, err := d.Party.Vendor(t.Context(), d.North.ID)
	d.Must(err)
	if vendor.Name != "North & Sons" || vendor.TimeZone != "Asia/Tokyo" {
		t.Fatalf("%+v", vendor)
	}
	d.owner.Get("/vendor/audit").Want(t, 200, "Vendor profile changed", "18:00") // nine in UTC, as Tokyo reads it
}

func TestIncentivesAreSetByAnOwner(t *testing.T) {
	d := newDesk(t)
	d.owner.Post("/vendor/incentives", "early_rate", "2,5", "early_days", "ten", "late_fixed", "5.00", "waived_by", "30.11.2026", "debit_most", "EUR 5 USD 6").
		Want(t, 422, `href="#early_rate"`, `href="#early_days"`, `href="#late_fixed"`, `href="#waived_by"`, `href="#debit_most"`, `value="2,5"`, "EUR 5 USD 6")
	d.owner.Post("/vendor/incentives", "late_rate", "1.5").Want(t, 422, `href="#late_days"`)
	d.owner.Post("/vendor/incentives", "early_rate", "60", "early_days", "10").Want(t, 422, `href="#early_rate"`)
	right := []string{"early_rate", "2", "early_days", "10", "from_terms", "on", "debit_rate", "1", "debit_most", "eur 5", "late_rate", "1.5", "late_fixed", "EUR 15.00",
		"late_days", "5", "waived_days", "3"}
	d.owner.Post("/vendor/incentives", append(right, "do", "example")...).Want(t, 200, "975.00", "980.00", "for paying by bank debit, at most", "waived for paying by")
	d.audited(t, "vendor.incentives_changed", 0) // an example saves nothing
	d.owner.Post("/vendor/incentives", append(right, "do", "save")...).Leads(t, "/vendor/incentives")
	d.owner.Post("/vendor/incentives", right...).Leads(t, "/vendor/incentives") // the same again is no change
	d.audited(t, "vendor.incentives_changed", 1)
	in, err := d.Payment.Incentives(t.Context(), d.North.ID)
	d.Must(err)
	if in.EarlyRate != 200 || in.EarlyDays != 10 || !in.FromTerms || in.DebitRate != 100 || in.DebitMost["EUR"] != 500 || in.LateRate != 150 || in.LateFixed["EUR"] != 1500 || in.LateDays != 5 || in.WaivedDays != 3 {
		t.Fatalf("%+v", in)
	}
	page := d.owner.Get("/vendor/incentives").Want(t, 200, `value="1.5"`, `value="EUR 5.00"`, "980.00")
	uitest.Check(t, []byte(page.Body))
	d.owner.Get("/vendor/audit").Want(t, 200, "Vendor incentives changed", "early_percent")
	uitest.Check(t, []byte(d.member.Get("/vendor/incentives").Want(t, 200, "Only an owner changes it", "EUR 15.00", "within 10 days").Body))
	d.member.Post("/vendor/incentives", right...).Want(t, 403)
}

func TestAVendorThatMayNotTakePartIsTold(t *testing.T) {
	d := newDesk(t)
	d.Exec("UPDATE vendors SET status = ?, status_reason = 'Nobody knows you.' WHERE id = ?", party.VendorSuspended, d.North.ID)
	d.owner.Get("/vendor").Want(t, 200, "Suspended", "Nobody knows you.")
	d.Exec("UPDATE vendors SET status = ?, status_reason = '' WHERE id = ?", party.VendorPending, d.North.ID)
	d.owner.Get("/vendor/invoices").Want(t, 200, "Waiting for approval")
	d.owner.Get("/vendor/preview?account="+d.Invoice("N-1").AccountID).Want(t, 200, "once you are approved")
}

func TestATaskIsDone(t *testing.T) {
	d := newDesk(t)
	id := d.North.Owner.ID
	d.Exec("INSERT INTO tasks (id, vendor_id, kind, subject_id, title, text, created_at, done_by) VALUES (?, ?, 'note', 'x', 'Call Acme', 'About N-1.', ?, '')", id, d.North.ID, d.Now())
	d.member.Get("/vendor/tasks").Want(t, 200, "Call Acme", "About N-1.")
	d.member.Post("/vendor/tasks/"+id+"/completions").Leads(t, "/vendor/tasks")
	d.member.Get("/vendor/tasks").Want(t, 200, "The task is done", "Nothing to do")
}

func TestImportsSayWhatWasNotTaken(t *testing.T) {
	d := newDesk(t)
	run, rejection := d.North.Owner.ID, d.North.Member.ID
	d.Exec(`INSERT INTO syncs (id, vendor_id, source, state, done, total, created, updated, unchanged, rejected, error, started_at)
		VALUES (?, ?, 'csv open.csv', 'failed', 0, 0, 7, 0, 0, 1, 'Line 9 ends early.', ?)`, run, d.North.ID, d.Now())
	d.Exec(`INSERT INTO sync_rejections (id, vendor_id, sync_id, place, external_id, problems) VALUES (?, ?, ?, 'line 3', 'X-1', '[{"pointer":"/total","message":"the total is negative"}]')`, rejection, d.North.ID, run)
	d.member.Get("/vendor/imports").Want(t, 200, "csv open.csv", "Failed")
	d.member.Get("/vendor/imports/"+run).Want(t, 200, "Line 9 ends early.", "line 3", "X-1", "The total is negative.")
	d.south.Get("/vendor/imports/"+run).Want(t, 404)
}

func TestPreviewShowsTheMailInAFrameOfItsOwn(t *testing.T) {
	d := newDesk(t)
	path := "/vendor/preview/mail?account=" + d.Invoice("N-1").AccountID + "&contact=" + d.Ann().ID
	answer := d.member.Get(path).Want(t, 200, "N-1", "North").Without(t, "S-1", "South", "99.00")
	if policy := answer.Header.Get("Content-Security-Policy"); policy != console.MailPolicy {
		t.Fatalf("policy %q", policy)
	}
	eve := strings.Replace(path, d.Ann().ID, d.South.Owner.ID, 1)
	d.member.Get(eve).Want(t, 404)
}

func TestSignInTellsNobodyWhoIsKnown(t *testing.T) {
	d := newDesk(t)
	d.nobody.Get("/vendor/sign-in?next=/vendor/cases").Want(t, 200, `value="/vendor/cases"`)
	d.nobody.Get("/vendor/sign-in?next=https://evil.example").Want(t, 200).Without(t, "evil.example")
	d.nobody.Post("/vendor/sign-in", "email", "not an address").Want(t, 422, `href="#email"`)
	known := d.nobody.Post("/vendor/sign-in", "email", "olga@north.example").Want(t, 200, "Check your mail")
	d.Pass(time.Minute)
	unknown := d.nobody.Post("/vendor/sign-in", "email", "olaf@north.example").Want(t, 200, "Check your mail")
	if strings.ReplaceAll(known.Body, "olga", "") != strings.ReplaceAll(unknown.Body, "olaf", "") {
		t.Fatal("the answers differ")
	}
	if n := d.Count("mails", "recipient = 'olga@north.example'"); n != 1 {
		t.Fatalf("%d mails", n)
	}
}

func TestListsGoOnByCursor(t *testing.T) {
	d := newDesk(t)
	for i := range 55 {
		d.Exec(`INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, vendor_id, action, subject_kind, subject_id, before, after)
			SELECT ?, ?, 'staff', 'x', 'Olga', ?, 'thing.done', 'thing', ?, '', ''`, idOf(i), d.Now(), d.North.ID, i)
	}
	first := d.member.Get("/vendor/audit").Want(t, 200, "Next").Without(t, "First page")
	next := regexp.MustCompile(`href="(/vendor/audit\?cursor=[^"]+)"`).FindStringSubmatch(first.Body)
	if next == nil {
		t.Fatal("no next page")
	}
	d.member.Get(next[1]).Want(t, 200, "First page", "Thing done")
	d.member.Get("/vendor/audit?cursor=nonsense").Want(t, 422)
}

func idOf(i int) string {
	const digits = "0123456789abcdef"
	return "0193a5b2-7c11-7d5e-8a61-3f0a52f1c0" + string(digits[i/16]) + string(digits[i%16])
}
