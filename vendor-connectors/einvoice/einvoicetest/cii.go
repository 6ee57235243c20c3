package einvoicetest

import (
	"fmt"
	"strings"
)

// CII writes a UN/CEFACT Cross Industry Invoice (D16B), as Factur-X carries it.
func CII(invoice Invoice) []byte {
	var o out
	o.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	o.WriteString(`<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"` + "\n")
	o.WriteString(` xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"` + "\n")
	o.WriteString(` xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">` + "\n")
	o.wrap("rsm:ExchangedDocumentContext", func(o *out) {
		o.wrap("ram:GuidelineSpecifiedDocumentContextParameter", func(o *out) { o.tag("ram:ID", "urn:cen.eu:en16931:2017") })
	})
	code := or(invoice.TypeCode, "380")
	if invoice.CreditNote {
		code = or(invoice.TypeCode, "381")
	}
	o.wrap("rsm:ExchangedDocument", func(o *out) {
		o.tag("ram:ID", invoice.Number)
		o.tag("ram:TypeCode", code)
		o.wrap("ram:IssueDateTime", func(o *out) { ciiDate(o, invoice.IssuedOn) })
		o.wrap("ram:IncludedNote", func(o *out) { o.tag("ram:Content", invoice.Note) })
	})
	o.wrap("rsm:SupplyChainTradeTransaction", func(o *out) {
		for i, line := range invoice.Lines {
			ciiLine(o, i+1, line)
		}
		ciiAgreement(o, invoice)
		o.WriteString("<ram:ApplicableHeaderTradeDelivery/>\n")
		ciiSettlement(o, invoice)
	})
	o.WriteString("</rsm:CrossIndustryInvoice>\n")
	return []byte(o.String())
}

func ciiDate(o *out, day string) {
	o.tag(`udt:DateTimeString format="102"`, strings.ReplaceAll(day, "-", ""))
}

func ciiAgreement(o *out, invoice Invoice) {
	o.wrap("ram:ApplicableHeaderTradeAgreement", func(o *out) {
		o.wrap("ram:SellerTradeParty", func(o *out) { ciiParty(o, invoice.Seller) })
		o.wrap("ram:BuyerTradeParty", func(o *out) { ciiParty(o, invoice.Buyer) })
		o.wrap("ram:BuyerOrderReferencedDocument", func(o *out) { o.tag("ram:IssuerAssignedID", invoice.Order) })
		for _, file := range invoice.Files {
			o.wrap("ram:AdditionalReferencedDocument", func(o *out) {
				o.tag("ram:IssuerAssignedID", file.Name)
				o.tag("ram:TypeCode", "916")
				fmt.Fprintf(o, "<ram:AttachmentBinaryObject mimeCode=\"%s\" filename=\"%s\">%s</ram:AttachmentBinaryObject>\n",
					escape(file.ContentType), escape(file.Name), encode(file.Content))
			})
		}
	})
}

func ciiParty(o *out, party Party) {
	o.tag("ram:ID", party.ID)
	o.tag("ram:Name", party.Name)
	o.wrap("ram:DefinedTradeContact", func(o *out) {
		o.tag("ram:PersonName", party.Contact)
		o.wrap("ram:TelephoneUniversalCommunication", func(o *out) { o.tag("ram:CompleteNumber", party.Phone) })
		o.wrap("ram:EmailURIUniversalCommunication", func(o *out) { o.tag("ram:URIID", party.Email) })
	})
	o.wrap("ram:PostalTradeAddress", func(o *out) {
		o.tag("ram:PostcodeCode", party.Zip)
		o.tag("ram:LineOne", party.Street)
		o.tag("ram:CityName", party.City)
		o.tag("ram:CountryID", party.Country)
	})
	o.wrap("ram:URIUniversalCommunication", func(o *out) { o.tag(`ram:URIID schemeID="EM"`, party.Mailbox) })
	o.wrap("ram:SpecifiedTaxRegistration", func(o *out) { o.tag(`ram:ID schemeID="VA"`, party.VAT) })
}

func ciiSettlement(o *out, invoice Invoice) {
	o.wrap("ram:ApplicableHeaderTradeSettlement", func(o *out) {
		o.tag("ram:InvoiceCurrencyCode", invoice.Currency)
		o.wrap("ram:SpecifiedTradePaymentTerms", func(o *out) {
			o.tag("ram:Description", invoice.Terms)
			o.wrap("ram:DueDateDateTime", func(o *out) { ciiDate(o, invoice.DueOn) })
		})
		o.wrap("ram:SpecifiedTradeSettlementHeaderMonetarySummation", func(o *out) {
			o.tag("ram:LineTotalAmount", invoice.Net)
			o.tag("ram:TaxBasisTotalAmount", invoice.Net)
			o.tag(fmt.Sprintf("ram:TaxTotalAmount currencyID=%q", invoice.Currency), invoice.Tax)
			o.tag("ram:GrandTotalAmount", invoice.Total)
			o.tag("ram:DuePayableAmount", invoice.Payable)
		})
	})
}

func ciiLine(o *out, number int, line Line) {
	o.wrap("ram:IncludedSupplyChainTradeLineItem", func(o *out) {
		o.wrap("ram:AssociatedDocumentLineDocument", func(o *out) { o.tag("ram:LineID", fmt.Sprint(number)) })
		o.wrap("ram:SpecifiedTradeProduct", func(o *out) { o.tag("ram:Name", line.Name) })
		o.wrap("ram:SpecifiedLineTradeAgreement", func(o *out) {
			o.wrap("ram:NetPriceProductTradePrice", func(o *out) { o.tag("ram:ChargeAmount", line.Price) })
		})
		o.wrap("ram:SpecifiedLineTradeDelivery", func(o *out) {
			o.tag(fmt.Sprintf("ram:BilledQuantity unitCode=%q", or(line.Unit, "C62")), line.Quantity)
		})
		o.wrap("ram:SpecifiedLineTradeSettlement", func(o *out) {
			o.wrap("ram:SpecifiedTradeSettlementLineMonetarySummation", func(o *out) { o.tag("ram:LineTotalAmount", line.Amount) })
		})
	})
}
