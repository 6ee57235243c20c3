package api

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// paged reads one page of the caller's rows and answers it.
func paged[S, T any](c *fiber.Ctx, read func(ctx context.Context, vendorID string, q query) ([]S, string, error), view func(S) T) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	q, err := queryOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := deadline(c, readTimeout)
	defer cancel()
	rows, next, err := read(ctx, actor.VendorID, q)
	if err != nil {
		return err
	}
	return listOf(c, rows, next, view)
}

// GetInvoices is GET /api/v1/invoices: the first changed first.
func (h *Handlers) GetInvoices(c *fiber.Ctx) error {
	today := money.DateOf(h.Now(), time.UTC)
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]billing.Item, string, error) {
		return h.Billing.ListInvoices(ctx, vendorID, billing.InvoiceFilter{UpdatedSince: q.since}, false, q.page)
	}, func(item billing.Item) invoiceView { return viewInvoice(item, today) })
}

// GetCredits is GET /api/v1/credits: the first changed first.
func (h *Handlers) GetCredits(c *fiber.Ctx) error {
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]billing.CreditItem, string, error) {
		return h.Billing.ListCredits(ctx, vendorID, q.since, q.page)
	}, viewCredit)
}

// GetPayments is GET /api/v1/payments: the first changed first.
func (h *Handlers) GetPayments(c *fiber.Ctx) error {
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]payment.View, string, error) {
		return h.Payment.ListForVendor(ctx, vendorID, q.since, q.page)
	}, func(view payment.View) payment.View { return view })
}

// GetCases is GET /api/v1/cases: the first changed first, without threads.
func (h *Handlers) GetCases(c *fiber.Ctx) error {
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]cases.Item, string, error) {
		return h.Cases.ListForVendor(ctx, vendorID, cases.Filter{Since: q.since}, false, q.page)
	}, cases.Item.View)
}

// GetEvents is GET /api/v1/events: the oldest first, each as its webhook has it.
func (h *Handlers) GetEvents(c *fiber.Ctx) error {
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]outbox.Event, string, error) {
		return h.Outbox.ListEvents(ctx, vendorID, q.since, q.page)
	}, viewEvent)
}

// GetDeliveries is GET /api/v1/deliveries: the newest first.
func (h *Handlers) GetDeliveries(c *fiber.Ctx) error {
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]outbox.Row, string, error) {
		return h.Outbox.List(ctx, vendorID, outbox.Filter{Since: q.since}, q.page)
	}, viewDelivery)
}
