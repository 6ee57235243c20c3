package einvoicetest

import "fmt"

// UBL writes a UBL 2.1 Invoice or CreditNote.
func UBL(invoice Invoice) []byte {
	root, item := "Invoice", "InvoiceLine"
	if invoice.CreditNote {
		root, item = "CreditNote", "CreditNoteLine"
	}
	var o out
	o.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(&o, `<%s xmlns="urn:oasis:names:specification:ubl:schema:xsd:%s-2"`+"\n", root, root)
	o.WriteString(` xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"` + "\n")
	o.WriteString(` xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">` + "\n")
	o.tag("cbc:CustomizationID", "urn:cen.eu:en16931:2017")
	o.tag("cbc:ID", invoice.Number)
	o.tag("cbc:IssueDate", invoice.IssuedOn)
	if invoice.CreditNote {
		o.tag("cbc:CreditNoteTypeCode", or(invoice.TypeCode, "381"))
	} else {
		o.tag("cbc:DueDate", invoice.DueOn)
		o.tag("cbc:InvoiceTypeCode", or(invoice.TypeCode, "380"))
	}
	o.tag("cbc:Note", invoice.Note)
	o.tag("cbc:DocumentCurrencyCode", invoice.Currency)
	o.wrap("cac:OrderReference", func(o *out) { o.tag("cbc:ID", invoice.Order) })
	for _, file := range invoice.Files {
		ublFile(&o, file)
	}
	o.wrap("cac:AccountingSupplierParty", func(o *out) { ublParty(o, invoice.Seller) })
	o.wrap("cac:AccountingCustomerParty", func(o *out) { ublParty(o, invoice.Buyer) })
	o.wrap("cac:PaymentMeans", func(o *out) {
		o.tag("cbc:PaymentMeansCode", "30")
		if invoice.CreditNote {
			o.tag("cbc:PaymentDueDate", invoice.DueOn)
		}
	})
	o.wrap("cac:PaymentTerms", func(o *out) { o.tag("cbc:Note", invoice.Terms) })
	ublAmounts(&o, invoice)
	for i, line := range invoice.Lines {
		ublLine(&o, item, i+1, line, invoice.Currency)
	}
	fmt.Fprintf(&o, "</%s>\n", root)
	return []byte(o.String())
}

func ublFile(o *out, file File) {
	o.wrap("cac:AdditionalDocumentReference", func(o *out) {
		o.tag("cbc:ID", file.Name)
		o.wrap("cac:Attachment", func(o *out) {
			fmt.Fprintf(o, "<cbc:EmbeddedDocumentBinaryObject mimeCode=\"%s\" filename=\"%s\">%s</cbc:EmbeddedDocumentBinaryObject>\n",
				escape(file.ContentType), escape(file.Name), encode(file.Content))
		})
	})
}

func ublParty(o *out, party Party) {
	o.wrap("cac:Party", func(o *out) {
		o.tag(`cbc:EndpointID schemeID="EM"`, party.Mailbox)
		o.wrap("cac:PartyIdentification", func(o *out) { o.tag("cbc:ID", party.ID) })
		o.wrap("cac:PostalAddress", func(o *out) {
			o.tag("cbc:StreetName", party.Street)
			o.tag("cbc:CityName", party.City)
			o.tag("cbc:PostalZone", party.Zip)
			o.wrap("cac:Country", func(o *out) { o.tag("cbc:IdentificationCode", party.Country) })
		})
		if party.VAT != "" {
			o.wrap("cac:PartyTaxScheme", func(o *out) {
				o.tag("cbc:CompanyID", party.VAT)
				o.wrap("cac:TaxScheme", func(o *out) { o.tag("cbc:ID", "VAT") })
			})
		}
		o.wrap("cac:PartyLegalEntity", func(o *out) { o.tag("cbc:RegistrationName", party.Name) })
		o.wrap("cac:Contact", func(o *out) {
			o.tag("cbc:Name", party.Contact)
			o.tag("cbc:Telephone", party.Phone)
			o.tag("cbc:ElectronicMail", party.Email)
		})
	})
}

func ublAmounts(o *out, invoice Invoice) {
	amount := func(o *out, element, text string) {
		o.tag(fmt.Sprintf("cbc:%s currencyID=%q", element, invoice.Currency), text)
	}
	o.wrap("cac:TaxTotal", func(o *out) { amount(o, "TaxAmount", invoice.Tax) })
	o.wrap("cac:LegalMonetaryTotal", func(o *out) {
		amount(o, "LineExtensionAmount", invoice.Net)
		amount(o, "TaxExclusiveAmount", invoice.Net)
		amount(o, "TaxInclusiveAmount", invoice.Total)
		amount(o, "PayableAmount", invoice.Payable)
	})
}

func ublLine(o *out, element string, number int, line Line, currency string) {
	quantity := "cbc:InvoicedQuantity"
	if element == "CreditNoteLine" {
		quantity = "cbc:CreditedQuantity"
	}
	o.wrap("cac:"+element, func(o *out) {
		o.tag("cbc:ID", fmt.Sprint(number))
		o.tag(fmt.Sprintf("%s unitCode=%q", quantity, or(line.Unit, "C62")), line.Quantity)
		o.tag(fmt.Sprintf("cbc:LineExtensionAmount currencyID=%q", currency), line.Amount)
		o.wrap("cac:Item", func(o *out) { o.tag("cbc:Name", line.Name) })
		o.wrap("cac:Price", func(o *out) { o.tag(fmt.Sprintf("cbc:PriceAmount currencyID=%q", currency), line.Price) })
	})
}
