package portal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	. "github.com/sheaf-hub/sheaf/web/portal"
)

type portalRoute struct {
	method, path string
	answer       fiber.Handler
}

// portalRoutes is what web/routes.go registers of this package.
func portalRoutes(h *Handlers) []portalRoute {
	return []portalRoute{
		{"GET", "/", h.Home},
		{"POST", "/me/team/invitations", h.InviteColleague},
		{"GET", "/me/team/invitations/:id", h.LookAtInvitation},
		{"POST", "/me/team/invitations/:id/acceptance", h.AcceptInvitation},
		{"POST", "/me/team/invitations/:id/refusal", h.DeclineInvitation},
		{"POST", "/me/team/invitations/:id/withdrawals", h.WithdrawInvitation},
		{"POST", "/me/team/departures", h.LeaveTeam},
		{"POST", "/sign-in", h.RequestSignIn},
		{"GET", "/sign-in/:token", h.LookAtLink},
		{"POST", "/sign-in/:token", h.ConsumeLink},
		{"POST", "/sign-out", h.SignOut},
		{"POST", "/sign-out-everywhere", h.SignOutEverywhere},
		{"GET", "/me", h.Me},
		{"GET", "/d/:token", h.Digest},
		{"POST", "/me/quotes", h.Quote},
		{"POST", "/d/:token/quotes", h.Quote},
		{"GET", "/me/quotes/:id", h.ReviewQuote},
		{"GET", "/d/:token/quotes/:id", h.ReviewQuote},
		{"POST", "/me/quotes/:id/payments", h.StartPayment},
		{"POST", "/d/:token/quotes/:id/payments", h.StartPayment},
		{"POST", "/me/quotes/:id/charges", h.ChargeQuote},
		{"POST", "/me/quotes/:id/schedules", h.PlanQuote},
		{"GET", "/me/schedules", h.Schedules},
		{"POST", "/me/schedules/:id/cancellations", h.CancelSchedule},
		{"GET", "/me/methods", h.Methods},
		{"POST", "/me/methods", h.SaveMethod},
		{"GET", "/me/methods/setups/:id", h.FinishMethod},
		{"GET", "/me/methods/:id", h.Method},
		{"POST", "/me/methods/:id/removals", h.RemoveMethod},
		{"GET", "/sandbox/methods/:ref", h.SandboxSetup},
		{"POST", "/sandbox/methods/:ref", h.DecideSetup},
		{"GET", "/pay/:id", h.Pay},
		{"GET", "/pay/:id/receipt.pdf", h.PayReceipt},
		{"GET", "/me/payments/:id/receipt.pdf", h.ContactReceipt},
		{"GET", "/pay/:id/continue", h.ContinuePayment},
		{"POST", "/pay/:id/cancel", h.CancelPayment},
		{"GET", "/me/payments", h.Payments},
		{"GET", "/me/payments/:id", h.ContactPayment},
		{"GET", "/me/invoices.csv", h.InvoicesCSV},
		{"GET", "/me/due.ics", h.DueDates},
		{"GET", "/me/statement.pdf", h.Statement},
		{"GET", "/me/invoices/:id", h.Invoice},
		{"GET", "/d/:token/invoices/:id", h.Invoice},
		{"POST", "/me/invoices/:id/questions", h.Ask},
		{"POST", "/me/invoices/:id/disputes", h.OpenDispute},
		{"POST", "/me/invoices/:id/promises", h.Promise},
		{"POST", "/me/invoices/:id/notices", h.SendNotice},
		{"POST", "/me/invoices/:id/plans", h.ProposePlan},
		{"GET", "/me/documents/:id", h.Document},
		{"GET", "/d/:token/documents/:id", h.Document},
		{"GET", "/me/cases", h.ListCases},
		{"GET", "/me/cases/:id", h.ShowCase},
		{"POST", "/me/cases/:id/messages", h.ReplyToCase},
		{"POST", "/me/cases/:id/withdrawal", h.WithdrawCase},
		{"POST", "/me/vendors", h.AnswerVendors},
		{"POST", "/me/vendors/:id", h.AnswerVendor},
		{"GET", "/me/settings", h.Settings},
		{"POST", "/me/settings/digest", h.ChangeDigest},
		{"POST", "/me/settings/unsubscribe", h.Unsubscribe},
		{"POST", "/me/settings/resubscribe", h.Resubscribe},
		{"POST", "/me/settings/links/revocations", h.RevokeLinks},
		{"POST", "/me/settings/devices/sign-out", h.SignOutEverywhere},
		{"POST", "/me/settings/devices/:id/sign-out", h.EndSession},
		{"GET", "/u/:token", h.LookAtUnsubscribe},
		{"POST", "/u/:token", h.UnsubscribeByLink},
		{"POST", "/u/:token/resubscribe", h.ResubscribeByLink},
		{"GET", "/dev/mail", h.CapturedMails},
		{"GET", "/dev/mail/:id", h.CapturedMail},
		{"GET", "/dev/mail/:id/raw", h.CapturedHTML},
		{"GET", "/dev/mail/:id/attachments/:number", h.CapturedAttachment},
		{"GET", "/sandbox/checkout/:ref", h.SandboxPage},
		{"POST", "/sandbox/checkout/:ref", h.DecideSandbox},
	}
}

// usual: ann owes two vendors, bob owes one of them.
func usual(t *testing.T) *world {
	w := newWorld(t)
	w.bring(w.north, ann, nil, bill("NF-1", "100.00", "EUR", "2026-11-10"), bill("NF-2", "250.00", "EUR", "2026-12-24"))
	w.bring(w.timber, ann, []billing.CreditRecord{{ExternalID: "CN-1", Number: "CN-1", Account: "C-1", Currency: "EUR", Total: 4000, Open: 4000, Status: billing.Open}},
		bill("AT-1", "40.00", "EUR", "2026-11-20"), bill("AT-2", "75.50", "USD", "2026-11-28"))
	w.bring(w.timber, bob, nil, bill("BOB-1", "9.00", "EUR", "2026-11-20"))
	w.accept(ann)
	return w
}

func TestSignInAndSeeOnlyOnesOwn(t *testing.T) {
	w := usual(t)
	stranger := w.browser()
	stranger.get("/").want(200, "Send me a link")
	if to := stranger.get("/me?state=overdue").goes("/"); to != "/?next=%2Fme%3Fstate%3Doverdue" {
		t.Errorf("sign in leads back to %q", to)
	}
	known := w.browser().post("/sign-in", "email", ann).want(200).text()
	unknown := w.browser().post("/sign-in", "email", "zoe@acme.example").want(200).text()
	if strings.ReplaceAll(known, ann, "") != strings.ReplaceAll(unknown, "zoe@acme.example", "") {
		t.Error("the answer tells who is known")
	}
	w.browser().post("/sign-in", "email", "nonsense", "next", "/me").want(422, "Enter an e-mail address").want(422, "There is a problem")

	b := w.signIn(ann)
	b.get("/me").want(200, "Northwind Freight", "NF-1", "NF-2", "Alder Timber", "AT-1", "AT-2", "CN-1", "+47 22 00 00 00").without("BOB-1")
	b.get("/").goes("/me")
	b.post("/sign-out").goes("/")
	b.get("/me").goes("/?next=")
}

func TestSignInLinkWorksOnce(t *testing.T) {
	w := usual(t)
	w.browser().post("/sign-in", "email", ann, "next", "/me/payments").want(200)
	link := strings.TrimPrefix(w.letters.signIn, publicURL)
	w.browser().get(link).want(200, "a•••@acme.example")
	b := w.browser()
	if to := b.post(link).goes("/me"); to != "/me/payments" {
		t.Errorf("leads to %q", to)
	}
	w.browser().post(link).want(410, "This link was used already")
	w.browser().get("/sign-in/nothing").want(404, "This link has expired")
	other := w.signIn(ann)
	b.post("/sign-out-everywhere").goes("/")
	other.get("/me").goes("/?next=")
}

func TestFiltersSelectAndProposal(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.get("/me?q=nf-2").want(200, "NF-2", "1 of 4 invoices").without(">NF-1<")
	b.get("/me?state=overdue").want(200, "NF-1", "AT-1").without(">NF-2<", ">AT-2<")
	b.get("/me?currency=USD").want(200, "AT-2").without(">NF-1<")
	b.get("/me?vendor="+w.north.ID).want(200, "NF-1").without(">AT-1<")
	b.get("/me?q=zzz").want(200, "No invoice matches")
	b.get("/me?select=overdue").want(200, "2 invoices ticked", "EUR 140.00")
	b.get("/me?select=all").want(200, "4 invoices ticked", "EUR 390.00", "USD 75.50")
	b.get("/me?invoice="+w.id("AT-2")).want(200, "1 invoice ticked", "USD 75.50")
	proposal := b.get("/me?have=120.00&have_currency=EUR").want(200, "A split of EUR 120.00", "We ticked 2 invoices", "Invoice AT-1 is paid in part")
	if got := proposal.field("amount-" + w.id("AT-1")); got != "20.00" {
		t.Errorf("the part is %q", got)
	}
	b.get("/me?currency=EUR&amount=120").want(200, "A split of EUR 120.00")
	b.get("/me?have=lots&have_currency=EUR").want(200, "Write an amount in EUR")
}

// a selection of two vendors goes through quote, gateway and receipt.
func TestPayTwoVendorsAtOnce(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "amount-"+w.id("NF-1"), "60.00", "invoice", w.id("AT-1")).goes("/me/quotes/")
	b.get(review).want(200, "Check before you pay", "Northwind Freight", "Alder Timber", "EUR 100.00", "Part of it; EUR 40.00 stays open")
	checkout := b.pay(review, "EUR").goes("/sandbox/checkout/")
	b.get(checkout).want(200, "Pay EUR 100.00", "Alder Timber", "1 invoice")
	receipt := b.post(checkout, "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 100.00", "Northwind Freight", "Alder Timber", "SH-")
	if w.open("NF-1") != 4000 || w.open("AT-1") != 0 {
		t.Errorf("open: %d and %d", w.open("NF-1"), w.open("AT-1"))
	}
	b.get("/me").want(200, "NF-1").without(">AT-1<")
	b.get("/me/payments").want(200, "Paid", "EUR 100.00", "2 vendors")
	b.get("/me/payments/"+strings.TrimPrefix(receipt, "/pay/")).want(200, "Paid: EUR 100.00", "Ann Weatherby")
	b.get(checkout).want(200, "This payment page is over: it was paid.")
	b.post(checkout, "outcome", "decline").want(409)
	w.verify()
}

func TestDeclineAndTryAgain(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "amount-"+w.id("NF-1"), "30").goes("/me/quotes/")
	checkout := b.pay(review, "EUR").goes("/sandbox/checkout/")
	receipt := b.post(checkout, "outcome", "decline").goes("/pay/")
	failed := b.get(receipt).want(200, "Nothing was charged", "Try again")
	again := "/me?again=" + strings.TrimPrefix(receipt, "/pay/")
	if !strings.Contains(failed.body, again) {
		t.Errorf("no link to %s", again)
	}
	if got := b.get(again).want(200, "1 invoice ticked", "EUR 30.00").field("amount-" + w.id("NF-1")); got != "30.00" {
		t.Errorf("the amount is %q", got)
	}
	// the old review page begins anew instead of ending in a dead end
	fresh := b.pay(review, "EUR").goes("/me/quotes/")
	if fresh == review {
		t.Error("the same quote again")
	}
	b.get(fresh).want(200, "That payment had ended without money.", "EUR 30.00")
	b.post(b.pay(fresh, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	w.verify()
}

func TestSlowPaymentSettlesLater(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-2")).goes("/me/quotes/")
	receipt := b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "process").goes("/pay/")
	b.get(receipt).want(200, "Processing: EUR 250.00")
	b.get("/me").want(200, "Payment processing")
	b.post("/me/quotes", "invoice", w.id("NF-2")).want(422, "Invoice NF-2 is being paid already.")
	w.clock.pass(time.Minute)
	b.get(receipt).want(200, "Paid: EUR 250.00") // the page asks the gateway itself
	w.verify()
}

func TestTwoTabsPayOnce(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	one := b.post("/me/quotes", "invoice", w.id("NF-1")).goes("/me/quotes/")
	two := b.post("/me/quotes", "invoice", w.id("NF-1"), "invoice", w.id("NF-2")).goes("/me/quotes/")
	first := b.pay(one, "EUR").goes("/sandbox/")
	if again := b.pay(one, "EUR").goes("/sandbox/"); again != first {
		t.Error("pressing twice made two checkouts")
	}
	stopped := b.pay(two, "EUR").want(409, "NF-1", "This invoice is being paid in another checkout.", "You began to pay", "Continue that payment", "Pay the new amount: EUR 250.00")
	b.get("/me").want(200, "In an open checkout", "A payment is under way: EUR 100.00")
	id := stopped.body[strings.Index(stopped.body, "/pay/")+5:][:36]
	if to := b.get("/pay/" + id + "/continue").goes("/sandbox/"); to != first {
		t.Errorf("continue leads to %s", to)
	}
	b.get("/pay/"+id).want(200, "This payment is not finished")
	b.post("/pay/" + id + "/cancel").goes("/me?again=")
	b.get("/me").want(200, "NF-1").without("In an open checkout")
	b.get(first).want(200, "it was closed")
	receipt := b.post(b.pay(two, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 350.00")
	w.verify()
}

func TestVendorChangesMeanwhile(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "invoice", w.id("NF-2")).goes("/me/quotes/")
	less := bill("NF-1", "100.00", "EUR", "2026-11-10")
	less.Open = 7000
	w.bring(w.north, ann, nil, less)
	changed := b.pay(review, "EUR").want(409, "Your vendors changed these since you looked", "NF-1", "EUR 100.00", "EUR 70.00", "Pay the new amount: EUR 320.00")
	action := changed.body[strings.Index(changed.body, `action="/me/quotes/`)+8:]
	action = action[:strings.Index(action, `"`)]
	checkout := b.post(action, "hash", changed.field("hash"), "currency", "EUR").goes("/sandbox/")
	b.get(b.post(checkout, "outcome", "succeed").goes("/pay/")).want(200, "Paid: EUR 320.00")
	// all that was chosen is gone
	gone := b.post("/me/quotes", "invoice", w.id("AT-1")).goes("/me/quotes/")
	void := bill("AT-1", "40.00", "EUR", "2026-11-20")
	void.Open, void.Status = 0, billing.Void
	w.bring(w.timber, ann, nil, void)
	b.pay(gone, "EUR").want(409, "The vendor withdrew this invoice.", "There is nothing left to pay")
	w.verify()
}

func TestOldQuoteIsMadeAgain(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1")).goes("/me/quotes/")
	page := b.get(review).want(200)
	w.clock.pass(31 * time.Minute)
	fresh := b.post(review+"/payments", "hash", page.field("hash"), "currency", "EUR").goes("/me/quotes/")
	b.get(fresh).want(200, "That selection was too old to pay.", "EUR 100.00")
	b.post(fresh+"/payments", "hash", "altered", "currency", "EUR").want(409, "altered on its way")
}

func TestCreditsAlone(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("AT-1"), "credit", w.creditID("CN-1")).goes("/me/quotes/")
	b.get(review).want(200, "Apply credits", "Credit CN-1", "−40.00")
	receipt := b.pay(review, "EUR").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 40.00 by credits", "Alder Timber")
	if w.open("AT-1") != 0 {
		t.Errorf("open %d", w.open("AT-1"))
	}
	b.post("/me/quotes", "invoice", w.id("NF-1"), "credit", w.creditID("CN-1")).want(422, "CN-1 has nothing left to apply")
	w.verify()
}

func TestTwoCurrenciesAreTwoCheckouts(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "invoice", w.id("AT-2")).goes("/me/quotes/")
	b.get(review).want(200, "You chose invoices in 2 currencies", "Pay EUR 100.00", "Pay USD 75.50")
	receipt := b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 100.00", "One more payment", "USD 75.50")
	b.get(review).want(200, "See the receipt", "Pay USD 75.50")
	last := b.post(b.pay(review, "USD").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get(last).want(200, "Paid: USD 75.50").without("One more payment")
	w.verify()
}

func TestBadAmountsKeepTheInput(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.post("/me/quotes").want(422, "Tick at least one invoice to pay.")
	one, two := w.id("NF-1"), w.id("NF-2")
	page := b.post("/me/quotes", "invoice", one, "amount-"+one, "12,5", "invoice", two, "amount-"+two, "200.00").want(422, `"12,5" is not an amount in EUR`)
	if page.field("amount-"+one) != "12,5" || page.field("amount-"+two) != "200.00" {
		t.Error("what was typed is lost")
	}
	if !strings.Contains(page.body, `href="#amount-`+one+`"`) {
		t.Error("the summary does not lead to the field")
	}
	if strings.Count(page.body, " checked") != 2 {
		t.Error("the ticks are lost")
	}
	b.post("/me/quotes", "invoice", one, "amount-"+one, "100.01").want(422, "is more than the EUR 100.00 that can be paid")
	b.post("/me/quotes", "invoice", "<script>").want(422, "One of the ticked invoices is not known.")
}

func TestAnothersThingsAreNotThere(t *testing.T) {
	w := usual(t)
	b, other := w.signIn(ann), w.signIn(bob)
	b.post("/me/quotes", "invoice", w.id("BOB-1")).want(404)
	review := b.post("/me/quotes", "invoice", w.id("NF-1")).goes("/me/quotes/")
	page := b.get(review).want(200)
	other.get(review).want(404)
	other.post(review+"/payments", "hash", page.field("hash"), "currency", "EUR").want(404)
	receipt := b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	for _, path := range []string{receipt, receipt + "/continue", "/me/payments/" + strings.TrimPrefix(receipt, "/pay/"), "/me?quote=" + strings.TrimPrefix(review, "/me/quotes/"),
		"/me?again=" + strings.TrimPrefix(receipt, "/pay/")} {
		other.get(path).want(404)
	}
	other.post(receipt + "/cancel").want(404)
	w.browser().get(receipt).goes("/?next=%2Fpay%2F")
	w.browser().post(receipt + "/cancel").want(401)
	other.get("/me/payments").want(200).without("EUR")
}

func TestPayByDigestLink(t *testing.T) {
	w := usual(t)
	link := w.digest(ann)
	w.bring(w.north, ann, nil, bill("NF-3", "5.00", "EUR", "2026-11-29")) // after the digest
	b := w.browser()
	b.get(link).want(200, "These are the invoices in the reminder of 24 Nov", "a•••@acme.example", "NF-1", "AT-1").without("NF-3", "CN-1", "BOB-1", ann)
	b.get(link+"?select=all").want(200, "4 invoices ticked")
	b.post(link+"/quotes", "invoice", w.id("NF-3")).want(404)
	b.post(link+"/quotes", "invoice", w.id("NF-1"), "amount-"+w.id("NF-1"), "x").want(422, "is not an amount")
	review := b.post(link+"/quotes", "invoice", w.id("NF-1")).goes(link + "/quotes/")
	checkout := b.pay(review, "EUR").goes("/sandbox/")
	forwarded := w.browser()
	forwarded.get(link).want(200, "Somebody with this link began to pay NF-1")
	receipt := b.post(checkout, "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 100.00").without("Ann Weatherby")
	w.browser().get(receipt).goes("/?next=")
	other := w.browser()
	other.get("/d/unknown").want(404)
	w.verify()
	w.clock.pass(61 * 24 * time.Hour)
	other.get(link).want(410, "Links in reminders stop working")
}

// A link pays; it does not open what its customer paid by other ways.
func TestDigestLinkSeesItsOwnPaymentsAlone(t *testing.T) {
	w := usual(t)
	link := w.digest(ann)
	signedIn := w.signIn(ann)
	review := signedIn.post("/me/quotes", "invoice", w.id("NF-1")).goes("/me/quotes/")
	checkout := signedIn.pay(review, "EUR").goes("/sandbox/")
	b := w.browser()
	b.get(link).want(200, "In an open checkout").without("Continue that payment")
	b.get(link + "/quotes/" + strings.TrimPrefix(review, "/me/quotes/")).want(404)
	receipt := signedIn.post(checkout, "outcome", "succeed").goes("/pay/")
	id := strings.TrimPrefix(receipt, "/pay/")
	request := b.get(receipt)
	request.goes("/?next=")
	b.get(link + "?again=" + id).want(404)
	b.get("/me").goes("/?next=")
}

// Colleagues of one team see, continue and cancel one another's checkouts.
func TestColleagues(t *testing.T) {
	w := usual(t)
	first, err := w.Party.ContactByEmail(context.Background(), ann)
	w.must(err)
	second, err := w.Party.ContactByEmail(context.Background(), bob)
	w.must(err)
	_, err = w.DB.NewUpdate().Table("contacts").Set("customer_id = ?", first.CustomerID).Where("id = ?", second.ID).Exec(context.Background()) // as joining a team does
	w.must(err)
	b, colleague := w.signIn(ann), w.signIn(bob)
	colleague.get("/me").want(200, "NF-1", "BOB-1")
	checkout := b.pay(b.post("/me/quotes", "invoice", w.id("NF-1"), "invoice", w.id("AT-1"), "amount-"+w.id("AT-1"), "1").goes("/me/quotes/"), "EUR").goes("/sandbox/")
	page := colleague.get("/me").want(200, "Ann Weatherby began to pay", "NF-1")
	id := page.body[strings.Index(page.body, "/pay/")+5:][:36]
	if to := colleague.get("/pay/" + id + "/continue").goes("/sandbox/"); to != checkout {
		t.Errorf("continue leads to %s", to)
	}
	to := colleague.post("/pay/" + id + "/cancel").goes("/me?invoice=")
	colleague.get(to).want(200, "2 invoices ticked", "That payment is cancelled.")
	again := colleague.get("/pay/"+id).want(200, "This payment expired", "Try again", "Ann Weatherby")
	if !strings.Contains(again.body, "/me?invoice=") {
		t.Error("trying again leads to a selection that is not the colleague's")
	}
	b.get("/me/payments").want(200, "Expired", "2 vendors")
}
