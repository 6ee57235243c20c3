package operator

import (
	"context"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListRefunds lists money on its way back to payers, by state. GET /operator/refunds
func (h *Handlers) ListRefunds(c *fiber.Ctx) error {
	view, err := h.openReturns(c, "Refunds", "/operator/refunds")
	if err != nil {
		return err
	}
	refunds, next, err := h.Payment.ListRefunds(c.UserContext(), view.State, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	names, err := h.vendorNames(c.UserContext(), vendorIDs(refunds, func(r payment.Refund) string { return r.VendorID }))
	for _, r := range refunds {
		view.Rows = append(view.Rows, ReturnRow{ID: r.ID, VendorID: r.VendorID, Vendor: names[r.VendorID], Amount: money.New(r.Amount, r.Currency), State: stateStatus(r.State), Why: r.Reason,
			Attempts: strconv.Itoa(r.Attempts), At: utc(r.UpdatedAt), Next: utc(r.NextAttemptAt), Ref: r.GatewayRef, Answer: answerWord(0, r.LastAnswer), Retry: r.Decidable(), GiveUp: r.Decidable()})
	}
	view.Pages = page.CursorPages(c, next)
	if err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Returns(view))
}

// ListReversals lists money on its way back from vendors' accounts, by state. GET
// /operator/reversals
func (h *Handlers) ListReversals(c *fiber.Ctx) error {
	view, err := h.openReturns(c, "Taken back", "/operator/reversals")
	if err != nil {
		return err
	}
	reversals, next, err := h.Payment.ListReversals(c.UserContext(), view.State, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	names, err := h.vendorNames(c.UserContext(), vendorIDs(reversals, func(r payment.Reversal) string { return r.VendorID }))
	for _, r := range reversals {
		view.Rows = append(view.Rows, ReturnRow{ID: r.ID, VendorID: r.VendorID, Vendor: names[r.VendorID], Amount: money.New(r.Amount, r.Currency), State: stateStatus(r.State),
			Attempts: strconv.Itoa(r.Attempts), At: utc(r.UpdatedAt), Next: utc(r.NextAttemptAt), Ref: r.GatewayRef, Answer: answerWord(0, r.LastAnswer), Retry: r.State == "failed"})
	}
	view.Pages = page.CursorPages(c, next)
	if err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Returns(view))
}

func (h *Handlers) openReturns(c *fiber.Ctx, title, current string) (ReturnsView, error) {
	base, _, err := h.open(c, title, "/operator/refunds")
	view := ReturnsView{Page: base, Title: title, URL: current, Tabs: moneyTabs(current), State: known(page.Query(c, "state", 20), transferStates())}
	if view.State == "" {
		view.State = "failed"
	}
	return view, err
}

func moneyTabs(current string) []ui.NavItem {
	return marked([]ui.NavItem{{Label: "Refunds", URL: "/operator/refunds"}, {Label: "Taken back from vendors", URL: "/operator/reversals"}, {Label: "Chargebacks", URL: "/operator/chargebacks"},
		{Label: "Vendors that owe", URL: "/operator/debts"}, {Label: "Gateway messages", URL: "/operator/gateway-messages"}}, current)
}

func vendorIDs[T any](list []T, of func(T) string) []string {
	ids := make([]string, len(list))
	for i, one := range list {
		ids[i] = of(one)
	}
	return ids
}

// decide makes one decision about what the path names, and leads back to a list.
func (h *Handlers) decide(c *fiber.Ctx, what, to, done string, decision func(ctx context.Context, actor access.Actor, id string) error) error {
	_, session, err := h.open(c, "Refunds", "/operator/refunds")
	if err != nil {
		return err
	}
	subject, err := id(c, what)
	if err != nil {
		return err
	}
	if err := decision(c.UserContext(), session.Actor, subject); err != nil {
		return h.back(c, to, err)
	}
	return h.Kit.Done(c, to, done)
}

// RetryRefund tries a refused refund again; posted: vendor. POST /operator/refunds/:id/retries
func (h *Handlers) RetryRefund(c *fiber.Ctx) error {
	vendorID := page.Form(c, "vendor", 40)
	return h.decide(c, "refund", "/operator/refunds", "The refund is on its way again", func(ctx context.Context, actor access.Actor, id string) error {
		if !store.ValidID(vendorID) {
			return fault.New(fault.NotFound, "There is no such refund.")
		}
		return h.Payment.RetryRefund(ctx, actor, vendorID, id)
	})
}

// GiveUpRefund ends a refused refund; posted: vendor. POST /operator/refunds/:id/ends
func (h *Handlers) GiveUpRefund(c *fiber.Ctx) error {
	vendorID := page.Form(c, "vendor", 40)
	return h.decide(c, "refund", "/operator/refunds", "The refund is given up", func(ctx context.Context, actor access.Actor, id string) error {
		if !store.ValidID(vendorID) {
			return fault.New(fault.NotFound, "There is no such refund.")
		}
		return h.Payment.GiveUpRefund(ctx, actor, vendorID, id)
	})
}

// RetryReversal tries again to take money back. POST /operator/reversals/:id/retries
func (h *Handlers) RetryReversal(c *fiber.Ctx) error {
	return h.decide(c, "reversal", "/operator/reversals", "It is tried again, as far as the vendor still owes it", h.Payment.RetryReversal)
}

// ListChargebacks lists what payers' banks took back. GET /operator/chargebacks
func (h *Handlers) ListChargebacks(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Chargebacks", "/operator/refunds")
	if err != nil {
		return err
	}
	view := ChargebacksView{Page: base, Tabs: moneyTabs("/operator/chargebacks"), All: page.Query(c, "all", 5) == "yes"}
	list, next, err := h.Payment.ListChargebacks(c.UserContext(), !view.All, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	for _, one := range list {
		view.Rows = append(view.Rows, ChargebackRow{URL: "/operator/chargebacks/" + one.ID, Ref: one.GatewayRef, Amount: money.New(one.Amount, one.Currency), Phase: phaseStatus(one.Phase),
			Reason: sentence(one.Reason), At: utc(one.CreatedAt), Due: utc(one.EvidenceDueAt), Sent: utc(one.SubmittedAt)})
	}
	view.Pages = page.CursorPages(c, next)
	return page.Render(c, fiber.StatusOK, Chargebacks(view))
}

func phaseStatus(phase payment.DisputePhase) Status {
	switch phase {
	case payment.DisputeInquiry:
		return Status{ui.ToneWarn, "The bank asks"}
	case payment.DisputeOpen:
		return Status{ui.ToneBad, "Waits for an answer"}
	case payment.DisputeInReview:
		return Status{ui.ToneInfo, "The bank decides"}
	case payment.DisputeWon:
		return Status{ui.ToneGood, "Won"}
	case payment.DisputeLost:
		return Status{ui.ToneBad, "Lost"}
	}
	return Status{ui.ToneNeutral, "Closed"}
}

// ShowChargeback shows one with each vendor's part. GET /operator/chargebacks/:id
func (h *Handlers) ShowChargeback(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Chargeback", "/operator/refunds")
	if err != nil {
		return err
	}
	chargebackID, err := id(c, "chargeback")
	if err != nil {
		return err
	}
	detail, err := h.Payment.Chargeback(c.UserContext(), chargebackID)
	if err != nil {
		return err
	}
	names, err := h.vendorNames(c.UserContext(), vendorIDs(detail.Parts, func(p payment.ChargebackShare) string { return p.VendorID }))
	if err != nil {
		return err
	}
	view := ChargebackView{Page: base, URL: "/operator/chargebacks/" + detail.ID, Amount: money.New(detail.Amount, detail.Currency), Phase: phaseStatus(detail.Phase)}
	view.Facts = []ui.Fact{{Label: "Payment", Text: detail.PaymentNumber}, {Label: "Gateway's reference", Text: detail.GatewayRef}, {Label: "Reason", Text: sentence(detail.Reason)},
		{Label: "Fee of the gateway", Body: ui.Money(money.New(detail.Fee, detail.Currency))}, {Label: "Since", Body: ui.Moment(utc(detail.CreatedAt), base.Today)}}
	if !detail.EvidenceDueAt.IsZero() {
		view.Facts = append(view.Facts, ui.Fact{Label: "Deadline", Body: ui.Moment(utc(detail.EvidenceDueAt), base.Today)})
	}
	if !detail.SubmittedAt.IsZero() {
		view.Facts = append(view.Facts, ui.Fact{Label: "Answered", Body: ui.Moment(utc(detail.SubmittedAt), base.Today)})
	}
	if submission := detail.Submission; submission != nil {
		view.Facts = append(view.Facts, ui.Fact{Label: "The answer", Body: status(stateStatus(submission.State))})
		view.Refused, view.Answer = submission.State == "failed", submission.LastAnswer
	}
	for _, part := range detail.Parts {
		view.Parts = append(view.Parts, partRow(part, names[part.VendorID], len(detail.Papers[part.ID])))
	}
	return page.Render(c, fiber.StatusOK, Chargeback(view))
}

func partRow(part payment.ChargebackShare, vendor string, papers int) PartRow {
	row := PartRow{VendorURL: "/operator/vendors/" + part.VendorID, Vendor: vendor, Amount: money.New(part.Amount, part.Currency), Fee: money.New(part.Fee, part.Currency), Text: part.Evidence, By: part.EvidenceBy,
		At: utc(part.EvidenceAt), Said: Status{ui.ToneWarn, "Nothing yet"}, Papers: ui.Count(papers, "paper", "papers")}
	switch {
	case !part.AcceptedAt.IsZero():
		row.Said, row.At, row.Text = Status{ui.ToneNeutral, "Accepts it"}, utc(part.AcceptedAt), ""
	case !part.EvidenceAt.IsZero():
		row.Said = Status{ui.ToneInfo, "Contests it"}
	}
	return row
}

// RetryEvidence tries an answer again that was refused. POST /operator/chargebacks/:id/retries
func (h *Handlers) RetryEvidence(c *fiber.Ctx) error {
	return h.decide(c, "chargeback", "/operator/chargebacks", "The answer is on its way again", h.Payment.RetryEvidence)
}

// ListDebts lists what vendors owe. GET /operator/debts
func (h *Handlers) ListDebts(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Vendors that owe", "/operator/refunds")
	if err != nil {
		return err
	}
	debts, next, err := h.Payment.ListDebts(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	names, err := h.vendorNames(c.UserContext(), vendorIDs(debts, func(d payment.Debt) string { return d.VendorID }))
	if err != nil {
		return err
	}
	view := DebtsView{Page: base, Tabs: moneyTabs("/operator/debts"), Pages: page.CursorPages(c, next)}
	for _, debt := range debts {
		view.Rows = append(view.Rows, DebtRow{VendorURL: "/operator/vendors/" + debt.VendorID, Vendor: names[debt.VendorID], Amount: money.New(debt.Amount, debt.Currency),
			LedgerURL: "/operator/ledger/accounts/" + ledger.VendorReceivable(debt.VendorID) + "?currency=" + string(debt.Currency)})
	}
	return page.Render(c, fiber.StatusOK, Debts(view))
}

// ListGatewayMessages lists messages of the gateway that could not be followed.
// GET /operator/gateway-messages
func (h *Handlers) ListGatewayMessages(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Gateway messages", "/operator/refunds")
	if err != nil {
		return err
	}
	events, next, err := h.Payment.ListStuckHints(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	view := MessagesView{Page: base, Tabs: moneyTabs("/operator/gateway-messages"), Pages: page.CursorPages(c, next)}
	for _, event := range events {
		view.Rows = append(view.Rows, MessageRow{EventID: event.EventID, Type: event.Type, Ref: event.Ref, At: utc(event.ReceivedAt), Attempts: strconv.Itoa(event.Attempts),
			Next: utc(event.NextAttemptAt), Answer: answerWord(0, event.LastError)})
	}
	return page.Render(c, fiber.StatusOK, Messages(view))
}

// RetryGatewayMessage makes a message due again; posted: event. POST
// /operator/gateway-messages/retries
func (h *Handlers) RetryGatewayMessage(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Gateway messages", "/operator/refunds")
	if err != nil {
		return err
	}
	event := page.Form(c, "event", 300)
	if err := h.Payment.RetryHint(c.UserContext(), event); err != nil {
		return h.back(c, "/operator/gateway-messages", err)
	}
	if err := h.note(c.UserContext(), session.Actor, access.Change{Action: "gateway_message.retried", SubjectKind: "gateway_message", SubjectID: event}); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/gateway-messages", "The message is followed again within seconds")
}

// SetFees agrees on fees with a vendor; posted: processing, hub_rate (percent).
// POST /operator/vendors/:id/fees
func (h *Handlers) SetFees(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Vendor", "/operator/vendors")
	if err != nil {
		return err
	}
	vendorID, err := id(c, "vendor")
	if err != nil {
		return err
	}
	form := FeeForm{Processing: page.Form(c, "processing", 20), Rate: strings.TrimSpace(page.Form(c, "hub_rate", 20))}
	rate, err := basisPoints(form.Rate)
	if err == nil {
		err = h.Payment.SetFeePolicy(c.UserContext(), session.Actor, vendorID, payment.FeePolicy{Processing: payment.Bearer(form.Processing), HubRate: rate})
	}
	if problems, ok := page.Problems(err); ok {
		return h.showVendor(c, vendorEntered{fees: &form}, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/vendors/"+vendorID, "The fees are agreed, for payments that settle from now on")
}

// basisPoints reads a percentage: "2.5" is 250.
func basisPoints(percent string) (int64, error) {
	wrong := fault.At("hub_rate", "Write a percentage between 0 and 100, such as 2.5; two decimals at most.")
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(strings.ReplaceAll(percent, ",", "."), "%"), ".")
	whole, fraction = strings.TrimSpace(whole), strings.TrimSpace(fraction)
	if len(whole) == 0 || len(whole) > 3 || len(fraction) > 2 {
		return 0, wrong
	}
	fraction += strings.Repeat("0", 2-len(fraction))
	points, err := strconv.ParseUint(whole+fraction, 10, 32)
	if err != nil || points > 10000 {
		return 0, wrong
	}
	return int64(points), nil
}

// percentWords writes basis points as a percentage: 250 is "2.5".
func percentWords(points int64) string {
	text := strconv.FormatInt(points/100, 10)
	if rest := points % 100; rest > 0 {
		text += strings.TrimRight("."+strconv.FormatInt(rest/10, 10)+strconv.FormatInt(rest%10, 10), "0")
	}
	return text
}

// feeForm is the vendor's policy with what it comes to on an example.
func (h *Handlers) feeForm(ctx context.Context, vendorID string) (FeeForm, error) {
	policy, err := h.Payment.FeePolicy(ctx, vendorID)
	of := func(minor int64) money.Amount { return money.New(minor, "EUR") }
	const share, gateway = 100_000, 3_200 // EUR 1,000.00, of which the gateway keeps EUR 32.00
	example := FeeExample{Share: of(share), Gateway: of(gateway), Hub: of((share*policy.HubRate + 5000) / 10000)}
	left := share - example.Hub.Minor
	if policy.Processing == payment.VendorBears {
		example.VendorBears = true
		left = max(0, left-gateway)
	}
	example.Sent = of(left)
	return FeeForm{Processing: string(policy.Processing), Rate: percentWords(policy.HubRate), Example: example}, err
}
