package camt

import "encoding/xml"

// The message as its schema has it, as far as it is used: the order of the fields
// is that of the elements.

type document struct {
	XMLName xml.Name            `xml:"Document"`
	Space   string              `xml:"xmlns,attr"`
	Message notificationMessage `xml:"BkToCstmrDbtCdtNtfctn"`
}

type notificationMessage struct {
	Header        header         `xml:"GrpHdr"`
	Notifications []notification `xml:"Ntfctn"`
}

type header struct {
	ID      string `xml:"MsgId"`
	Created string `xml:"CreDtTm"`
}

// notification is AccountNotification17.
type notification struct {
	ID      string  `xml:"Id"`
	Created string  `xml:"CreDtTm"`
	Period  *period `xml:"FrToDt"`
	Account account `xml:"Acct"`
	Sums    *totals `xml:"TxsSummry"`
	Entries []entry `xml:"Ntry"`
	Remark  string  `xml:"AddtlNtfctnInf,omitempty"`
}

type period struct {
	From string `xml:"FrDtTm"`
	To   string `xml:"ToDtTm"`
}

// account is CashAccount39.
type account struct {
	ID       string `xml:"Id>Othr>Id"`
	Scheme   string `xml:"Id>Othr>SchmeNm>Prtry"`
	Currency string `xml:"Ccy,omitempty"`
	Name     string `xml:"Nm,omitempty"`
	Servicer string `xml:"Svcr>FinInstnId>Nm,omitempty"`
}

// totals is TotalTransactions6.
type totals struct {
	Credits countAndSum `xml:"TtlCdtNtries"`
	Debits  countAndSum `xml:"TtlDbtNtries"`
}

type countAndSum struct {
	Count int    `xml:"NbOfNtries"`
	Sum   string `xml:"Sum"`
}

type amount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type day struct {
	Date string `xml:"Dt"`
}

// entry is ReportEntry10.
type entry struct {
	Reference   string    `xml:"NtryRef"`
	Amount      amount    `xml:"Amt"`
	Indicator   string    `xml:"CdtDbtInd"`
	Reversal    *bool     `xml:"RvslInd"`
	Status      string    `xml:"Sts>Cd"`
	Booked      day       `xml:"BookgDt"`
	Valued      *day      `xml:"ValDt"`
	ServicerRef string    `xml:"AcctSvcrRef"`
	Code        bankCode  `xml:"BkTxCd"`
	Charges     *charges  `xml:"Chrgs"`
	Details     []details `xml:"NtryDtls>TxDtls"`
	Remark      string    `xml:"AddtlNtryInf,omitempty"`
}

// bankCode is BankTransactionCodeStructure4.
type bankCode struct {
	Domain    string `xml:"Domn>Cd"`
	Family    string `xml:"Domn>Fmly>Cd"`
	SubFamily string `xml:"Domn>Fmly>SubFmlyCd"`
	Own       string `xml:"Prtry>Cd"`
	Issuer    string `xml:"Prtry>Issr"`
}

// charges is Charges6.
type charges struct {
	Records []chargeRecord `xml:"Rcrd"`
}

type chargeRecord struct {
	Amount    amount `xml:"Amt"`
	Indicator string `xml:"CdtDbtInd"`
	Included  bool   `xml:"ChrgInclInd"`
	Kind      string `xml:"Tp>Prtry>Id"`
}

// details is EntryTransaction10.
type details struct {
	Refs       refs        `xml:"Refs"`
	Amount     amount      `xml:"Amt"`
	Indicator  string      `xml:"CdtDbtInd"`
	Debtor     *debtor     `xml:"RltdPties>Dbtr>Pty"`
	Plain      []string    `xml:"RmtInf>Ustrd"`
	Structured *remittance `xml:"RmtInf>Strd"`
}

type refs struct {
	Servicer string `xml:"AcctSvcrRef"`
	EndToEnd string `xml:"EndToEndId"`
}

// debtor is PartyIdentification135.
type debtor struct {
	Name string  `xml:"Nm,omitempty"`
	ID   *string `xml:"Id>OrgId>Othr>Id"` // nil: none that fits
}

// remittance is StructuredRemittanceInformation16.
type remittance struct {
	Document *document7 `xml:"RfrdDocInf"`
	Amounts  amounts    `xml:"RfrdDocAmt"`
	Notes    []string   `xml:"AddtlRmtInf"`
}

// document7 is ReferredDocumentInformation7.
type document7 struct {
	Code   string `xml:"Tp>CdOrPrtry>Cd"`
	Number string `xml:"Nb"`
}

// amounts is RemittanceAmount2.
type amounts struct {
	Discount   *amount     `xml:"DscntApldAmt>Amt"`
	Credit     *amount     `xml:"CdtNoteAmt"`
	Adjustment *adjustment `xml:"AdjstmntAmtAndRsn"`
	Remitted   amount      `xml:"RmtdAmt"`
}

type adjustment struct {
	Amount    amount `xml:"Amt"`
	Indicator string `xml:"CdtDbtInd"`
	Words     string `xml:"AddtlInf"`
}
