package operator_test

import (
	"encoding/csv"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

var leads = regexp.MustCompile(`href="(/operator/ledger/[^"]+)"`)

// TestEveryFigureLeadsToItsEntries walks from the ledger to each statement, and
// from there to each transaction.
func TestEveryFigureLeadsToItsEntries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := deskOn(t, db)
		d.Pay(sandbox.Succeed, "N-2", "S-1")
		_, err := d.Ledger.Seal(t.Context())
		d.Must(err)
		seen, transactions := map[string]bool{}, 0
		for open := []string{"/operator/ledger"}; len(open) > 0; open = open[1:] {
			answer := d.olive.Get(open[0]).Want(t, 200)
			uitest.Check(t, []byte(answer.Body))
			if strings.Contains(open[0], "/transactions/") {
				transactions++
				answer.Want(t, 200, "As it was sealed", "What is owed to North", "What is owed to South", "What the payment gateway holds", "seals:", "Nothing else.")
			}
			for _, found := range leads.FindAllStringSubmatch(answer.Body, -1) {
				path := strings.ReplaceAll(found[1], "&amp;", "&")
				if !seen[path] {
					seen[path] = true
					open = append(open, path)
				}
			}
		}
		if len(seen) != 4 || transactions != 1 { // gateway, two payables, one settlement
			t.Fatalf("the ledger leads to %v", seen)
		}
		for path := range seen {
			d.vendor.Get(path).Want(t, 303)
			d.nobody.Get(path).Want(t, 303)
		}
	})
}

func TestTheLedgerIsFiltered(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2", "S-1")
	d.olive.Get("/operator/ledger?vendor=nORth").Want(t, 200, "What is owed to North", "Clear filters").Without(t, "owed to South", "gateway holds")
	d.olive.Get("/operator/ledger?vendor="+d.South.ID+"&currency=eur").Want(t, 200, "What is owed to South").Without(t, "owed to North")
	d.olive.Get("/operator/ledger?kind=receivable").Want(t, 200, "Nothing is held here", "Nothing is booked here")
	d.olive.Get("/operator/ledger?currency=USD").Want(t, 200, "Nothing is held here")
	d.olive.Get("/operator/ledger?vendor=Nowhere&currency=xx").Want(t, 422, "There is no vendor called", `href="#vendor"`, "There is no such currency", `href="#currency"`)
	d.olive.Get("/operator/ledger?cursor=x").Want(t, 422)
	d.olive.Get("/operator/ledger?show=held&cursor=x").Want(t, 422)
}

func TestAStatementHasAPeriod(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2")
	path := "/operator/ledger/accounts/" + ledger.VendorPayable(d.North.ID)
	today := d.Now().UTC().Format("2006-01-02")
	d.olive.Get(path).Want(t, 200, "What is owed to North", "Opening balance", "Settlement", "\u221280.00")
	d.olive.Get(path+"?currency=EUR&from="+today+"&to="+today).Want(t, 200, "Settlement", "Clear filters")
	d.olive.Get(path+"?from=2030-01-01").Want(t, 200, "Opening balance", "\u221280.00").Without(t, "Settlement")
	d.olive.Get(path+"?to=2020-01-01").Want(t, 200, "Closing balance", "0.00").Without(t, "Settlement", "80.00")
	d.olive.Get(path+"?from=yesterday").Want(t, 422, "is not a date", `href="#from"`)
	d.olive.Get(path+"?from=2026-02-02&to=2026-02-01").Want(t, 422, "before it begins", `href="#to"`)
	d.olive.Get(strings.ReplaceAll(path, ":", "%3A")).Want(t, 200, "Settlement")
	d.olive.Get("/operator/ledger/accounts/hub:fees").Want(t, 200, "Fees that the hub paid, less what it earned", "Nothing is booked yet")
	for _, unknown := range []string{"nobody", ledger.VendorPayable(store.NewID()), ledger.VendorReceivable(d.North.ID), url.PathEscape("a\x00b"), strings.Repeat("a", 300)} {
		if answer := d.olive.Get("/operator/ledger/accounts/" + unknown); answer.Status != 404 && answer.Status != 400 {
			t.Errorf("%s: %d", unknown, answer.Status)
		}
	}
}

func TestAStatementIsPaged(t *testing.T) {
	d := newDesk(t)
	list := make([]ledger.Transaction, 150)
	for i := range list {
		list[i] = ledger.Transaction{Kind: "fee", Currency: "EUR", Memo: "m", Entries: []ledger.Entry{{Account: ledger.HubFees, Amount: -1}, {Account: ledger.VendorPayable(d.North.ID), Amount: 1}}}
	}
	d.Must(d.Ledger.PostTx(t.Context(), d.DB, list...))
	first := d.olive.Get("/operator/ledger/accounts/hub:fees?currency=EUR").Want(t, 200, "Opening balance", "\u22121.00").Without(t, "Closing balance")
	next := regexp.MustCompile(`href="([^"]+cursor=[^"]+)"`).FindStringSubmatch(first.Body)
	if next == nil {
		t.Fatal("there is no next page")
	}
	d.olive.Get(strings.ReplaceAll(next[1], "&amp;", "&")).Want(t, 200, "Carried from the page before", "Closing balance", "\u22121.50").Without(t, "Opening balance")
}

func TestAnAlteredTransactionSaysSo(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2")
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM ledger_transactions").Scan(t.Context(), &id))
	path := "/operator/ledger/transactions/" + id
	d.olive.Get(path).Want(t, 200, "Not sealed yet", "North")
	_, err := d.Ledger.Seal(t.Context())
	d.Must(err)
	d.olive.Get(path).Want(t, 200, "As it was sealed")
	d.Exec("UPDATE ledger_entries SET account = 'hub:fees' WHERE account LIKE 'vendor:%'")
	answer := d.olive.Get(path).Want(t, 200, "Altered after it was sealed", "The account of entry", "was altered")
	uitest.Check(t, []byte(answer.Body))
	d.olive.Get("/operator/ledger/transactions/"+store.NewID()).Want(t, 404)
	d.olive.Get("/operator/ledger/transactions/x").Want(t, 404)
}

func TestTheLedgerIsExported(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-2", "S-1")
	answer := d.olive.Get("/operator/ledger.csv").Want(t, 200, "booked_at")
	rows, err := csv.NewReader(strings.NewReader(answer.Body)).ReadAll()
	if err != nil || len(rows) != 4 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/csv") || !strings.Contains(answer.Header.Get("Content-Disposition"), "ledger-") {
		t.Fatalf("%d rows, %v, %v", len(rows), answer.Header, err)
	}
	if rows := strings.Count(d.olive.Get("/operator/ledger.csv?to=2020-01-01").Want(t, 200).Body, "\n"); rows != 1 {
		t.Errorf("%d rows before anything was booked", rows)
	}
	d.olive.Get("/operator/ledger.csv?from=x").Want(t, 422, "is not a date", `href="#from"`)
	d.vendor.Get("/operator/ledger.csv").Want(t, 303)
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "sheaf-ledger-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
