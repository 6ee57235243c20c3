package camt

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// rule is what the schema says of an element's children, in their order: a mark
// says how often ("?" once at most, "*" any number, "+" at least once, none:
// once), and of one without children what its text must be.
type rule struct {
	children string
	text     *regexp.Regexp
	most     int // characters
}

var (
	decimalText = regexp.MustCompile(`^[0-9]{1,13}(\.[0-9]{1,5})?$`)
	dateText    = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	momentText  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)
	anyText     = regexp.MustCompile(`^\S(.*\S)?$`)
)

// schema is camt.054.001.08 by path: the elements that may stand there, as its
// types AccountNotification17, ReportEntry10, EntryTransaction10,
// StructuredRemittanceInformation16 and those below have them.
var schema = map[string]rule{
	"Document":              {children: "BkToCstmrDbtCdtNtfctn"},
	"BkToCstmrDbtCdtNtfctn": {children: "GrpHdr Ntfctn+ SplmtryData*"},
	"GrpHdr":                {children: "MsgId CreDtTm MsgRcpt? MsgPgntn? OrgnlBizQry? AddtlInf?"},
	"MsgId":                 {text: anyText, most: 35},
	"CreDtTm":               {text: momentText},
	"Ntfctn":                {children: "Id NtfctnPgntn? ElctrncSeqNb? RptgSeq? LglSeqNb? CreDtTm? FrToDt? CpyDplctInd? RptgSrc? Acct RltdAcct? Intrst* TxsSummry? Ntry* AddtlNtfctnInf?"},
	"Ntfctn/Id":             {text: anyText, most: 35},
	"AddtlNtfctnInf":        {text: anyText, most: 500},
	"FrToDt":                {children: "FrDtTm ToDtTm"},
	"FrDtTm":                {text: momentText}, "ToDtTm": {text: momentText},
	"Acct":    {children: "Id Tp? Ccy? Nm? Prxy? Ownr? Svcr?"},
	"Acct/Id": {children: "Othr"}, "Acct/Id/Othr": {children: "Id SchmeNm? Issr?"}, "Acct/Id/Othr/Id": {text: anyText, most: 34},
	"SchmeNm": {children: "Prtry"}, "SchmeNm/Prtry": {text: anyText, most: 35},
	"Ccy": {text: regexp.MustCompile(`^[A-Z]{3}$`)}, "Acct/Nm": {text: anyText, most: 70},
	"Svcr": {children: "FinInstnId BrnchId?"}, "FinInstnId": {children: "BICFI? ClrSysMmbId? LEI? Nm? PstlAdr? Othr?"}, "FinInstnId/Nm": {text: anyText, most: 140},
	"TxsSummry":    {children: "TtlNtries? TtlCdtNtries? TtlDbtNtries? TtlNtriesPerBkTxCd*"},
	"TtlCdtNtries": {children: "NbOfNtries? Sum?"}, "TtlDbtNtries": {children: "NbOfNtries? Sum?"},
	"NbOfNtries": {text: regexp.MustCompile(`^[0-9]{1,15}$`)}, "Sum": {text: decimalText},
	"Ntry":    {children: "NtryRef? Amt CdtDbtInd RvslInd? Sts BookgDt? ValDt? AcctSvcrRef? Avlbty* BkTxCd ComssnWvrInd? AddtlInfInd? AmtDtls? Chrgs? TechInptChanl? Intrst? CardTx? NtryDtls* AddtlNtryInf?"},
	"NtryRef": {text: anyText, most: 35}, "Amt": {text: decimalText}, "CdtDbtInd": {text: regexp.MustCompile(`^(CRDT|DBIT)$`)}, "RvslInd": {text: regexp.MustCompile(`^(true|false)$`)},
	"Sts": {children: "Cd"}, "Sts/Cd": {text: regexp.MustCompile(`^(BOOK|PDNG|INFO|FUTR)$`)},
	"BookgDt": {children: "Dt"}, "ValDt": {children: "Dt"}, "Dt": {text: dateText}, "AcctSvcrRef": {text: anyText, most: 35},
	"BkTxCd": {children: "Domn? Prtry?"}, "Domn": {children: "Cd Fmly"}, "Domn/Cd": {text: anyText, most: 4}, "Fmly": {children: "Cd SubFmlyCd"}, "Fmly/Cd": {text: anyText, most: 4}, "SubFmlyCd": {text: anyText, most: 4},
	"BkTxCd/Prtry": {children: "Cd Issr?"}, "BkTxCd/Prtry/Cd": {text: anyText, most: 35}, "Issr": {text: anyText, most: 35},
	"Chrgs": {children: "TtlChrgsAndTaxAmt? Rcrd*"}, "Rcrd": {children: "Amt CdtDbtInd? ChrgInclInd? Tp? Rate? Br? Agt? Tax?"}, "ChrgInclInd": {text: regexp.MustCompile(`^(true|false)$`)},
	"Rcrd/Tp": {children: "Prtry"}, "Rcrd/Tp/Prtry": {children: "Id Issr?"}, "Rcrd/Tp/Prtry/Id": {text: anyText, most: 35},
	"NtryDtls": {children: "Btch? TxDtls*"}, "AddtlNtryInf": {text: anyText, most: 500},
	"TxDtls":     {children: "Refs? Amt? CdtDbtInd? AmtDtls? Avlbty* BkTxCd? Chrgs? Intrst? RltdPties? RltdAgts? LclInstrm? Purp? RltdRmtInf* RmtInf? RltdDts? RltdPric? RltdQties* FinInstrmId? Tax? RtrInf? CorpActn? SfkpgAcct? CshDpst* CardTx? AddtlTxInf? SplmtryData*"},
	"Refs":       {children: "MsgId? AcctSvcrRef? PmtInfId? InstrId? EndToEndId? UETR? TxId? MndtId? ChqNb? ClrSysRef? AcctOwnrTxId? AcctSvcrTxId? MktInfrstrctrTxId? PrcgId? Prtry*"},
	"EndToEndId": {text: anyText, most: 35},
	"RltdPties":  {children: "InitgPty? Dbtr? DbtrAcct? UltmtDbtr? Cdtr? CdtrAcct? UltmtCdtr? TradgPty? Prtry*"}, "Dbtr": {children: "Pty"},
	"Pty": {children: "Nm? PstlAdr? Id? CtryOfRes? CtctDtls?"}, "Pty/Nm": {text: anyText, most: 140}, "Pty/Id": {children: "OrgId"}, "OrgId": {children: "AnyBIC? LEI? Othr*"}, "OrgId/Othr": {children: "Id SchmeNm? Issr?"}, "OrgId/Othr/Id": {text: anyText, most: 35},
	"RmtInf": {children: "Ustrd* Strd*"}, "Ustrd": {text: anyText, most: 140},
	"Strd":       {children: "RfrdDocInf* RfrdDocAmt? CdtrRefInf? Invcr? Invcee? TaxRmt? GrnshmtRmt? AddtlRmtInf*"},
	"RfrdDocInf": {children: "Tp? Nb? RltdDt? LineDtls*"}, "RfrdDocInf/Tp": {children: "CdOrPrtry Issr?"}, "CdOrPrtry": {children: "Cd"}, "CdOrPrtry/Cd": {text: regexp.MustCompile(`^(CINV|CREN)$`)}, "Nb": {text: anyText, most: 35},
	"RfrdDocAmt":   {children: "DuePyblAmt? DscntApldAmt* CdtNoteAmt? TaxAmt* AdjstmntAmtAndRsn* RmtdAmt?"},
	"DscntApldAmt": {children: "Tp? Amt"}, "CdtNoteAmt": {text: decimalText}, "RmtdAmt": {text: decimalText},
	"AdjstmntAmtAndRsn": {children: "Amt CdtDbtInd? Rsn? AddtlInf?"}, "AddtlInf": {text: anyText, most: 140}, "AddtlRmtInf": {text: anyText, most: 140},
}

// node is one element of a file.
type node struct {
	name     string
	attrs    []xml.Attr
	text     string
	children []*node
}

func parse(t *testing.T, file []byte) *node {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(string(file)))
	root := &node{}
	stack := []*node{root}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return root.children[0]
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			if token.Name.Space != Namespace {
				t.Fatalf("%s is in the namespace %q", token.Name.Local, token.Name.Space)
			}
			child := &node{name: token.Name.Local, attrs: token.Attr}
			top.children, stack = append(top.children, child), append(stack, child)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
}

// conforms holds a file to the schema.
func conforms(t *testing.T, at *node, path string) {
	t.Helper()
	found, known := rule{}, false
	for rest := path; ; {
		if found, known = schema[rest]; known {
			break
		}
		_, after, more := strings.Cut(rest, "/")
		if !more {
			break
		}
		rest = after
	}
	if !known {
		t.Errorf("%s is not of the schema", path)
		return
	}
	if found.children == "" {
		if !found.text.MatchString(at.text) || found.most > 0 && utf8.RuneCountInString(at.text) > found.most || len(at.children) > 0 {
			t.Errorf("%s holds %q", path, at.text)
		}
		if isAmount := slices.Contains([]string{"Amt", "RmtdAmt", "CdtNoteAmt"}, at.name); isAmount != (len(at.attrs) == 1 && at.attrs[0].Name.Local == "Ccy") {
			t.Errorf("%s: attributes %v", path, at.attrs)
		}
		return
	}
	rest := at.children
	for _, want := range strings.Fields(found.children) {
		name, mark := strings.TrimRight(want, "?*+"), want[len(want)-1]
		count := 0
		for len(rest) > 0 && rest[0].name == name {
			conforms(t, rest[0], path+"/"+name)
			rest = rest[1:]
			count++
		}
		once := mark != '*' && mark != '+'
		if count > 1 && once || count == 0 && mark != '?' && mark != '*' {
			t.Errorf("%s: %d times %s", path, count, name)
		}
	}
	if len(rest) > 0 {
		t.Errorf("%s: %s stands where it may not", path, rest[0].name)
	}
}

func (n *node) all(name string) []*node {
	var list []*node
	if n.name == name {
		list = append(list, n)
	}
	for _, child := range n.children {
		list = append(list, child.all(name)...)
	}
	return list
}

func sample() Notification {
	zone := time.FixedZone("east", 13*3600)
	at := time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC) // the 23rd there
	long := strings.Repeat("ü", 200)
	return Notification{Hub: "Sheaf", Vendor: "North <& " + long, VendorID: "0190e1c2-0000-7000-8000-000000000001", From: at.AddDate(0, 0, -21), To: at.AddDate(0, 0, 8), Made: at.Add(time.Hour), Zone: zone,
		Entries: []Entry{
			{Kind: Settled, Reference: "SH-0WZ9-AB3C", Currency: "EUR", Amount: 20500, Booked: at, Valued: at.AddDate(0, 0, 2), Transfer: "tr_1", Method: "card", Charges: []Charge{{"Processing fee", 300}, {"Hub fee", 0}},
				Parts: []Part{{Invoice: "N-1", InvoiceID: "ext-N-1", Account: "C-1", Name: "Acme", Amount: 12500, LateFee: 100, Discount: 50, Credit: 75, CreditNote: []string{"CR-1", "CR-2"}},
					{Invoice: long, InvoiceID: long, Account: long, Name: long, Amount: 7000}, {Amount: 1000}}},
			{Kind: Refund, Reference: "SH-0WZ9-AB3C", Currency: "EUR", Amount: 500, Booked: at.Add(time.Minute), Pending: true},
			{Kind: Chargeback, Reference: "SH-0WZ9-AB3C", Currency: "EUR", Amount: 700, Booked: at},
			{Kind: ChargebackWon, Reference: "SH-0WZ9-AB3C", Currency: "EUR", Amount: 700, Booked: at},
			{Kind: Settled, Reference: "SH-JPY", Currency: "JPY", Amount: 900, Booked: at, Parts: []Part{{Invoice: "N-9", InvoiceID: "N-9", Account: "C-1", Amount: 900}}},
		}}
}

func TestTheFileIsOfTheSchema(t *testing.T) {
	file, err := sample().Write()
	if err != nil {
		t.Fatal(err)
	}
	root := parse(t, file)
	conforms(t, root, "Document")
	text := string(file)
	for _, part := range []string{`<Amt Ccy="EUR">205.00</Amt>`, `<Amt Ccy="JPY">900</Amt>`, "<Nb>N-1</Nb>", "<EndToEndId>SH-0WZ9-AB3C</EndToEndId>", "<Dt>2026-11-23</Dt>", "<Cd>PDNG</Cd>",
		"<RvslInd>true</RvslInd>", "North &lt;&amp; ü", `<CdtNoteAmt Ccy="EUR">0.75</CdtNoteAmt>`, "<AddtlRmtInf>Credits CR-1, CR-2</AddtlRmtInf>", "Not taken by any invoice",
		"<Sum>212.00</Sum>", "<Sum>12.00</Sum>", "<Ccy>JPY</Ccy>"} {
		if !strings.Contains(text, part) {
			t.Errorf("the file lacks %s:\n%s", part, text)
		}
	}
	if strings.Contains(text, "<Nb>ü") || strings.Contains(text, "<OrgId><Othr><Id>ü") {
		t.Error("a reference was cut, which makes it another")
	}
	seen := map[string]bool{}
	for _, entry := range root.all("Ntry") {
		reference := entry.all("NtryRef")[0].text
		if seen[reference] {
			t.Errorf("two entries are %s", reference)
		}
		seen[reference] = true
	}
	if again, err := sample().Write(); err != nil || string(again) != text {
		t.Errorf("the same entries give another file: %v", err)
	}
}

func TestAFileWithoutEntries(t *testing.T) {
	n := sample()
	n.Entries = nil
	file, err := n.Write()
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, parse(t, file), "Document")
	if !strings.Contains(string(file), "There are no entries in this period.") {
		t.Errorf("%s", file)
	}
}

// The reference of what went back does not depend on what else did.
func TestReferencesStay(t *testing.T) {
	n := sample()
	want := n.Entries[2].reference()
	n.Entries = n.Entries[2:3]
	file, err := n.Write()
	if err != nil || !strings.Contains(string(file), fmt.Sprintf("<NtryRef>%s</NtryRef>", want)) || len(want) > 35 {
		t.Errorf("%v: %s", err, file)
	}
}
