package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func ledgerCommand(settings *settings) *cobra.Command {
	command := &cobra.Command{Use: "ledger", Short: "Read the ledger: balances, statements, every entry"}
	command.AddCommand(balanceCommand(settings), statementCommand(settings), exportCommand(settings))
	return command
}

// ledgerQuestion is what the commands' flags say.
type ledgerQuestion struct {
	account, vendor, currency, from, to, out string
	json                                     bool
}

func balanceCommand(settings *settings) *cobra.Command {
	q := &ledgerQuestion{}
	command := &cobra.Command{
		Use: "balance [--account A | --vendor V] [--currency C]", Short: "The balance of each account in each currency", Args: cobra.NoArgs,
		Long: "The balance of each account in each currency. What an account received is positive, what it gave is\n" +
			"negative, and all accounts of a currency sum to zero.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, settings, q, func(a *app) error { return printBalances(cmd, a, q) })
		},
	}
	flags := command.Flags()
	flags.StringVar(&q.account, "account", "", "one account, such as gateway or vendor:ID:payable")
	flags.StringVar(&q.vendor, "vendor", "", "the accounts of one vendor, by name or id")
	flags.StringVar(&q.currency, "currency", "", "one currency, such as EUR")
	flags.BoolVar(&q.json, "json", false, "one JSON object per line")
	command.MarkFlagsMutuallyExclusive("account", "vendor")
	return command
}

func statementCommand(settings *settings) *cobra.Command {
	q := &ledgerQuestion{}
	command := &cobra.Command{
		Use: "statement [ACCOUNT] [--vendor V] --currency C [--from DATE] [--to DATE]", Short: "An account's entries with its balance after each", Args: cobra.MaximumNArgs(1),
		Long: "An account's entries with its balance after each, oldest first. With --vendor, ACCOUNT is the kind alone:\n" +
			"payable (as when it is left out), receivable or discounts. Dates are days in UTC, both included.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				q.account = args[0]
			}
			return withLedger(cmd, settings, q, func(a *app) error { return printStatement(cmd, a, q) })
		},
	}
	flags := command.Flags()
	flags.StringVar(&q.vendor, "vendor", "", "a vendor, by name or id")
	flags.StringVar(&q.currency, "currency", "", "the currency; may be left out when the account has only one")
	flags.StringVar(&q.from, "from", "", "first day, such as 2026-11-01")
	flags.StringVar(&q.to, "to", "", "last day")
	flags.BoolVar(&q.json, "json", false, "print one JSON object")
	return command
}

func exportCommand(settings *settings) *cobra.Command {
	q := &ledgerQuestion{}
	command := &cobra.Command{
		Use: "export [--from DATE] [--to DATE] [--out FILE]", Short: "Every entry as CSV", Args: cobra.NoArgs,
		Long: "Every entry as CSV, oldest first: amounts in major units, and in whole minor units beside them. A file is\n" +
			"there whole or not at all: it takes its name when its last row is written.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLedger(cmd, settings, q, func(a *app) error { return exportLedger(cmd, a, q) })
		},
	}
	flags := command.Flags()
	flags.StringVar(&q.from, "from", "", "first day, such as 2026-11-01")
	flags.StringVar(&q.to, "to", "", "last day")
	flags.StringVar(&q.out, "out", "", "the file to write; empty: standard output")
	return command
}

// withLedger checks what can be checked without the database, and opens it.
func withLedger(cmd *cobra.Command, settings *settings, q *ledgerQuestion, work func(a *app) error) error {
	if q.currency != "" {
		currency, err := money.ParseCurrency(q.currency)
		if err != nil {
			return fmt.Errorf("--currency is %q; write the three letters of one, such as EUR", q.currency)
		}
		q.currency = string(currency)
	}
	if _, err := ledger.Days(q.from, q.to); err != nil {
		return plain(err)
	}
	if q.account != "" && q.vendor == "" {
		if _, ok := ledger.ParseAccount(q.account); !ok {
			return noAccount(q.account)
		}
	}
	a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
	if err != nil {
		return err
	}
	defer a.close()
	return work(a)
}

func noAccount(name string) error {
	return fmt.Errorf("there is no account %q; accounts are gateway, hub:fees, vendor:ID:payable, :receivable or :discounts, and customer:ID:unapplied, :refunds or :discounts"+
		" (or name a vendor with --vendor)", name)
}

// shownBalance is one line of `ledger balance --json`.
type shownBalance struct {
	Account    string `json:"account"`
	Name       string `json:"name,omitempty"` // of the vendor or customer
	Currency   string `json:"currency"`
	Amount     string `json:"amount"`
	MinorUnits int64  `json:"minor_units"`
}

func printBalances(cmd *cobra.Command, a *app, q *ledgerQuestion) error {
	filter := ledger.Filter{Account: q.account, Currency: q.currency}
	if q.vendor != "" {
		vendor, err := a.party.FindVendor(cmd.Context(), q.vendor)
		if err != nil {
			return plain(err)
		}
		filter.VendorID = vendor.ID
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 2, 4, 2, ' ', 0)
	lines := json.NewEncoder(cmd.OutOrStdout())
	found := false
	request := store.PageRequest{Limit: store.MaxPage}
	for {
		balances, next, err := a.ledger.BalancesOf(cmd.Context(), filter, request)
		if err != nil {
			return plain(err)
		}
		names, err := a.ownerNames(cmd.Context(), balances)
		if err != nil {
			return err
		}
		for _, b := range balances {
			found = true
			amount := money.New(b.Amount, b.Currency)
			if !q.json {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", b.Account, b.Currency, amount.Decimal(), names[b.Account])
			} else if err := lines.Encode(shownBalance{b.Account, names[b.Account], string(b.Currency), amount.Decimal(), b.Amount}); err != nil {
				return err
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if request.Cursor = next; next == "" {
			break
		}
	}
	if !found {
		cmd.PrintErrln("Nothing is booked there yet.")
	}
	return nil
}

// ownerNames are the names of the vendors and customers of accounts, by account.
func (a *app) ownerNames(ctx context.Context, balances []ledger.AccountBalance) (map[string]string, error) {
	var vendorIDs, customerIDs []string
	for _, balance := range balances {
		switch account, _ := ledger.ParseAccount(balance.Account); {
		case account.VendorID != "":
			vendorIDs = append(vendorIDs, account.VendorID)
		case account.CustomerID != "":
			customerIDs = append(customerIDs, account.CustomerID)
		}
	}
	vendors, err := a.party.Vendors(ctx, a.db, vendorIDs)
	if err != nil {
		return nil, err
	}
	customers, err := a.party.Customers(ctx, a.db, customerIDs)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(balances))
	for _, balance := range balances {
		account, _ := ledger.ParseAccount(balance.Account)
		names[balance.Account] = vendors[account.VendorID].Name + customers[account.CustomerID].Name
	}
	return names, nil
}

// whichAccount is the account that the statement is of, and its currency.
func whichAccount(ctx context.Context, a *app, q *ledgerQuestion) (string, money.Currency, error) {
	account := q.account
	switch {
	case q.vendor != "":
		vendor, err := a.party.FindVendor(ctx, q.vendor)
		if err != nil {
			return "", "", plain(err)
		}
		kinds := map[string]string{"": ledger.VendorPayable(vendor.ID), ledger.Payable: ledger.VendorPayable(vendor.ID), ledger.Receivable: ledger.VendorReceivable(vendor.ID), ledger.Discounts: ledger.VendorDiscounts(vendor.ID)}
		name, known := kinds[account]
		if !known {
			return "", "", fmt.Errorf("a vendor has no account %q; with --vendor, say payable, receivable or discounts", account)
		}
		account = name
	case account == "":
		return "", "", errors.New("say which account: gateway, vendor:ID:payable, …, or name a vendor with --vendor")
	}
	if q.currency != "" {
		return account, money.Currency(q.currency), nil
	}
	currencies, err := a.ledger.Currencies(ctx, account)
	switch {
	case err != nil:
		return "", "", err
	case len(currencies) == 0:
		return "", "", fmt.Errorf("nothing is booked on %s yet", account)
	case len(currencies) > 1:
		return "", "", fmt.Errorf("%s has several currencies; say which with --currency: %s", account, joined(currencies))
	}
	return account, currencies[0], nil
}

func joined(currencies []money.Currency) string {
	list := make([]string, len(currencies))
	for i, currency := range currencies {
		list[i] = string(currency)
	}
	return strings.Join(list, ", ")
}

func printStatement(cmd *cobra.Command, a *app, q *ledgerQuestion) error {
	account, currency, err := whichAccount(cmd.Context(), a, q)
	if err != nil {
		return err
	}
	period, err := ledger.Days(q.from, q.to)
	if err != nil {
		return plain(err)
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	paper := statementPaper(&textStatement{out: out})
	if q.json {
		paper = &jsonStatement{out: out}
	}
	request := store.PageRequest{Limit: store.MaxPage}
	for first := true; ; first = false {
		page, err := a.ledger.Statement(cmd.Context(), account, currency, period, request)
		if err != nil {
			return plain(err)
		}
		if first {
			paper.open(page, q)
		}
		for _, line := range page.Lines {
			paper.line(line, currency)
		}
		if request.Cursor = page.Next; page.Next == "" {
			paper.close(page)
			return out.Flush()
		}
	}
}

// statementPaper is what a statement is written on; what the buffer cannot
// take, its Flush tells.
type statementPaper interface {
	open(page ledger.Statement, q *ledgerQuestion)
	line(line ledger.Line, currency money.Currency)
	close(page ledger.Statement)
}

type textStatement struct{ out io.Writer }

func (t *textStatement) open(page ledger.Statement, _ *ledgerQuestion) {
	_, _ = fmt.Fprintf(t.out, "%s in %s\n\n", page.Account, page.Currency)
	t.row("", "opening balance", "", money.New(page.Opening, page.Currency), "")
}

func (t *textStatement) line(line ledger.Line, currency money.Currency) {
	t.row(line.At.UTC().Format("2006-01-02 15:04:05"), line.Kind, money.New(line.Amount, currency).Decimal(), money.New(line.Balance, currency), line.TransactionID+"  "+line.Memo)
}

func (t *textStatement) close(page ledger.Statement) {
	t.row("", "closing balance", "", money.New(page.Closing, page.Currency), "")
}

func (t *textStatement) row(at, kind, amount string, balance money.Amount, rest string) {
	_, _ = fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf("%-19s  %-19s  %16s  %16s  %s", at, kind, amount, balance.Decimal(), rest), " "))
}

// jsonStatement writes one object line by line, however long it becomes.
type jsonStatement struct {
	out   io.Writer
	lines int
}

type shownLine struct {
	At          time.Time `json:"at"`
	Kind        string    `json:"kind"`
	Memo        string    `json:"memo"`
	Transaction string    `json:"transaction"`
	Entry       string    `json:"entry"`
	Payment     string    `json:"payment,omitempty"`
	Vendor      string    `json:"vendor,omitempty"`
	Amount      string    `json:"amount"`
	MinorUnits  int64     `json:"minor_units"`
	Balance     string    `json:"balance"`
}

func (j *jsonStatement) open(page ledger.Statement, q *ledgerQuestion) {
	head := struct {
		Account  string `json:"account"`
		Currency string `json:"currency"`
		From     string `json:"from,omitempty"`
		To       string `json:"to,omitempty"`
		Opening  string `json:"opening"`
	}{page.Account, string(page.Currency), q.from, q.to, money.New(page.Opening, page.Currency).Decimal()}
	raw, _ := json.Marshal(head) // plain strings: it cannot fail
	_, _ = fmt.Fprintf(j.out, "%s,\"lines\":[", strings.TrimSuffix(string(raw), "}"))
}

func (j *jsonStatement) line(line ledger.Line, currency money.Currency) {
	raw, _ := json.Marshal(shownLine{At: line.At.UTC(), Kind: line.Kind, Memo: line.Memo, Transaction: line.TransactionID, Entry: line.EntryID, Payment: line.PaymentID, Vendor: line.VendorID,
		Amount: money.New(line.Amount, currency).Decimal(), MinorUnits: line.Amount, Balance: money.New(line.Balance, currency).Decimal()}) // plain strings
	separator := ",\n "
	if j.lines == 0 {
		separator = "\n "
	}
	j.lines++
	_, _ = fmt.Fprint(j.out, separator, string(raw))
}

func (j *jsonStatement) close(page ledger.Statement) {
	_, _ = fmt.Fprintf(j.out, "\n],\"closing\":%q}\n", money.New(page.Closing, page.Currency).Decimal())
}

func exportLedger(cmd *cobra.Command, a *app, q *ledgerQuestion) error {
	period, err := ledger.Days(q.from, q.to)
	if err != nil {
		return plain(err)
	}
	bar := newProgress(cmd.ErrOrStderr(), "transactions")
	write := func(out io.Writer) (int64, error) {
		buffered := bufio.NewWriter(out)
		entries, err := a.ledger.Export(cmd.Context(), period, buffered, bar.set)
		bar.end()
		return entries, errors.Join(err, buffered.Flush())
	}
	if q.out == "" {
		_, err := write(cmd.OutOrStdout())
		return err
	}
	entries, err := writeWhole(q.out, write)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted: %s was not written", q.out)
	}
	if err != nil {
		return err
	}
	cmd.PrintErrf("%d entries are in %s\n", entries, q.out)
	return nil
}

// writeWhole writes a file beside its place and moves it there when it is
// whole; whatever goes wrong before, the place is left as it was.
func writeWhole(name string, write func(out io.Writer) (int64, error)) (int64, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is no file that can be replaced", name)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".sheaf-export-*")
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	entries, err := write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(file.Name()))
	}
	return entries, nil
}
