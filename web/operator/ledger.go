package operator

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

const heldOnTop = 20

// ShowLedger is what is held, for whom and since when, and the balance of each
// account. GET /operator/ledger
func (h *Handlers) ShowLedger(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Ledger", "/operator/ledger")
	if err != nil {
		return err
	}
	view := LedgerView{Page: base, Vendor: page.Query(c, "vendor", 120), Kind: known(page.Query(c, "kind", 20), accountKinds()),
		Currency: strings.ToUpper(strings.TrimSpace(page.Query(c, "currency", 3))), All: page.Query(c, "show", 10) == "held"}
	filter, problems, err := h.ledgerFilter(c.UserContext(), view)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, Ledger(view))
	}
	if err := h.fillLedger(c, filter, &view); err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Ledger(view))
}

// ledgerFilter reads what was entered above the list; problems say what is wrong with it.
func (h *Handlers) ledgerFilter(ctx context.Context, view LedgerView) (ledger.Filter, []ui.FieldError, error) {
	filter := ledger.Filter{Kind: view.Kind, Currency: view.Currency}
	var problems []ui.FieldError
	if view.Currency != "" && !money.Currency(view.Currency).Valid() {
		problems = append(problems, ui.FieldError{Field: "currency", Text: "There is no such currency. Write its three letters, like EUR."})
	}
	if view.Vendor != "" {
		vendor, err := h.Party.FindVendor(ctx, view.Vendor)
		var shown *fault.Error
		switch {
		case err == nil:
			filter.VendorID = vendor.ID
		case errors.As(err, &shown) && (shown.Code == fault.NotFound || shown.Code == fault.Conflict):
			problems = append(problems, ui.FieldError{Field: "vendor", Text: shown.Message})
		default:
			return filter, nil, err
		}
	}
	return filter, problems, nil
}

func (h *Handlers) fillLedger(c *fiber.Ctx, filter ledger.Filter, view *LedgerView) error {
	sums, err := h.Ledger.HeldSums(c.UserContext(), filter)
	if err != nil {
		return err
	}
	for _, sum := range sums {
		query := url.Values{"show": {"held"}, "kind": {sum.Kind}, "currency": {string(sum.Currency)}}
		if view.Vendor != "" {
			query.Set("vendor", view.Vendor)
		}
		view.Sums = append(view.Sums, ui.Tile{Figure: money.New(sum.Amount, sum.Currency).String(), Label: heldWords(sum.Kind),
			Hint: ui.Count(sum.Accounts, "account", "accounts"), URL: "/operator/ledger?" + query.Encode()})
	}
	request := store.PageRequest{Limit: heldOnTop}
	if view.All {
		request = page.Cursor(c, onOnePage)
	}
	held, next, err := h.Ledger.Held(c.UserContext(), filter, request)
	if err != nil {
		return err
	}
	var balances []ledger.AccountBalance
	view.More, view.AllURL, view.BackURL = next != "", listURL(c, "held"), listURL(c, "")
	if !view.All {
		if balances, next, err = h.Ledger.BalancesOf(c.UserContext(), filter, page.Cursor(c, 100)); err != nil {
			return err
		}
	}
	view.Pages = page.CursorPages(c, next)
	return h.listLedger(c.UserContext(), held, balances, view)
}

// listURL is this page with the same filter, showing all that is held or everything.
func listURL(c *fiber.Ctx, show string) string {
	query, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		query = url.Values{}
	}
	query.Del("cursor")
	query.Del("show")
	if show != "" {
		query.Set("show", show)
	}
	if len(query) == 0 {
		return "/operator/ledger"
	}
	return "/operator/ledger?" + query.Encode()
}

func (h *Handlers) listLedger(ctx context.Context, held []ledger.Held, balances []ledger.AccountBalance, view *LedgerView) error {
	var accounts []string
	for _, row := range held {
		accounts = append(accounts, row.Account)
	}
	for _, balance := range balances {
		accounts = append(accounts, balance.Account)
	}
	names, err := h.ownerNames(ctx, accounts, nil)
	if err != nil {
		return err
	}
	for _, row := range held {
		account, _ := ledger.ParseAccount(row.Account)
		view.Held = append(view.Held, HeldRow{Owner: ownerOf(row.Account, names), Words: heldWords(account.Kind), URL: statementURL(row.Account, row.Currency),
			Amount: money.New(row.Amount, row.Currency), Since: row.Since.UTC(), Days: daysSince(row.Since, h.Kit.Now())})
	}
	for _, balance := range balances {
		view.Balances = append(view.Balances, BalanceRow{Account: balance.Account, Words: accountWords(balance.Account, names),
			URL: statementURL(balance.Account, balance.Currency), Amount: money.New(balance.Amount, balance.Currency)})
	}
	return nil
}

func daysSince(since, now time.Time) string {
	days := int(now.Sub(since) / (24 * time.Hour))
	if days < 1 {
		return "less than a day"
	}
	return "for " + ui.Count(days, "day", "days")
}

func statementURL(account string, currency money.Currency) string {
	return "/operator/ledger/accounts/" + url.PathEscape(account) + "?currency=" + url.QueryEscape(string(currency))
}

// ownerNames are the names of the vendors and customers of accounts, and of
// further vendors, by id.
func (h *Handlers) ownerNames(ctx context.Context, accounts, vendorIDs []string) (map[string]string, error) {
	seen := map[string]bool{}
	var customerIDs []string
	add := func(list []string, id string) []string {
		if id == "" || seen[id] {
			return list
		}
		seen[id] = true
		return append(list, id)
	}
	vendors := []string{}
	for _, id := range vendorIDs {
		vendors = add(vendors, id)
	}
	for _, name := range accounts {
		account, _ := ledger.ParseAccount(name)
		vendors, customerIDs = add(vendors, account.VendorID), add(customerIDs, account.CustomerID)
	}
	names, err := h.vendorNames(ctx, vendors)
	if err != nil {
		return nil, err
	}
	customers, err := h.Party.Customers(ctx, h.DB, customerIDs)
	for id, customer := range customers {
		names[id] = customer.Name
	}
	return names, err
}

// ShowStatement is one account in one currency over a period.
// GET /operator/ledger/accounts/:account?currency=
func (h *Handlers) ShowStatement(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Statement", "/operator/ledger")
	if err != nil {
		return err
	}
	account, err := url.PathUnescape(page.Param(c, "account"))
	if err != nil || len(account) > 120 || strings.ContainsRune(account, 0) {
		return fault.New(fault.NotFound, "The ledger has no such account.")
	}
	currencies, err := h.Ledger.Currencies(c.UserContext(), account)
	if err != nil {
		return err
	}
	if len(currencies) == 0 {
		if account != ledger.Gateway && account != ledger.HubFees { // these two are there from the beginning
			return fault.New(fault.NotFound, "Nothing is booked on an account of this name.")
		}
	}
	names, err := h.ownerNames(c.UserContext(), []string{account}, nil)
	if err != nil {
		return err
	}
	view := StatementView{Page: base, Account: account, Words: accountWords(account, names), Owner: ownerOf(account, names), URL: "/operator/ledger/accounts/" + url.PathEscape(account),
		From: page.Query(c, "from", 10), To: page.Query(c, "to", 10)}
	if view.Words == "" {
		view.Words = account
	}
	view.Page.Title = view.Words
	if view.pick(currencies, page.Query(c, "currency", 3)); view.Currency == "" {
		return page.Render(c, fiber.StatusOK, Statement(view))
	}
	return h.fillStatement(c, view)
}

// pick chooses the currency that is asked for, or else the first.
func (v *StatementView) pick(currencies []money.Currency, asked string) {
	for i, currency := range currencies {
		if i == 0 || string(currency) == asked {
			v.Currency = string(currency)
		}
	}
	for _, currency := range currencies {
		v.Currencies = append(v.Currencies, ui.NavItem{Label: string(currency), URL: statementURL(v.Account, currency), Current: string(currency) == v.Currency})
	}
	if v.From+v.To != "" {
		v.Clear = statementURL(v.Account, money.Currency(v.Currency))
	}
}

func (h *Handlers) fillStatement(c *fiber.Ctx, view StatementView) error {
	currency := money.Currency(view.Currency)
	period, err := ledger.Days(view.From, view.To)
	if err != nil {
		problems, ok := page.Problems(err)
		if !ok {
			return err
		}
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, Statement(view))
	}
	statement, err := h.Ledger.Statement(c.UserContext(), view.Account, currency, period, page.Cursor(c, 100))
	if err != nil {
		return err
	}
	var vendorIDs []string
	for _, line := range statement.Lines {
		vendorIDs = append(vendorIDs, line.VendorID)
	}
	names, err := h.ownerNames(c.UserContext(), nil, vendorIDs)
	if err != nil {
		return err
	}
	view.Opening, view.Closing, view.Before = money.New(statement.Opening, currency), money.New(statement.Closing, currency), money.New(statement.Before, currency)
	view.First = page.Query(c, "cursor", 200) == ""
	for _, line := range statement.Lines {
		view.Rows = append(view.Rows, LineRow{At: line.At.UTC(), Kind: sentence(line.Kind), Memo: line.Memo, URL: transactionURL(line.TransactionID),
			Vendor: vendorOwner(line.VendorID, names), Amount: money.New(line.Amount, currency), Balance: money.New(line.Balance, currency)})
	}
	view.Pages = page.CursorPages(c, statement.Next)
	return page.Render(c, fiber.StatusOK, Statement(view))
}

// ShowTransaction is one transaction with its entries, its seal, and what else
// was booked for the same payment. GET /operator/ledger/transactions/:id
func (h *Handlers) ShowTransaction(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Transaction", "/operator/ledger")
	if err != nil {
		return err
	}
	transactionID, err := id(c, "transaction")
	if err != nil {
		return err
	}
	booked, err := h.Ledger.Transaction(c.UserContext(), transactionID)
	if err != nil {
		return err
	}
	others, err := h.Ledger.OfPayment(c.UserContext(), booked.PaymentID)
	if err != nil {
		return err
	}
	vendorIDs := []string{booked.VendorID}
	for _, other := range others {
		vendorIDs = append(vendorIDs, other.VendorID)
	}
	var accounts []string
	for _, entry := range booked.Entries {
		accounts = append(accounts, entry.Account)
	}
	names, err := h.ownerNames(c.UserContext(), accounts, vendorIDs)
	if err != nil {
		return err
	}
	view := TransactionView{Page: base, Kind: sentence(booked.Kind), Payment: booked.PaymentID, Altered: booked.Altered, Seal: sealStatus(booked), Facts: bookedFacts(booked, names, base.Today)}
	view.Page.Title = view.Kind
	for _, entry := range booked.Entries {
		view.Entries = append(view.Entries, BalanceRow{Account: entry.Account, Words: accountWords(entry.Account, names), URL: statementURL(entry.Account, entry.Currency), Amount: money.New(entry.Amount, entry.Currency)})
	}
	for _, other := range others {
		if other.ID != booked.ID {
			view.Others = append(view.Others, otherRow(other, names))
		}
	}
	return page.Render(c, fiber.StatusOK, Transaction(view))
}

func otherRow(t ledger.Transaction, names map[string]string) OtherRow {
	received := int64(0)
	for _, entry := range t.Entries {
		received += max(entry.Amount, 0)
	}
	return OtherRow{At: t.CreatedAt.UTC(), Kind: sentence(t.Kind), Memo: t.Memo, URL: transactionURL(t.ID), Vendor: vendorOwner(t.VendorID, names), Amount: money.New(received, t.Currency)}
}

func sealStatus(booked ledger.Booked) Status {
	switch {
	case len(booked.Altered) > 0:
		return Status{ui.ToneBad, "Altered after it was sealed"}
	case booked.Batch == 0:
		return Status{ui.ToneNeutral, "Not sealed yet"}
	case booked.Seal == "":
		return Status{ui.ToneInfo, "Sealed with its batch"}
	}
	return Status{ui.ToneGood, "As it was sealed"}
}

func bookedFacts(booked ledger.Booked, names map[string]string, today money.Date) []ui.Fact {
	facts := []ui.Fact{{Label: "Booked", Body: ui.Moment(booked.CreatedAt.UTC(), today)}, {Label: "Memo", Text: booked.Memo}}
	if booked.VendorID != "" {
		facts = append(facts, ui.Fact{Label: "Vendor", Body: owner(vendorOwner(booked.VendorID, names))})
	}
	if booked.PaymentID != "" {
		facts = append(facts, ui.Fact{Label: "Payment", Body: link("#payment", booked.PaymentID)})
	}
	facts = append(facts, ui.Fact{Label: "Transaction", Text: booked.ID})
	if booked.Batch != 0 {
		facts = append(facts, ui.Fact{Label: "Batch", Text: strconv.FormatInt(booked.Batch, 10)}, ui.Fact{Label: "Sealed", Body: ui.Moment(utc(booked.SealedAt), today)},
			ui.Fact{Label: "Hash of the batch", Text: booked.BatchHash})
	}
	return facts
}

// ExportLedger is every entry of a period as a file. It is written to the disk
// first: a file of millions of rows does not stand in memory, and one that
// cannot be finished is not begun. GET /operator/ledger.csv
func (h *Handlers) ExportLedger(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Ledger", "/operator/ledger")
	if err != nil {
		return err
	}
	view := LedgerView{Page: base, From: page.Query(c, "from", 10), To: page.Query(c, "to", 10)}
	period, err := ledger.Days(view.From, view.To)
	if problems, ok := page.Problems(err); ok {
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, Ledger(view))
	} else if err != nil {
		return err
	}
	file, err := h.writeLedger(c.UserContext(), period)
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.New(fault.Invalid, "This period has too many entries for a page. Choose a shorter one, or run: sheaf ledger export.")
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	c.Attachment("ledger-" + string(base.Today) + ".csv")
	c.Context().SetBodyStream(file, file.size) // it closes the file
	return nil
}

// passing is a file that is gone when it is closed.
type passing struct {
	*os.File
	size int
}

func (p passing) Close() error { return errors.Join(p.File.Close(), os.Remove(p.Name())) }

func (h *Handlers) writeLedger(ctx context.Context, period ledger.Period) (passing, error) {
	file, err := os.CreateTemp("", "sheaf-ledger-*.csv")
	if err != nil {
		return passing{}, fmt.Errorf("make a file for the export: %w", err)
	}
	out := bufio.NewWriter(file)
	_, err = h.Ledger.Export(ctx, period, out, nil)
	if err == nil {
		err = out.Flush()
	}
	size := int64(0)
	if err == nil {
		if size, err = file.Seek(0, 1); err == nil {
			_, err = file.Seek(0, 0)
		}
	}
	if err != nil {
		return passing{}, errors.Join(err, passing{File: file}.Close())
	}
	return passing{File: file, size: int(size)}, nil
}
