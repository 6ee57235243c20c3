package web

import (
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/web/api"
	"github.com/sheaf-hub/sheaf/web/console"
	"github.com/sheaf-hub/sheaf/web/hooks"
	"github.com/sheaf-hub/sheaf/web/operator"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/portal"
)

// Who may use a route. The handler scopes what it reads to whoever that is.
type Who string

// The kinds of visitors.
const (
	Anyone   Who = "anyone"   // no session needed; the handler may look at one
	Link     Who = "link"     // whoever holds the token in the path
	Contact  Who = "contact"  // a signed-in contact
	Staff    Who = "staff"    // a vendor's staff
	Operator Who = "operator" // the hub's own staff
	Key      Who = "key"      // a vendor's API key
	Machine  Who = "machine"  // health checks and assets: no session is loaded
)

// Route is one line of the list.
type Route struct {
	Method, Path string
	Who          Who
	handlers     []fiber.Handler
}

// Handlers are all that answer.
type Handlers struct {
	Portal   *portal.Handlers
	Console  *console.Handlers
	Operator *operator.Handlers
	API      *api.Handlers
	Hooks    *hooks.Handlers
	Health   *Health
}

// Routes is the list without what answers: for tests that walk every route.
func Routes() []Route {
	return routes(&Handlers{}, &page.Kit{})
}

func (r Route) chain() []fiber.Handler { return r.handlers }

func routes(h *Handlers, kit *page.Kit) []Route {
	var list []Route
	add := func(who Who, method, path string, handler fiber.Handler) {
		list = append(list, Route{Method: method, Path: path, Who: who, handlers: append(guards(who, h, kit), handler)})
	}
	machines(add, h.Health)
	inbound(add, h.Hooks)
	customers(add, h.Portal)
	digestLinks(add, h.Portal)
	vendors(add, h.Console)
	operators(add, h.Operator)
	vendorAPI(add, h.API)
	return list
}

type adder func(who Who, method, path string, handler fiber.Handler)

// guards are what stands before a handler.
func guards(who Who, h *Handlers, kit *page.Kit) []fiber.Handler {
	switch who {
	case Machine:
		return nil
	case Key:
		return []fiber.Handler{h.API.Authenticate}
	case Contact:
		return []fiber.Handler{kit.LoadSession, kit.SameOrigin, page.RequireContact}
	case Staff:
		return []fiber.Handler{kit.LoadSession, kit.SameOrigin, page.RequireStaff}
	case Operator:
		return []fiber.Handler{kit.LoadSession, kit.SameOrigin, page.RequireOperator}
	}
	return []fiber.Handler{kit.LoadSession, kit.SameOrigin}
}

const (
	get    = fiber.MethodGet
	post   = fiber.MethodPost
	put    = fiber.MethodPut
	patch  = fiber.MethodPatch
	remove = fiber.MethodDelete
)

func machines(add adder, h *Health) {
	add(Machine, get, "/healthz", h.Alive)
	add(Machine, get, "/readyz", h.IsReady)
	add(Machine, get, "/metrics", h.Metrics)
	add(Machine, get, "/assets/:name", h.Asset)
}

// inbound is what other companies' computers tell the hub. Each message proves
// by its signature whose it is.
func inbound(add adder, h *hooks.Handlers) {
	add(Machine, post, "/webhooks/stripe", h.Stripe)
}

// vendorAPI is the contract that vendors' programs are built on.
func vendorAPI(add adder, h *api.Handlers) {
	add(Machine, get, "/api/openapi.json", h.OpenAPI)
	add(Machine, get, "/api/docs", h.Docs)
	add(Key, put, "/api/v1/accounts", h.PutAccounts)
	add(Key, put, "/api/v1/invoices", h.PutInvoices)
	add(Key, put, "/api/v1/credits", h.PutCredits)
	add(Key, get, "/api/v1/invoices", h.GetInvoices)
	add(Key, get, "/api/v1/credits", h.GetCredits)
	add(Key, get, "/api/v1/payments", h.GetPayments)
	add(Key, patch, "/api/v1/payments/:id", h.PatchPayment)
	add(Key, post, "/api/v1/payments/:id/refunds", h.PostRefund)
	add(Key, get, "/api/v1/payments/:id/refunds", h.GetRefunds)
	add(Key, get, "/api/v1/cases", h.GetCases)
	add(Key, get, "/api/v1/cases/:id", h.GetCase)
	add(Key, post, "/api/v1/cases/:id/messages", h.PostCaseMessage)
	add(Key, patch, "/api/v1/cases/:id", h.PatchCase)
	add(Key, get, "/api/v1/events", h.GetEvents)
	add(Key, get, "/api/v1/deliveries", h.GetDeliveries)
	add(Key, post, "/api/v1/deliveries/:id/replay", h.PostDeliveryReplay)
	add(Key, put, "/api/v1/webhook-endpoints", h.PutWebhookEndpoint)
	add(Key, get, "/api/v1/webhook-endpoints", h.GetWebhookEndpoints)
	add(Key, remove, "/api/v1/webhook-endpoints/:id", h.DeleteWebhookEndpoint)
}

// vendors is the console of a vendor's staff. What only an owner may do, the
// handlers refuse to others.
func vendors(add adder, h *console.Handlers) {
	add(Anyone, get, "/vendor/sign-in", h.AskAddress)
	add(Anyone, post, "/vendor/sign-in", h.SendLink)
	add(Staff, get, "/vendor", h.ShowOverview)
	add(Staff, get, "/vendor/switch", h.ListChoices)
	add(Staff, post, "/vendor/switch", h.SwitchStaff)

	add(Staff, get, "/vendor/invoices", h.ListInvoices)
	add(Staff, get, "/vendor/invoices/:id", h.ShowInvoice)
	add(Staff, post, "/vendor/invoices/:id/holds", h.HoldInvoice)
	add(Staff, post, "/vendor/invoices/:id/releases", h.ReleaseInvoice)
	add(Staff, get, "/vendor/documents/:id", h.SendDocument)
	add(Staff, get, "/vendor/unreachable", h.ListUnreachable)
	add(Staff, get, "/vendor/preview", h.ShowPreview)
	add(Staff, get, "/vendor/preview/mail", h.ShowPreviewMail)

	add(Staff, get, "/vendor/payments.csv", h.ExportPayments)
	add(Staff, get, "/vendor/payments", h.ListPayments)
	add(Staff, get, "/vendor/payments/:id", h.ShowPayment)
	add(Staff, get, "/vendor/payments/:id/remittance.pdf", h.RemittancePDF)
	add(Staff, get, "/vendor/payments/:id/remittance.csv", h.RemittanceCSV)
	add(Staff, get, "/vendor/payments/:id/remittance.xml", h.RemittanceXML)
	add(Staff, get, "/vendor/remittance", h.RemittanceOfPeriod)
	add(Staff, get, "/vendor/remittance.csv", h.ExportRemittance)
	add(Staff, get, "/vendor/remittance.xml", h.ExportNotification)
	add(Staff, get, "/vendor/payouts.csv", h.ExportPayouts)
	add(Staff, get, "/vendor/payouts", h.ListPayouts)
	add(Staff, post, "/vendor/payouts/onboardings", h.StartPayouts)
	add(Staff, get, "/vendor/payouts/:id", h.ShowPayout)
	add(Staff, get, "/vendor/payouts/:id/lines.csv", h.ExportPayout)
	add(Staff, post, "/vendor/payments/:id/refund-reviews", h.ReviewRefund)
	add(Staff, post, "/vendor/payments/:id/refunds", h.AskRefund)
	add(Staff, get, "/vendor/refunds/:id", h.ShowRefund)
	add(Staff, post, "/vendor/refunds/:id/retries", h.RetryRefund)
	add(Staff, post, "/vendor/refunds/:id/ends", h.GiveUpRefund)
	add(Staff, get, "/vendor/chargebacks", h.ListChargebacks)
	add(Staff, get, "/vendor/chargebacks/:id", h.ShowChargeback)
	add(Staff, post, "/vendor/chargebacks/:id/evidence", h.GiveEvidence)
	add(Staff, post, "/vendor/chargebacks/:id/acceptances", h.AcceptChargeback)
	add(Staff, post, "/vendor/chargebacks/:id/bookings", h.BookChargeback)
	add(Staff, get, "/vendor/evidence/:id", h.SendPaper)

	add(Staff, get, "/vendor/cases", h.ListCases)
	add(Staff, get, "/vendor/cases/:id", h.ShowCase)
	add(Staff, post, "/vendor/cases/:id/messages", h.AnswerCase)
	add(Staff, post, "/vendor/cases/:id/resolution", h.ResolveCase)
	add(Staff, get, "/vendor/tasks", h.ListTasks)
	add(Staff, post, "/vendor/tasks/:id/completions", h.CompleteTask)

	add(Staff, get, "/vendor/deliveries", h.ListDeliveries)
	add(Staff, get, "/vendor/deliveries/:id", h.ShowDelivery)
	add(Staff, post, "/vendor/deliveries/:id/replays", h.ReplayDelivery)
	add(Staff, get, "/vendor/webhooks", h.ListWebhooks)
	add(Staff, post, "/vendor/webhooks", h.AddWebhook)
	add(Staff, post, "/vendor/webhooks/:id/secrets", h.ShowWebhookSecret)
	add(Staff, post, "/vendor/webhooks/:id/disablings", h.DisableWebhook)

	add(Staff, get, "/vendor/imports", h.ListImports)
	add(Staff, get, "/vendor/imports/:id", h.ShowImport)
	add(Staff, get, "/vendor/connections/new", h.ListKinds)
	add(Staff, get, "/vendor/connections/new/:kind", h.AskConnection)
	add(Staff, post, "/vendor/connections/new/:kind", h.AddConnection)
	add(Staff, get, "/vendor/connections/:id", h.ShowConnection)
	add(Staff, post, "/vendor/connections/:id/syncs", h.ReadConnection)
	add(Staff, post, "/vendor/connections/:id/starts", h.StartConnection)
	add(Staff, post, "/vendor/connections/:id/write-back", h.ChooseWriteBack)
	add(Staff, post, "/vendor/connections/:id/limits", h.LimitConnection)
	add(Staff, post, "/vendor/connections/:id/settings", h.ChangeConnection)
	add(Staff, post, "/vendor/connections/:id/removals", h.RemoveConnection)
	add(Staff, post, "/vendor/connections/:id/confirmations", h.ConfirmSnapshot)

	add(Staff, get, "/vendor/keys", h.ListKeys)
	add(Staff, post, "/vendor/keys", h.MakeKey)
	add(Staff, post, "/vendor/keys/:id/revocations", h.RevokeKey)
	add(Staff, get, "/vendor/staff", h.ListStaff)
	add(Staff, post, "/vendor/staff", h.InviteStaff)
	add(Staff, post, "/vendor/staff/:id/disablings", h.DisableStaff)
	add(Staff, get, "/vendor/profile", h.ShowProfile)
	add(Staff, post, "/vendor/profile", h.ChangeProfile)
	add(Staff, get, "/vendor/incentives", h.ShowIncentives)
	add(Staff, post, "/vendor/incentives", h.ChangeIncentives)
	add(Staff, get, "/vendor/audit", h.ListAudit)
}

// customers are the pages of a contact.
func customers(add adder, h *portal.Handlers) {
	add(Anyone, get, "/", h.Home)
	add(Anyone, post, "/sign-in", h.RequestSignIn)
	add(Link, get, "/sign-in/:token", h.LookAtLink)
	add(Link, post, "/sign-in/:token", h.ConsumeLink)
	add(Anyone, post, "/sign-out", h.SignOut)
	add(Anyone, post, "/sign-out-everywhere", h.SignOutEverywhere)
	add(Contact, get, "/me", h.Me)
	add(Contact, post, "/me/quotes", h.Quote)
	add(Contact, get, "/me/quotes/:id", h.ReviewQuote)
	add(Contact, post, "/me/quotes/:id/payments", h.StartPayment)
	add(Contact, post, "/me/quotes/:id/charges", h.ChargeQuote)
	add(Contact, post, "/me/quotes/:id/schedules", h.PlanQuote)
	add(Contact, get, "/me/schedules", h.Schedules)
	add(Contact, post, "/me/schedules/:id/cancellations", h.CancelSchedule)
	add(Contact, get, "/me/methods", h.Methods)
	add(Contact, post, "/me/methods", h.SaveMethod)
	add(Contact, get, "/me/methods/setups/:id", h.FinishMethod)
	add(Contact, get, "/me/methods/:id", h.Method)
	add(Contact, post, "/me/methods/:id/removals", h.RemoveMethod)
	add(Contact, get, "/me/invoices/:id", h.Invoice)
	add(Contact, post, "/me/invoices/:id/questions", h.Ask)
	add(Contact, post, "/me/invoices/:id/disputes", h.OpenDispute)
	add(Contact, post, "/me/invoices/:id/promises", h.Promise)
	add(Contact, post, "/me/invoices/:id/notices", h.SendNotice)
	add(Contact, post, "/me/invoices/:id/plans", h.ProposePlan)
	add(Contact, get, "/me/documents/:id", h.Document)
	add(Contact, get, "/me/cases", h.ListCases)
	add(Contact, get, "/me/cases/:id", h.ShowCase)
	add(Contact, post, "/me/cases/:id/messages", h.ReplyToCase)
	add(Contact, post, "/me/cases/:id/withdrawal", h.WithdrawCase)
	add(Contact, post, "/me/vendors", h.AnswerVendors)
	add(Contact, post, "/me/vendors/:id", h.AnswerVendor)
	add(Contact, get, "/me/invoices.csv", h.InvoicesCSV)
	add(Contact, get, "/me/statement.pdf", h.Statement)
	add(Contact, get, "/me/due.ics", h.DueDates)
	add(Contact, get, "/me/settings", h.Settings)
	add(Contact, post, "/me/settings/digest", h.ChangeDigest)
	add(Contact, post, "/me/settings/unsubscribe", h.Unsubscribe)
	add(Contact, post, "/me/settings/resubscribe", h.Resubscribe)
	add(Contact, post, "/me/settings/links/revocations", h.RevokeLinks)
	add(Contact, post, "/me/settings/devices/sign-out", h.SignOutEverywhere)
	add(Contact, post, "/me/settings/devices/:id/sign-out", h.EndSession)
	add(Contact, post, "/me/team/invitations", h.InviteColleague)
	add(Contact, get, "/me/team/invitations/:id", h.LookAtInvitation)
	add(Contact, post, "/me/team/invitations/:id/acceptance", h.AcceptInvitation)
	add(Contact, post, "/me/team/invitations/:id/refusal", h.DeclineInvitation)
	add(Contact, post, "/me/team/invitations/:id/withdrawals", h.WithdrawInvitation)
	add(Contact, post, "/me/team/departures", h.LeaveTeam)
	add(Contact, get, "/me/payments", h.Payments)
	add(Contact, get, "/me/payments/:id", h.ContactPayment)
	add(Contact, get, "/me/payments/:id/receipt.pdf", h.ContactReceipt)
	// where a gateway sends the payer back: a contact, or whoever began it by a digest's link
	add(Anyone, get, "/pay/:id", h.Pay)
	add(Anyone, get, "/pay/:id/receipt.pdf", h.PayReceipt)
	add(Anyone, get, "/pay/:id/continue", h.ContinuePayment)
	add(Anyone, post, "/pay/:id/cancel", h.CancelPayment)
	add(Anyone, get, "/sandbox/checkout/:ref", h.SandboxPage)
	add(Anyone, post, "/sandbox/checkout/:ref", h.DecideSandbox)
	add(Anyone, get, "/sandbox/methods/:ref", h.SandboxSetup)
	add(Anyone, post, "/sandbox/methods/:ref", h.DecideSetup)
	// mail that was captured instead of sent; 404 where mail is sent
	add(Anyone, get, "/dev/mail", h.CapturedMails)
	add(Anyone, get, "/dev/mail/:id", h.CapturedMail)
	add(Anyone, get, "/dev/mail/:id/raw", h.CapturedHTML)
	add(Anyone, get, "/dev/mail/:id/attachments/:number", h.CapturedAttachment)
}

// digestLinks show and pay what one digest lists, and nothing more.
func digestLinks(add adder, h *portal.Handlers) {
	add(Link, get, "/u/:token", h.LookAtUnsubscribe)
	add(Link, post, "/u/:token", h.UnsubscribeByLink)
	add(Link, post, "/u/:token/resubscribe", h.ResubscribeByLink)
	add(Link, get, "/d/:token", h.Digest)
	add(Link, get, "/d/:token/invoices/:id", h.Invoice)
	add(Link, get, "/d/:token/documents/:id", h.Document)
	add(Link, post, "/d/:token/quotes", h.Quote)
	add(Link, get, "/d/:token/quotes/:id", h.ReviewQuote)
	add(Link, post, "/d/:token/quotes/:id/payments", h.StartPayment)
}

// operators is the hub's own staff.
func operators(add adder, h *operator.Handlers) {
	add(Anyone, get, "/operator/sign-in", h.AskAddress)
	add(Anyone, post, "/operator/sign-in", h.SendLink)
	add(Operator, get, "/operator", h.ShowOverview)
	add(Operator, get, "/operator/switch", h.ListChoices)
	add(Operator, post, "/operator/switch", h.SwitchStaff)
	add(Operator, get, "/operator/vendors", h.ListVendors)
	add(Operator, post, "/operator/vendors", h.AddVendor)
	add(Operator, get, "/operator/vendors/new", h.AskVendor)
	add(Operator, get, "/operator/vendors/:id", h.ShowVendor)
	add(Operator, post, "/operator/vendors/:id/approvals", h.ApproveVendor)
	add(Operator, post, "/operator/vendors/:id/suspensions", h.SuspendVendor)
	add(Operator, get, "/operator/payouts", h.ListWaiting)
	add(Operator, get, "/operator/digests", h.ListDigests)
	add(Operator, post, "/operator/digests/:id/decision", h.DecideDigest)
	add(Operator, get, "/operator/dead-letters", h.ListDeadLetters)
	add(Operator, post, "/operator/dead-letters/deliveries/:id/retries", h.RetryDelivery)
	add(Operator, post, "/operator/dead-letters/mails/:id/retries", h.RetryMail)
	add(Operator, post, "/operator/dead-letters/receipts/:id/retries", h.RetryReceipt)
	add(Operator, get, "/operator/transfers", h.ListTransfers)
	add(Operator, post, "/operator/transfers/:id/retries", h.RetryTransfer)
	add(Operator, get, "/operator/refunds", h.ListRefunds)
	add(Operator, post, "/operator/refunds/:id/retries", h.RetryRefund)
	add(Operator, post, "/operator/refunds/:id/ends", h.GiveUpRefund)
	add(Operator, get, "/operator/reversals", h.ListReversals)
	add(Operator, post, "/operator/reversals/:id/retries", h.RetryReversal)
	add(Operator, get, "/operator/chargebacks", h.ListChargebacks)
	add(Operator, get, "/operator/chargebacks/:id", h.ShowChargeback)
	add(Operator, post, "/operator/chargebacks/:id/retries", h.RetryEvidence)
	add(Operator, get, "/operator/debts", h.ListDebts)
	add(Operator, get, "/operator/gateway-messages", h.ListGatewayMessages)
	add(Operator, post, "/operator/gateway-messages/retries", h.RetryGatewayMessage)
	add(Operator, post, "/operator/vendors/:id/fees", h.SetFees)
	add(Operator, get, "/operator/tasks", h.ListTasks)
	add(Operator, post, "/operator/tasks/:id/completions", h.CompleteTask)
	add(Operator, get, "/operator/queues", h.ShowQueues)
	add(Operator, get, "/operator/ledger", h.ShowLedger)
	add(Operator, get, "/operator/ledger.csv", h.ExportLedger)
	add(Operator, get, "/operator/ledger/accounts/:account", h.ShowStatement)
	add(Operator, get, "/operator/ledger/transactions/:id", h.ShowTransaction)
	add(Operator, get, "/operator/audit", h.ListAudit)
}
