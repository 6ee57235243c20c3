package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// books is a data folder with two vendors and some money.
type books struct {
	folder, north, south string
}

func openBooks(t *testing.T) books {
	t.Helper()
	b := books{folder: t.TempDir()}
	a := openFolder(t, b.folder)
	defer a.close()
	for name, id := range map[string]*string{"North": &b.north, "South": &b.south} {
		added, err := a.enroll(t.Context(), access.SystemActor("test"), party.Profile{Name: name, Email: "ar@" + strings.ToLower(name) + ".example"}, party.VendorApproved)
		if err != nil {
			t.Fatal(err)
		}
		*id = added.Vendor.ID
	}
	post := func(transactions ...ledger.Transaction) {
		err := a.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return a.ledger.PostTx(ctx, tx, transactions...) })
		if err != nil {
			t.Fatal(err)
		}
	}
	north, south := ledger.VendorPayable(b.north), ledger.VendorPayable(b.south)
	post(ledger.Transaction{Kind: "settlement", Currency: "EUR", Memo: "payment 1", Entries: []ledger.Entry{{Account: ledger.Gateway, Amount: 12550}, {Account: north, Amount: -8000}, {Account: south, Amount: -4550}}})
	post(ledger.Transaction{Kind: "transfer", Currency: "EUR", Memo: "transfer of N-1", Entries: []ledger.Entry{{Account: north, Amount: 3000}, {Account: ledger.Gateway, Amount: -3000}}},
		ledger.Transaction{Kind: "settlement", Currency: "JPY", Memo: "payment 2", Entries: []ledger.Entry{{Account: ledger.Gateway, Amount: 700}, {Account: south, Amount: -700}}})
	return b
}

// run is one command; it returns what it printed, what it said beside that, and its error.
func (b books) run(t *testing.T, ctx context.Context, args ...string) (string, string, error) {
	t.Helper()
	var out, beside bytes.Buffer
	command := root()
	command.SetOut(&out)
	command.SetErr(&beside)
	command.SetArgs(append([]string{"ledger", "--data", b.folder}, args...))
	err := command.ExecuteContext(ctx)
	return out.String(), beside.String(), err
}

func TestLedgerBalance(t *testing.T) {
	b := openBooks(t)
	for _, c := range []struct {
		args  []string
		words []string
		lines int
	}{
		{nil, []string{"gateway  ", "EUR  95.50", "JPY  700", "-50.00", "North", "South"}, 5},
		{[]string{"--currency", "jpy"}, []string{"-700"}, 2},
		{[]string{"--vendor", "north"}, []string{"-50.00", ledger.VendorPayable(b.north)}, 1},
		{[]string{"--vendor", b.south, "--currency", "EUR"}, []string{"-45.50"}, 1},
		{[]string{"--account", "gateway"}, []string{"95.50", "700"}, 2},
		{[]string{"--account", "hub:fees"}, nil, 0},
	} {
		out, beside, err := b.run(t, t.Context(), append([]string{"balance"}, c.args...)...)
		if err != nil || strings.Count(out, "\n") != c.lines || (c.lines == 0) != strings.Contains(beside, "Nothing is booked") {
			t.Errorf("%v: %q, %q, %v", c.args, out, beside, err)
		}
		for _, words := range c.words {
			if !strings.Contains(out, words) {
				t.Errorf("%v: no %q in\n%s", c.args, words, out)
			}
		}
	}
	out, _, err := b.run(t, t.Context(), "balance", "--json", "--vendor", "South", "--currency", "EUR")
	var got shownBalance
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got != (shownBalance{ledger.VendorPayable(b.south), "South", "EUR", "-45.50", -4550}) {
		t.Errorf("%q, %+v, %v", out, got, err)
	}
}

func TestLedgerStatement(t *testing.T) {
	b := openBooks(t)
	out, _, err := b.run(t, t.Context(), "statement", "--vendor", "North")
	if err != nil || !strings.Contains(out, "opening balance") || !strings.Contains(out, "payment 1") || !strings.Contains(out, "30.00            -50.00") || strings.Count(out, "\n") != 6 {
		t.Errorf("%s%v", out, err)
	}
	if out, _, err = b.run(t, t.Context(), "statement", "gateway", "--currency", "EUR", "--to", "2020-01-01"); err != nil || strings.Count(out, "\n") != 4 || strings.Contains(out, "95.50") {
		t.Errorf("%s%v", out, err)
	}
	out, _, err = b.run(t, t.Context(), "statement", "gateway", "--currency", "EUR", "--json", "--from", "2020-01-01")
	var got struct {
		Account, Currency, From, Opening, Closing string
		Lines                                     []shownLine
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.Account != "gateway" || got.From != "2020-01-01" || got.Opening != "0.00" || got.Closing != "95.50" || len(got.Lines) != 2 ||
		got.Lines[1].Amount != "-30.00" || got.Lines[1].MinorUnits != -3000 || got.Lines[1].Balance != "95.50" || got.Lines[1].Kind != "transfer" {
		t.Errorf("%s%+v %v", out, got, err)
	}
	if out, _, err = b.run(t, t.Context(), "statement", "--vendor", "North", "receivable", "--currency", "EUR", "--json"); err != nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Lines) != 0 {
		t.Errorf("%s %v", out, err)
	}
}

func TestLedgerRefuses(t *testing.T) {
	b := openBooks(t)
	for words, args := range map[string]string{
		`there is no account "nobody"`:                   "statement nobody --currency EUR",
		`there is no account "vendor:1:payable"`:         "balance --account vendor:1:payable",
		`--currency is "euro"`:                           "balance --currency euro",
		`--currency is "EU"`:                             "statement gateway --currency EU",
		"say which with --currency: EUR, JPY":            "statement gateway",
		"say which account":                              "statement --currency EUR",
		`There is no vendor called "Nowhere"`:            "statement --vendor Nowhere --currency EUR",
		`a vendor has no account "unapplied"`:            "statement unapplied --vendor North",
		"nothing is booked on hub:fees yet":              "statement hub:fees",
		`"yesterday" is not a date`:                      "statement gateway --currency EUR --from yesterday",
		`"2026-13-01" is not a date`:                     "export --to 2026-13-01",
		"before it begins":                               "export --from 2026-02-02 --to 2026-02-01",
		"[account vendor]":                               "balance --account gateway --vendor North",
		`unknown command "x"`:                            "balance x",
		"is no file that can be replaced":                "export --out " + b.folder,
		filepath.Join(b.folder, "none", ".sheaf-export"): "export --out " + filepath.Join(b.folder, "none", "x.csv"),
	} {
		if out, _, err := b.run(t, t.Context(), strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), words) || out != "" {
			t.Errorf("%s: %v does not say %q (%q)", args, err, words, out)
		}
	}
}

func TestLedgerExport(t *testing.T) {
	b := openBooks(t)
	out, beside, err := b.run(t, t.Context(), "export")
	rows, readErr := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || readErr != nil || len(rows) != 8 || rows[7][10] != "-700" || !strings.Contains(beside, "transactions 100%") {
		t.Fatalf("%s%s%v, %v", out, beside, err, readErr)
	}
	name := filepath.Join(t.TempDir(), "ledger.csv")
	if _, beside, err = b.run(t, t.Context(), "export", "--out", name); err != nil || !strings.Contains(beside, "7 entries are in "+name) {
		t.Fatal(beside, err)
	}
	if raw, err := os.ReadFile(name); err != nil || string(raw) != out {
		t.Fatalf("the file is not what is printed: %v", err)
	}
}

// TestLedgerExportLeavesNoHalfFile is interrupted, and finds no room, while it writes.
func TestLedgerExportLeavesNoHalfFile(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "ledger.csv")
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, failure := range []error{context.Canceled, errors.New("no room")} {
		_, err := writeWhole(name, func(out io.Writer) (int64, error) {
			if _, err := io.WriteString(out, "half a"); err != nil {
				t.Fatal(err)
			}
			return 1, failure
		})
		raw, readErr := os.ReadFile(name)
		left, globErr := filepath.Glob(filepath.Join(folder, ".*"))
		if !errors.Is(err, failure) || readErr != nil || string(raw) != "before" || globErr != nil || len(left) != 0 {
			t.Errorf("%v: %q, %v, %v", err, raw, left, errors.Join(readErr, globErr))
		}
	}
	b := openBooks(t)
	a := openFolder(t, b.folder)
	defer a.close()
	ctx, cancel := context.WithCancel(t.Context())
	command := exportCommand(&settings{})
	command.SetContext(ctx)
	command.SetErr(stopper{cancel}) // the first word of progress is the moment of Ctrl-C
	if err := exportLedger(command, a, &ledgerQuestion{out: name}); err == nil || !strings.Contains(err.Error(), "interrupted: ") {
		t.Error(err)
	}
	if raw, err := os.ReadFile(name); err != nil || string(raw) != "before" {
		t.Errorf("%q, %v", raw, err)
	}
}

type stopper struct{ stop context.CancelFunc }

func (s stopper) Write(p []byte) (int, error) { s.stop(); return len(p), nil }
