package quickbooksfake

import (
	"encoding/json"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Entities, as queries name them.
const (
	invoiceEntity    = "Invoice"
	creditEntity     = "CreditMemo"
	paymentEntity    = "Payment"
	customerEntity   = "Customer"
	termEntity       = "Term"
	accountEntity    = "Account"
	journalEntity    = "JournalEntry"
	attachableEntity = "Attachable"
)

// number is an amount as QuickBooks writes it: a JSON number without needless zeros,
// but for one.
func number(amount money.Amount) json.Number {
	text := amount.Decimal()
	if whole, part, fraction := strings.Cut(text, "."); fraction {
		if part = strings.TrimRight(part, "0"); part == "" {
			part = "0"
		}
		text = whole + "." + part
	} else if text != "0" {
		text += ".0"
	}
	return json.Number(text)
}

func currencyRef(currency money.Currency) obj {
	names := map[money.Currency]string{"USD": "United States Dollar", "EUR": "Euro", "JPY": "Japanese Yen", "KWD": "Kuwaiti Dinar"}
	return obj{"value": string(currency), "name": names[currency]}
}

func (r record) fields(f obj) obj {
	f["domain"], f["sparse"], f["Id"], f["SyncToken"] = "QBO", false, r.key(), json.Number(record{id: r.token}.key()).String()
	f["MetaData"] = obj{"CreateTime": stamp(r.made), "LastUpdatedTime": stamp(r.updated)}
	return f
}

func (c *customer) ref() obj { return obj{"value": c.key(), "name": c.Name} }

func (c *customer) shape(terms []*term) obj {
	shape := c.fields(obj{"DisplayName": c.Name, "FullyQualifiedName": c.Name, "CompanyName": c.Name, "PrintOnCheckName": c.Name, "Active": !c.Inactive,
		"CurrencyRef": currencyRef(c.Currency), "Taxable": false, "Job": false, "BillWithParent": false, "PreferredDeliveryMethod": "Email"})
	put := func(name, value string, as any) {
		if value != "" {
			shape[name] = as
		}
	}
	put("GivenName", c.Given, c.Given)
	put("FamilyName", c.Family, c.Family)
	put("PrimaryPhone", c.Phone, obj{"FreeFormNumber": c.Phone})
	put("PrimaryEmailAddr", c.Email, obj{"Address": c.Email})
	for _, one := range terms {
		if one.name == c.Terms {
			shape["SalesTermRef"] = obj{"value": one.key()}
		}
	}
	return shape
}

func (d *document) shape(terms []*term) obj {
	links := []obj{}
	for _, one := range d.links {
		links = append(links, obj{"TxnId": one.key(), "TxnType": paymentEntity})
	}
	shape := d.fields(obj{"DocNumber": d.number, "TxnDate": string(d.issued), "CurrencyRef": currencyRef(d.total.Currency), "CustomerRef": d.customer.ref(),
		"TotalAmt": number(d.total), "Balance": number(d.open), "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet", "Line": []obj{
			{"Id": "1", "LineNum": json.Number("1"), "Description": "Work", "Amount": number(d.total), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": obj{
				"ItemRef": obj{"value": "1", "name": "Services"}, "UnitPrice": number(d.total), "Qty": json.Number("1")}},
			{"Amount": number(d.total), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": obj{}}}})
	if d.note != "" {
		shape["PrivateNote"] = d.note
	}
	if d.billEmail != "" {
		shape["BillEmail"] = obj{"Address": d.billEmail}
	}
	if d.billEmailCc != "" {
		shape["BillEmailCc"] = obj{"Address": d.billEmailCc}
	}
	if d.kind == creditEntity {
		shape["RemainingCredit"] = number(d.open) // and no links: QuickBooks does not show them there
		return shape
	}
	shape["LinkedTxn"], shape["CustomerMemo"], shape["ApplyTaxAfterDiscount"] = links, obj{"value": "Thank you for your business"}, false
	shape["DueDate"], shape["Deposit"] = string(d.due), json.Number("0")
	for _, name := range []string{"AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"} {
		shape[name] = false
	}
	shape["CustomField"] = []obj{{"DefinitionId": "1", "Name": "P.O. Number", "Type": "StringType", "StringValue": d.purchaseOrder}}
	for _, one := range terms {
		if one.name == d.customer.Terms {
			shape["SalesTermRef"] = obj{"value": one.key()}
		}
	}
	return shape
}

func (p *payment) shape() obj {
	lines := []obj{}
	for _, one := range p.lines {
		kind, id := journalEntity, ""
		if one.document != nil {
			kind, id = one.document.kind, one.document.key()
		} else {
			id = one.journal.key()
		}
		lines = append(lines, obj{"Amount": number(one.amount), "LinkedTxn": []obj{{"TxnId": id, "TxnType": kind}},
			"LineEx": obj{"any": []obj{{"value": obj{"Name": "txnId", "Value": id}}}}})
	}
	shape := p.fields(obj{"TxnDate": p.date, "CurrencyRef": currencyRef(p.total.Currency), "CustomerRef": p.customer.ref(), "TotalAmt": number(p.total),
		"UnappliedAmt": number(p.unapplied), "ProcessPayment": false, "Line": lines, "LinkedTxn": []obj{}})
	if p.account != nil {
		shape["DepositToAccountRef"] = obj{"value": p.account.key()}
	}
	if p.number != "" {
		shape["PaymentRefNum"] = p.number
	}
	if p.note != "" {
		shape["PrivateNote"] = p.note
	}
	return shape
}

func (j *journal) shape() obj {
	lines := []obj{}
	for i, one := range j.lines {
		detail := obj{"PostingType": one.posting, "AccountRef": one.account.ref()}
		if one.entity != nil {
			detail["Entity"] = obj{"Type": "Customer", "EntityRef": one.entity.ref()}
		}
		lines = append(lines, obj{"Id": record{id: i}.key(), "Description": one.description, "Amount": number(j.amount), "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail})
	}
	return j.fields(obj{"DocNumber": j.number, "PrivateNote": j.note, "TxnDate": j.date, "Adjustment": false, "TxnTaxDetail": obj{}, "Line": lines})
}

func (a *account) ref() obj { return obj{"value": a.key(), "name": a.whole()} }

func (a *account) whole() string {
	if a.parent == "" {
		return a.name
	}
	return a.parent + ":" + a.name
}

func (a *account) shape() obj {
	shape := a.fields(obj{"Name": a.name, "FullyQualifiedName": a.whole(), "SubAccount": a.parent != "", "Active": !a.inactive, "AccountType": a.kind, "CurrencyRef": currencyRef(a.currency)})
	if a.number != "" {
		shape["AcctNum"] = a.number
	}
	return shape
}

func (t *term) shape() obj {
	shape := t.fields(obj{"Name": t.name, "Active": true, "Type": "STANDARD", "DueDays": t.due})
	if t.percent > 0 {
		shape["DiscountPercent"], shape["DiscountDays"] = t.percent, t.discountDays
	}
	return shape
}

func (f *file) shape(host string) obj {
	return f.fields(obj{"FileName": f.name, "ContentType": f.kind, "Size": len(f.content), "FileAccessUri": "/v3/company/1/download/" + f.key(),
		"TempDownloadUri": "http://" + host + "/files/" + f.key() + "?Expires=1&Signature=a%2Bb%2Fc%3D",
		"AttachableRef":   []obj{{"IncludeOnSend": f.sent, "EntityRef": obj{"type": invoiceEntity, "value": f.invoice.key()}}}})
}
