package quickbooks

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Kinds of accounts (developer.intuit.com, "Account"): payments are deposited to the
// first two, and what customers owe stands on the third.
const (
	accountBank        = "Bank"
	accountOtherAsset  = "Other Current Asset"
	accountReceivables = "Accounts Receivable"
)

// chart is the accounts of a company that are in use.
type chart []wireAccount

func (c *Client) chart(ctx context.Context) (chart, error) {
	got, err := c.all(ctx, statement{entity: "Account"})
	if err != nil {
		return nil, err
	}
	var accounts chart
	for _, raw := range got.records {
		var account wireAccount
		if err := json.Unmarshal(raw, &account); err != nil {
			return nil, unusable("its chart of accounts")
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}

// chartFor reads the chart where a booking needs it.
func (c *Client) chartFor(ctx context.Context, g group) (chart, error) {
	if g.discount() == 0 && (g.money() == 0 || c.paymentAccount == "" && !g.clearing) {
		return nil, nil
	}
	return c.chart(ctx)
}

// find looks for an account of the settings: by id, then by number, then by name with
// or without those above it. A name that two accounts have is none.
func (list chart) find(setting, use string) (wireAccount, error) {
	for _, same := range []func(wireAccount) bool{
		func(a wireAccount) bool { return a.ID == setting },
		func(a wireAccount) bool { return a.AcctNum == setting },
		func(a wireAccount) bool { return strings.EqualFold(a.FullyQualifiedName, setting) },
		func(a wireAccount) bool { return strings.EqualFold(a.Name, setting) },
	} {
		var found []wireAccount
		for _, account := range list {
			if isID(account.ID) && same(account) {
				found = append(found, account)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0], nil
		}
		return wireAccount{}, refused("QuickBooks has %d accounts %q (for %s). Enter the whole name, with the accounts above it: “Parent:Account”", len(found), clip(setting, 100), use)
	}
	return wireAccount{}, refused("QuickBooks has no active account %q (for %s). Look it up in QuickBooks under Chart of accounts", clip(setting, 100), use)
}

// deposit is an account of the settings that QuickBooks deposits payments to.
func (list chart) deposit(setting, use string) (wireAccount, error) {
	account, err := list.find(setting, use)
	if err == nil && account.AccountType != accountBank && account.AccountType != accountOtherAsset {
		return account, refused("QuickBooks deposits no payments to account %q (for %s), because it is of the type %q. Choose a bank account or another current asset",
			clip(account.Name, 100), use, clip(account.AccountType, 60))
	}
	return account, err
}

// receivables is the account of what customers owe in a currency: QuickBooks keeps
// one for each. The oldest is the one that it made by itself.
func (list chart) receivables(currency money.Currency) (wireAccount, error) {
	var found wireAccount
	for _, account := range list {
		fits := account.AccountType == accountReceivables && (account.CurrencyRef.Value == "" || account.CurrencyRef.Value == string(currency)) && isID(account.ID)
		if fits && (found.ID == "" || len(account.ID) < len(found.ID) || len(account.ID) == len(found.ID) && account.ID < found.ID) {
			found = account
		}
	}
	if found.ID == "" {
		return found, refused("QuickBooks has no account for receivables in %s, so the discount cannot be booked", currency)
	}
	return found, nil
}

// Bodies of a journal entry.
type (
	newJournal struct {
		DocNumber, PrivateNote string

		TxnDate     money.Date
		CurrencyRef ref
		Line        []newJournalLine
	}
	newJournalLine struct {
		Description            string
		DetailType             string
		Amount                 json.Number
		JournalEntryLineDetail newJournalDetail
	}
	newJournalDetail struct {
		PostingType string // "Debit" or "Credit"
		AccountRef  ref
		Entity      *newEntity `json:",omitempty"`
	}
	newEntity struct {
		Type      string
		EntityRef ref
	}
)

// discount books the discount of a group as a journal entry, unless that was done, and
// answers its id. Nothing uses it until the payment does: when that is refused, it stays as
// a credit of the customer, and the next try finds it.
func (c *Client) discount(ctx context.Context, g group, chart chart) (string, error) {
	if c.discountAccount == "" {
		return "", refused("the payment comes with a discount of %s. Enter the account for discounts in the settings of this connection", g.decimal(g.discount()))
	}
	given, err := chart.find(c.discountAccount, "discounts")
	if err != nil {
		return "", err
	}
	receivables, err := chart.receivables(g.currency)
	if err != nil {
		return "", err
	}
	if id, err := c.heldDiscount(ctx, g); err != nil || id != "" {
		return id, err
	}
	line := func(posting string, account wireAccount) newJournalLine {
		return newJournalLine{Description: "Discount for early payment", DetailType: "JournalEntryLineDetail", Amount: json.Number(g.decimal(g.discount())),
			JournalEntryLineDetail: newJournalDetail{PostingType: posting, AccountRef: ref{Value: account.ID}}}
	}
	debit, credit := line("Debit", given), line("Credit", receivables)
	credit.JournalEntryLineDetail.Entity = &newEntity{Type: "Customer", EntityRef: ref{Value: g.customer}}
	body := newJournal{DocNumber: number(g.reference), PrivateNote: notePrefix + g.reference, TxnDate: g.date, CurrencyRef: ref{Value: string(g.currency)},
		Line: []newJournalLine{debit, credit}}
	var answer struct{ JournalEntry wireJournal }
	if err := c.write(ctx, "/journalentry", g, body, &answer); err != nil {
		return "", err
	}
	if !isID(answer.JournalEntry.ID) {
		return "", unclear("journal entry")
	}
	return answer.JournalEntry.ID, nil
}

// heldDiscount finds the journal entry of an earlier try.
func (c *Client) heldDiscount(ctx context.Context, g group) (string, error) {
	wanted := number(g.reference)
	got, err := c.query(ctx, statement{entity: txnJournal, where: []string{equals("DocNumber", wanted)}})
	if err != nil {
		return "", err
	}
	for _, raw := range got.records {
		var entry wireJournal
		if err := json.Unmarshal(raw, &entry); err != nil {
			return "", unusable("a list of journal entries")
		}
		if entry.DocNumber != wanted || !isID(entry.ID) {
			continue
		}
		for _, line := range entry.Line {
			if line.JournalEntryLineDetail.Entity.EntityRef.Value == g.customer {
				return entry.ID, nil
			}
		}
	}
	return "", nil
}
