package operator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/hubtest"
	"github.com/sheaf-hub/sheaf/web/operator"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

type desk struct {
	*hubtest.Hub
	handlers              *operator.Handlers
	olive, vendor, nobody *hubtest.Browser
}

func newDesk(t *testing.T) *desk { return deskOn(t, storetest.SQLite(t)) }

func deskOn(t *testing.T, db *store.DB) *desk {
	t.Helper()
	hub := hubtest.New(t, db)
	h := &operator.Handlers{Kit: hub.Kit, DB: hub.DB, Party: hub.Party, Access: hub.Access, Billing: hub.Billing, Payment: hub.Payment, Outbox: hub.Outbox, Ledger: hub.Ledger,
		Reminder: hub.Reminder, Worklist: hub.Worklist, Insight: hub.Insight, Intake: hub.Intake, Gateway: "sandbox"}
	d := &desk{Hub: hub, handlers: h}
	h.Enroll = func(_ context.Context, actor access.Actor, profile party.Profile) (operator.Enrolled, error) {
		if actor.Kind != access.KindOperator {
			return operator.Enrolled{}, errors.New("not the operator")
		}
		if profile.Name == "" {
			return operator.Enrolled{}, fault.At("name", "Give the vendor's name.")
		}
		return operator.Enrolled{VendorID: hub.North.ID, APIKey: "shf_1a2b3c4d_secret", WebhookSecret: "whsec_secret"}, nil
	}
	h.Queues = func(context.Context) (operator.QueueState, error) {
		return operator.QueueState{Queues: []operator.QueueFigures{{Name: "money", Pending: 7, Latency: 1500 * time.Millisecond}},
			Schedules: []operator.Schedule{{Name: "plan-digests", LastRun: hub.Now(), LastResult: "planned 12", NextRun: hub.Now().Add(-time.Hour)}}}, nil
	}
	app := routes(h)
	d.olive, d.vendor, d.nobody = hub.SignIn(app, hub.Operator()), hub.SignIn(app, hub.North.Owner), hub.SignIn(app, access.Staff{})
	return d
}

func routes(h *operator.Handlers) *fiber.App {
	app := fiber.New(fiber.Config{ErrorHandler: h.Kit.Error})
	app.Use(h.Kit.LoadSession, h.Kit.SameOrigin)
	app.Get("/operator/sign-in", h.AskAddress).Post("/operator/sign-in", h.SendLink)
	app.Use(page.RequireOperator)
	app.Get("/operator", h.ShowOverview).Get("/operator/switch", h.ListChoices).Post("/operator/switch", h.SwitchStaff)
	app.Get("/operator/vendors", h.ListVendors).Get("/operator/vendors/new", h.AskVendor).Post("/operator/vendors", h.AddVendor)
	app.Get("/operator/payouts", h.ListWaiting)
	app.Get("/operator/vendors/:id", h.ShowVendor).Post("/operator/vendors/:id/approvals", h.ApproveVendor).Post("/operator/vendors/:id/suspensions", h.SuspendVendor)
	app.Get("/operator/digests", h.ListDigests).Post("/operator/digests/:id/decision", h.DecideDigest)
	app.Get("/operator/dead-letters", h.ListDeadLetters)
	app.Post("/operator/dead-letters/deliveries/:id/retries", h.RetryDelivery).Post("/operator/dead-letters/mails/:id/retries", h.RetryMail)
	app.Post("/operator/dead-letters/receipts/:id/retries", h.RetryReceipt)
	app.Get("/operator/transfers", h.ListTransfers).Post("/operator/transfers/:id/retries", h.RetryTransfer)
	app.Get("/operator/refunds", h.ListRefunds).Post("/operator/refunds/:id/retries", h.RetryRefund).Post("/operator/refunds/:id/ends", h.GiveUpRefund)
	app.Get("/operator/reversals", h.ListReversals).Post("/operator/reversals/:id/retries", h.RetryReversal)
	app.Get("/operator/chargebacks", h.ListChargebacks).Get("/operator/chargebacks/:id", h.ShowChargeback).Post("/operator/chargebacks/:id/retries", h.RetryEvidence)
	app.Get("/operator/debts", h.ListDebts).Get("/operator/gateway-messages", h.ListGatewayMessages).Post("/operator/gateway-messages/retries", h.RetryGatewayMessage)
	app.Post("/operator/vendors/:id/fees", h.SetFees)
	app.Get("/operator/tasks", h.ListTasks).Post("/operator/tasks/:id/completions", h.CompleteTask)
	app.Get("/operator/ledger", h.ShowLedger).Get("/operator/ledger.csv", h.ExportLedger)
	app.Get("/operator/ledger/accounts/:account", h.ShowStatement).Get("/operator/ledger/transactions/:id", h.ShowTransaction)
	app.Get("/operator/queues", h.ShowQueues).Get("/operator/audit", h.ListAudit)
	return app
}

func TestEveryPageOfAFullHubRendersWell(t *testing.T) {
	storetest.Each(t, everyPage)
}

func everyPage(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	d.Ask("N-1", "Where is it?")
	d.Pay(sandbox.Succeed, "N-2", "S-1")
	for path, words := range map[string][]string{
		"/operator": {"Approved", "Settled", "Needs somebody", "sandbox"}, "/operator/vendors": {"North", "South"}, "/operator/vendors?status=pending": {"No vendor here"},
		"/operator/vendors/" + d.North.ID: {"Olga North", "125.00", "Suspend"}, "/operator/vendors/new": {"Add a vendor"}, "/operator/payouts": {"money waits"}, "/operator/digests": {"No digest is in this state"},
		"/operator/dead-letters": {"Nothing is dead"}, "/operator/dead-letters?kind=mails": {"Nothing is dead"}, "/operator/transfers?state=pending": {"North", "80.00"},
		"/operator/tasks": {"Nothing to do"}, "/operator/queues": {"money", "1.5s", "Plan digests", "Late"}, "/operator/ledger": {"What is owed to North", "What the payment gateway holds", "179.00", "What is held", "less than a day"},
		"/operator/ledger?show=held": {"All that is held", "80.00"}, "/operator/ledger?kind=refunds": {"Nothing is held here"}, "/operator/ledger/accounts/gateway?currency=EUR": {"Settlement", "Closing balance", "179.00"},
		"/operator/audit": {"Staff added", "North"}, "/operator/switch": {"The hub itself"},
	} {
		answer := d.olive.Get(path).Want(t, 200, words...)
		uitest.Check(t, []byte(answer.Body))
		d.vendor.Get(path).Want(t, 303)
		d.nobody.Get(path).Want(t, 303)
	}
	for _, path := range []string{"/operator/vendors", "/operator/vendors/" + d.North.ID + "/suspensions", "/operator/digests/" + d.North.ID + "/decision", "/operator/switch"} {
		d.vendor.Post(path, "reason", "x").Want(t, 401)
		d.nobody.Post(path, "reason", "x").Want(t, 401)
	}
}

func TestSuspendAndLift(t *testing.T) {
	d := newDesk(t)
	url := "/operator/vendors/" + d.North.ID
	d.olive.Post(url+"/suspensions", "reason", " ").Want(t, 422, "There is a problem", `href="#reason"`)
	d.olive.Post(url+"/suspensions", "reason", "Nobody knows it.").Leads(t, url)
	d.olive.Get(url).Want(t, 200, "North is suspended", "Nobody knows it.", "Lift the suspension")
	d.olive.Post(url+"/approvals").Leads(t, url)
	d.olive.Post(url+"/approvals").Leads(t, url)
	d.olive.Get(url).Want(t, 200, "Approved").Without(t, "Nobody knows it.")
	for action, want := range map[string]int{"vendor.suspended": 1, "vendor.approved": 1} {
		if n := d.Count("audit_log", "action = ? AND actor_kind = 'operator'", action); n != want {
			t.Errorf("%d lines of %s, want %d", n, action, want)
		}
	}
	d.olive.Get("/operator/vendors/"+store.NewID()).Want(t, 404)
	d.olive.Post("/operator/vendors/nonsense/approvals").Want(t, 404)
}

func TestAVendorIsAddedAndItsKeyShownOnce(t *testing.T) {
	d := newDesk(t)
	d.olive.Post("/operator/vendors", "name", "", "email", "ar@new.example").Want(t, 422, `href="#name"`, "ar@new.example")
	answer := d.olive.Post("/operator/vendors", "name", "New", "email", "ar@new.example").Want(t, 200, "New is added", "shf_1a2b3c4d_secret", "whsec_secret")
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatal("a page with a key may be stored")
	}
	uitest.Check(t, []byte(answer.Body))
}

func (d *desk) digest(state string) string {
	id := store.NewID()
	ann := d.Ann()
	d.Exec(`INSERT INTO digests (id, customer_id, contact_id, period, state, due_at, attempts, message_id, subject, lines, last_answer, decided_by, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, 1, 'm1@hub.example', 'Overdue with 2 vendors', 3, 'no answer', '', ?, ?)`, id, ann.CustomerID, ann.ID, "2026-W"+id[len(id)-2:], state, d.Now(), d.Now(), d.Now())
	return id
}

func TestAnUnknownDigestIsDecided(t *testing.T) {
	d := newDesk(t)
	sent, unsent, done := d.digest("unknown"), d.digest("unknown"), d.digest("done")
	d.olive.Get("/operator").Want(t, 200, "Digests: sent or not?")
	d.olive.Get("/operator/digests").Want(t, 200, "ann@acme.example", "m1@hub.example", "It was not: send again")
	d.olive.Post("/operator/digests/"+sent+"/decision").Leads(t, "/operator/digests")
	d.olive.Get("/operator/digests").Want(t, 200, "Nothing was changed")
	d.olive.Post("/operator/digests/"+sent+"/decision", "sent", "yes").Leads(t, "/operator/digests")
	d.olive.Post("/operator/digests/"+unsent+"/decision", "sent", "no").Leads(t, "/operator/digests")
	d.olive.Post("/operator/digests/"+done+"/decision", "sent", "no").Leads(t, "/operator/digests")
	d.olive.Get("/operator/digests?state=done").Want(t, 200, "decided by")
	for id, state := range map[string]string{sent: "done", unsent: "pending", done: "done"} {
		if d.Count("digests", "id = ? AND state = ?", id, state) != 1 {
			t.Errorf("digest %s is not %s", id, state)
		}
	}
}

func TestDeadLettersAreTriedAgain(t *testing.T) {
	d := newDesk(t)
	d.Ask("N-1", "Where is it?")
	d.olive.Post("/operator/sign-in", "email", "olive@hub.example").Want(t, 200, "Check your mail")
	d.Exec("UPDATE deliveries SET state = 'dead', next_attempt_at = NULL, last_status = 503, last_answer = 'Service Unavailable'")
	d.Exec("UPDATE mails SET state = 'dead', next_attempt_at = NULL, last_answer = '550 no such mailbox'")
	var delivery, mail string
	d.Must(d.DB.NewRaw("SELECT id FROM deliveries").Scan(t.Context(), &delivery))
	d.Must(d.DB.NewRaw("SELECT id FROM mails").Scan(t.Context(), &mail))
	d.olive.Get("/operator/dead-letters").Want(t, 200, "North", "case.opened", "503 Service Unavailable")
	d.olive.Get("/operator/dead-letters?kind=mails").Want(t, 200, "olive@hub.example", "550 no such mailbox")
	retry := "/operator/dead-letters/deliveries/" + delivery + "/retries"
	d.olive.Post(retry).Want(t, 404)
	d.olive.Post(retry, "vendor", d.South.ID).Leads(t, "/operator/dead-letters")
	d.olive.Get("/operator/dead-letters").Want(t, 200, "Nothing was changed", "no such delivery")
	d.olive.Post(retry, "vendor", d.North.ID).Leads(t, "/operator/dead-letters")
	d.olive.Post("/operator/dead-letters/mails/"+mail+"/retries").Leads(t, "/operator/dead-letters?kind=mails")
	if d.Count("deliveries", "state = 'pending'") != 1 || d.Count("mails", "state = 'pending'") != 1 {
		t.Fatal("they do not wait for another attempt")
	}
	d.olive.Get("/operator/audit").Want(t, 200, "Delivery replayed", "Mail retried")
}

func TestAReceiptThatNobodyGot(t *testing.T) {
	d := newDesk(t)
	p := d.Pay(sandbox.Succeed, "N-2")
	d.Exec("UPDATE contacts SET bounced_at = created_at, bounce_reason = '550 no such mailbox'")
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM receipts").Scan(t.Context(), &id))
	d.Must(d.Payment.SendReceipt(t.Context(), store.JobRef{ID: id}))
	page := d.olive.Get("/operator/dead-letters?kind=receipts").Want(t, 200, p.Number, "ann@acme.example", "550 no such mailbox", "Try again")
	uitest.Check(t, []byte(page.Body))
	d.olive.Get("/operator").Want(t, 200, "Receipts that nobody got")
	retry := "/operator/dead-letters/receipts/" + id + "/retries"
	d.vendor.Post(retry).Want(t, 401)
	d.olive.Post(retry).Leads(t, "/operator/dead-letters?kind=receipts")
	d.olive.Post(retry).Leads(t, "/operator/dead-letters?kind=receipts")
	d.olive.Get("/operator/dead-letters?kind=receipts").Want(t, 200, "no such failed receipt", "Every receipt arrived")
	d.olive.Get("/operator/audit").Want(t, 200, "Receipt retried")
	d.Exec("UPDATE contacts SET bounced_at = NULL")
	d.Must(d.Payment.SendReceipt(t.Context(), store.JobRef{ID: id}))
	if d.Count("mails", "kind = 'receipt'") != 1 {
		t.Fatal("tried again, and no mail")
	}
}

func TestAFailedTransferIsTriedAgain(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2")
	d.Exec("UPDATE transfers SET state = 'failed', next_attempt_at = NULL, last_answer = 'the account is closed'")
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM transfers").Scan(t.Context(), &id))
	d.olive.Get("/operator").Want(t, 200, "Transfers that failed")
	d.olive.Get("/operator/transfers").Want(t, 200, "North", "80.00", "the account is closed", "Try again")
	d.olive.Post("/operator/transfers/"+id+"/retries").Leads(t, "/operator/transfers")
	refs, err := d.DB.TakeDue(t.Context(), payment.Transfers, "vendor_id", d.Now(), 10, time.Minute)
	if err != nil || len(refs) != 1 {
		t.Fatalf("%d transfers are due: %v", len(refs), err)
	}
	d.olive.Post("/operator/transfers/"+id+"/retries").Leads(t, "/operator/transfers")
	d.olive.Get("/operator/transfers").Want(t, 200, "Nothing was changed")
}

func TestTheQueuesPageStandsWhenRedisIsDown(t *testing.T) {
	d := newDesk(t)
	d.handlers.Queues = func(context.Context) (operator.QueueState, error) {
		return operator.QueueState{Schedules: []operator.Schedule{{Name: "plan-digests"}}}, errors.New("dial tcp 10.0.0.9:6379: refused")
	}
	d.olive.Get("/operator/queues").Want(t, 200, "The queues cannot be read", "Plan digests").Without(t, "10.0.0.9")
}

func TestATaskOfTheOperatorIsDone(t *testing.T) {
	d := newDesk(t)
	d.Must(d.Worklist.NotMineTx(t.Context(), d.DB, d.Ann(), d.North.Vendor))
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM tasks").Scan(t.Context(), &id))
	d.olive.Get("/operator/tasks").Want(t, 200, "North")
	d.olive.Post("/operator/tasks/"+id+"/completions").Leads(t, "/operator/tasks")
	d.olive.Get("/operator/tasks").Want(t, 200, "The task is done", "Nothing to do")
}

func TestOneMayWorkForAVendorToo(t *testing.T) {
	d := newDesk(t)
	staff, err := d.Access.InviteStaff(t.Context(), d.South.ID, "olive@hub.example", "Olive", access.RoleMember, access.SystemActor("test"))
	d.Must(err)
	page := d.olive.Get("/operator/switch").Want(t, 200, "South")
	if !strings.Contains(page.Body, staff.ID) {
		t.Fatal("the vendor cannot be chosen")
	}
	d.olive.Post("/operator/switch", "staff", d.North.Owner.ID).Want(t, 404)
	d.olive.Post("/operator/switch", "staff", staff.ID).Leads(t, "/vendor")
	d.olive.Get("/operator").Want(t, 303)
}
