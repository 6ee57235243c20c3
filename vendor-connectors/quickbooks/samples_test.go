package quickbooks

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
)

// The samples are answers of QuickBooks that others published, as XML, and a company's
// data as tables. They are not part of this project.
func samples(t *testing.T, folder, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "samples", folder, pattern))
	if err != nil || len(files) == 0 {
		t.Skip("the shared samples are not here")
	}
	return files
}

// node is an element of XML.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// lists, numbers and flags are the fields that are such in JSON; in XML all is text.
var (
	listFields   = []string{"Line", "LinkedTxn", "CustomField", "Invoice", "Customer", "CreditMemo", "Payment", "Bill", "BillPayment", "QueryResponse", "CDCResponse", "Error", "NameValue", "TaxLine"}
	numberFields = []string{"Amount", "TotalAmt", "Balance", "BalanceWithJobs", "RemainingCredit", "UnappliedAmt", "UnitPrice", "Qty", "Deposit", "LineNum", "DiscountPercent", "ExchangeRate", "HomeBalance", "TotalTax", "NetAmountTaxable", "TaxPercent", "Quantity"}
	flagFields   = []string{"Active", "Taxable", "Job", "BillWithParent", "ProcessPayment", "ApplyTaxAfterDiscount", "AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment", "PercentBased", "sparse"}
)

// asJSON writes an element as QuickBooks writes the same in JSON.
func (n node) asJSON() any {
	name, text := n.XMLName.Local, strings.TrimSpace(n.Text)
	attrs := map[string]string{}
	for _, attr := range n.Attrs {
		attrs[attr.Name.Local] = attr.Value
	}
	if len(n.Nodes) == 0 && (strings.HasSuffix(name, "Ref") || name == "CustomerMemo") {
		reference := map[string]any{"value": text}
		if attrs["name"] != "" {
			reference["name"] = attrs["name"]
		}
		return reference
	}
	if len(n.Nodes) == 0 && len(attrs) == 0 && !slices.Contains(listFields, name) {
		switch {
		case slices.Contains(numberFields, name):
			return json.Number(text)
		case slices.Contains(flagFields, name):
			return text == "true"
		case strings.HasSuffix(name, "LineDetail"):
			return map[string]any{}
		}
		return text
	}
	fields := map[string]any{}
	for key, value := range attrs {
		switch key {
		case "xmlns":
		case "startPosition", "maxResults", "totalCount":
			fields[key] = json.Number(value)
		case "sparse":
			fields[key] = value == "true"
		default:
			fields[key] = value
		}
	}
	for _, child := range n.Nodes {
		key, value := child.XMLName.Local, child.asJSON()
		if slices.Contains(listFields, key) {
			before, _ := fields[key].([]any)
			fields[key] = append(before, value)
			continue
		}
		fields[key] = value
	}
	return fields
}

// records are the records of one entity in a file, and the file's own root.
func (n node) records(entity string, inside bool) []node {
	if n.XMLName.Local == entity && !inside {
		return []node{n}
	}
	var found []node
	for _, child := range n.Nodes {
		found = append(found, child.records(entity, false)...)
	}
	return found
}

func readFixture(t *testing.T, file string) node {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	var root node
	if err := xml.NewDecoder(bytes.NewReader(data)).Decode(&root); err != nil {
		t.Fatal(err)
	}
	return root
}

func jsonOf(t *testing.T, one node) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(one.asJSON())
	must(t, err)
	return raw
}

// text is what an element of a record says, in a reading of its own.
func (n node) text(name string) string {
	for _, child := range n.Nodes {
		if child.XMLName.Local == name {
			return strings.TrimSpace(child.Text)
		}
	}
	return ""
}

// TestFixtures: each record of the fixtures gives a record with what is written there, or
// a rejection that says why not.
func TestFixtures(t *testing.T) {
	count := 0
	for _, file := range samples(t, "quickbooks-fixtures", "*.xml") {
		root := readFixture(t, file)
		for _, entity := range []string{"Customer", txnInvoice, txnCredit, txnPayment} {
			for _, one := range root.records(entity, false) {
				count++
				t.Run(fmt.Sprintf("%s/%s %s", strings.TrimSuffix(filepath.Base(file), ".xml"), entity, one.text("Id")), func(t *testing.T) {
					judgeFixture(t, entity, one, jsonOf(t, one))
				})
			}
		}
	}
	if count < 35 {
		t.Errorf("only %d records were found", count)
	}
}

func judgeFixture(t *testing.T, entity string, one node, raw json.RawMessage) {
	var page connectors.Page
	r := reader{page: &page, home: "USD", terms: map[string]string{"2": "Net 15"}}
	switch entity {
	case "Customer":
		r.customer(raw)
	case txnInvoice:
		r.invoice(raw)
	case txnCredit:
		r.creditMemo(raw)
	default:
		var payment wirePayment
		if err := json.Unmarshal(raw, &payment); err != nil || payment.ID != one.text("Id") || payment.PrivateNote != one.text("PrivateNote") {
			t.Errorf("%+v %v", payment, err)
		}
		return
	}
	for _, rejected := range page.Rejected {
		if one.text("Id") != "" && one.text("CustomerRef") != "" || rejected.Place == "" || len(rejected.Problems) == 0 || rejected.Problems[0].Message == "" {
			t.Errorf("rejected: %+v", rejected)
		}
	}
	if len(page.Accounts)+len(page.Invoices)+len(page.Credits)+len(page.Gone)+len(page.Rejected) == 0 && !(entity == "Customer" && one.text("DisplayName") == "") {
		t.Error("it gives nothing at all")
	}
	total := func(name string, of money.Amount) {
		if want, err := money.Parse(one.text(name), of.Currency); err != nil || of != want {
			t.Errorf("%s is %s, want %s", name, of, one.text(name))
		}
	}
	for _, got := range page.Invoices {
		total("TotalAmt", got.Total)
		if got.Status != connectors.StatusVoid {
			total("Balance", got.Open)
		}
		if got.ExternalID != one.text("Id") || got.Account != one.text("CustomerRef") || string(got.DueOn) != one.text("DueDate") || string(got.IssuedOn) != one.text("TxnDate") || got.Number == "" {
			t.Errorf("%+v", got)
		}
		if void := one.text("PrivateNote") == voided; void != (got.Status == connectors.StatusVoid) || void && got.Open.Minor != 0 {
			t.Errorf("status %s", got.Status)
		}
	}
	for _, got := range page.Credits {
		total("TotalAmt", got.Total)
		total("RemainingCredit", got.Open)
	}
	for _, got := range page.Accounts {
		if got.ExternalID != one.text("Id") || got.Name != one.text("DisplayName") {
			t.Errorf("%+v", got)
		}
	}
}

func TestFaultFixtures(t *testing.T) {
	for name, words := range map[string]string{"throttle_exceeded_error.xml": "request limit", "customer_duplicate_error.xml": "already exists", "fault.xml": "Illegal number format"} {
		root := readFixture(t, samples(t, "quickbooks-fixtures", name)[0])
		if root.XMLName.Local == "Fault" {
			root = node{XMLName: xml.Name{Local: "IntuitResponse"}, Nodes: []node{root}}
		}
		said, there := faultIn(jsonOf(t, root))
		if !there || !strings.Contains(said.words(), words) || said.has("3001") != strings.HasPrefix(name, "throttle") {
			t.Errorf("%s: %+v", name, said)
		}
	}
}

// shapes notes what kind of value stands at each path of a record.
func shapes(into map[string]string, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, one := range value {
			shapes(into, path+"/"+key, one)
		}
	case []any:
		for _, one := range value {
			shapes(into, path+"[]", one)
		}
	case json.Number:
		into[path] = "number"
	case nil:
	default:
		into[path] = fmt.Sprintf("%T", value)
	}
}

// notInFixtures are fields that the fake has and the fixtures do not, with where they are
// described: developer.intuit.com, the entity's page.
var notInFixtures = []string{"Invoice/LinkedTxn[]/", "Invoice/CustomField[]/", "Invoice/BillEmail", "Payment/PaymentRefNum", "Payment/Line[]/LineEx", "Payment/CustomerRef/name", "Payment/LinkedTxn"}

// TestTheFakeHasTheShapesOfTheFixtures compares names and types of fields.
func TestTheFakeHasTheShapesOfTheFixtures(t *testing.T) {
	real := map[string]string{}
	for _, file := range samples(t, "quickbooks-fixtures", "*.xml") {
		root := readFixture(t, file)
		for _, entity := range []string{"Customer", txnInvoice, txnCredit, txnPayment} {
			for _, one := range root.records(entity, false) {
				decoder := json.NewDecoder(bytes.NewReader(jsonOf(t, one)))
				decoder.UseNumber()
				var value any
				must(t, decoder.Decode(&value))
				shapes(real, entity, value)
			}
		}
	}
	fake := map[string]string{}
	for _, one := range everyShape(t).exchanges() {
		if one.Path != "/query" {
			continue
		}
		var answer struct{ QueryResponse map[string]any }
		decoder := json.NewDecoder(bytes.NewReader(one.Answer))
		decoder.UseNumber()
		must(t, decoder.Decode(&answer))
		for _, entity := range []string{"Customer", txnInvoice, txnCredit, txnPayment} {
			list, _ := answer.QueryResponse[entity].([]any)
			for _, value := range list {
				shapes(fake, entity, value)
			}
		}
	}
	compared := 0
	for path, kind := range fake {
		known, there := real[path]
		switch {
		case there && known == kind:
			compared++
		case there:
			t.Errorf("%s is a %s in the fake and a %s in the fixtures", path, kind, known)
		case !slices.ContainsFunc(notInFixtures, func(prefix string) bool { return strings.HasPrefix(path, prefix) }):
			t.Errorf("%s is in no fixture", path)
		}
	}
	for _, path := range []string{"Customer/PrimaryEmailAddr/Address", "Invoice/Balance", "Invoice/MetaData/LastUpdatedTime", "Invoice/SalesTermRef/value", "CreditMemo/RemainingCredit", "Payment/Line[]/LinkedTxn[]/TxnId", "Payment/PrivateNote"} {
		if fake[path] == "" || real[path] == "" {
			t.Errorf("%s was not compared", path)
		}
	}
	t.Logf("%d of %d fields of the fake are those of the fixtures", compared, len(fake))
}

// everyShape is a world whose fake was asked for all that it has.
func everyShape(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, quickbooksfake.Config{Home: "USD"})
	w.fake.PutCustomer(quickbooksfake.Customer{Name: "Acme", Given: "Ann", Family: "Ash", Phone: "(555) 1", Email: "ap@acme.example", Terms: "Net 30"})
	invoice, credit := w.invoice(t, "Acme", "USD", "100"), w.credit(t, "Acme", "USD", "30")
	must(t, w.fake.Address(invoice, "ap@acme.example", "boss@acme.example", "PO-7"))
	_, err := w.client.RecordPayment(t.Context(), pays("SHF-1", "USD", connectors.PaymentLine{Invoice: invoice, Amount: "20"}, connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "10"}))
	must(t, err)
	voided := w.invoice(t, "Acme", "USD", "5")
	must(t, w.fake.Void(voided))
	w.clock.pass(time.Minute)
	newHub().refresh(t, w)
	return w
}

// TestSeeds reads a company's tables: its invoices, credit memos and customers.
func TestSeeds(t *testing.T) {
	for file, entity := range map[string]string{"invoice_data.csv": txnInvoice, "credit_memo_data.csv": txnCredit, "customer_data.csv": "Customer"} {
		f, err := os.Open(samples(t, "quickbooks-seeds", file)[0])
		must(t, err)
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		must(t, err)
		for _, values := range rows[1:] {
			row := map[string]string{}
			for i, name := range rows[0] {
				row[name] = values[i]
			}
			judgeSeed(t, entity, row)
		}
	}
}

func judgeSeed(t *testing.T, entity string, row map[string]string) {
	wire := map[string]any{"Id": row["id"], "DocNumber": row["doc_number"], "TxnDate": row["transaction_date"], "DueDate": row["due_date"], "PrivateNote": row["private_note"],
		"CustomerRef": map[string]any{"value": row["customer_id"]}, "CurrencyRef": map[string]any{"value": row["currency_id"]}, "DisplayName": row["display_name"], "Active": row["active"] == "TRUE"}
	if row["_fivetran_deleted"] == "TRUE" {
		wire["status"] = statusDeleted
	}
	for field, column := range map[string]string{"TotalAmt": "total_amount", "Balance": "balance", "RemainingCredit": "remaining_credit"} {
		if row[column] != "" {
			wire[field] = json.Number(row[column])
		}
	}
	raw, err := json.Marshal(wire)
	must(t, err)
	var page connectors.Page
	r := reader{page: &page}
	switch entity {
	case "Customer":
		if r.customer(raw); row["_fivetran_deleted"] == "TRUE" && len(page.Accounts) == 0 {
			return // merged into another
		}
		if len(page.Accounts) != 1 || page.Accounts[0].Name != row["display_name"] {
			t.Errorf("customer %s: %+v", row["id"], page)
		}
	case txnInvoice:
		r.invoice(raw)
		deleted := row["_fivetran_deleted"] == "TRUE"
		if deleted != (len(page.Gone) == 1) || !deleted && (len(page.Invoices) != 1 || page.Invoices[0].Total != amount(t, row["currency_id"], row["total_amount"]) || page.Invoices[0].Open != amount(t, row["currency_id"], row["balance"])) {
			t.Errorf("invoice %s: %+v", row["id"], page)
		}
	default:
		if r.creditMemo(raw); len(page.Credits) != 1 || page.Credits[0].Status != connectors.StatusPaid || page.Credits[0].Total != amount(t, row["currency_id"], row["total_amount"]) {
			t.Errorf("credit memo %s: %+v", row["id"], page)
		}
	}
}

func TestAmountsAsQuickBooksWritesThem(t *testing.T) {
	for text, want := range map[string]string{"100.0": "100.00", "100.00": "100.00", "0": "0.00", "1.0E7": "10000000.00", "1.25e2": "125.00", "362.07": "362.07", "-5": "-5.00", "125E-1": "12.50"} {
		if got, err := parseAmount(json.Number(text), "USD"); err != nil || got.Decimal() != want {
			t.Errorf("%s is %s, want %s (%v)", text, got.Decimal(), want, err)
		}
	}
	if got, err := parseAmount("12345.00", "JPY"); err != nil || got.Minor != 12345 {
		t.Errorf("%v %v", got, err)
	}
	for _, text := range []string{"", "1e999999999", "1E99", "1E-9", "0.001", "12.345.6", "abc", "1e", "e1", "1e+"} {
		if got, err := parseAmount(json.Number(text), "USD"); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

// FuzzRecords: whatever stands in a record, it is a sound record or a rejection.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"Id":"1","DocNumber":"7","TotalAmt":10.5,"Balance":1E1,"CustomerRef":{"value":"2","name":"Acme"},"CurrencyRef":{"value":"USD"},"TxnDate":"2026-11-27","Line":[{"Amount":1}],"BillEmail":{"Address":"a@b.example,c"}}`))
	f.Add([]byte(`{"Id":"1","status":"Deleted"}`))
	f.Add([]byte(`{"Id":"1","TotalAmt":0,"RemainingCredit":0,"PrivateNote":"Voided","DisplayName":"x","PrimaryEmailAddr":{"Address":";, @"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var page connectors.Page
		r := reader{page: &page, home: "USD"}
		r.invoice(raw)
		r.creditMemo(raw)
		r.customer(raw)
		for _, one := range page.Invoices {
			if !isID(one.ExternalID) || !isID(one.Account) || one.Open.Minor < 0 || one.Open.Minor > one.Total.Minor || !one.Total.Currency.Valid() {
				t.Errorf("%+v", one)
			}
		}
		for _, one := range page.Credits {
			if one.Total.Minor <= 0 || one.Open.Minor < 0 || one.Open.Minor > one.Total.Minor {
				t.Errorf("%+v", one)
			}
		}
		for _, one := range page.Rejected {
			if one.Place == "" || len(one.Problems) == 0 || one.Problems[0].Message == "" {
				t.Errorf("%+v", one)
			}
		}
		keyOf(raw, 0)
	})
}
