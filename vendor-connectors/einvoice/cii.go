package einvoice

import connectors "github.com/sheaf-hub/sheaf/vendor-connectors"

// The names that ZUGFeRD 1 and the later syntax give to the same parts.
const (
	ciiHeader     = "ExchangedDocument|HeaderExchangedDocument"
	ciiDeal       = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
	ciiAgreement  = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
	ciiSettlement = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
	ciiSums       = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
)

// ciiFacts finds the facts of a Cross Industry Invoice.
func ciiFacts(root *node, syntax string) *facts {
	header := root.first(ciiHeader)
	deal := root.first(ciiDeal)
	agreement, settlement := deal.first(ciiAgreement), deal.first(ciiSettlement)
	sums := settlement.first(ciiSums)
	f := &facts{
		root: root, syntax: syntax,
		number:   header.first("ID"),
		typeCode: header.first("TypeCode"),
		issued:   header.first("IssueDateTime", "DateTimeString|DateTime"),
		currency: settlement.first("InvoiceCurrencyCode"),
		order:    agreement.first("BuyerOrderReferencedDocument", "IssuerAssignedID|ID"),
		notes:    header.all("IncludedNote", "Content"),
	}
	f.payable = inCurrency(sums.all("DuePayableAmount"), f.currency)
	f.prepaid = inCurrency(sums.all("TotalPrepaidAmount"), f.currency)
	f.total = inCurrency(sums.all("GrandTotalAmount"), f.currency)
	for _, terms := range settlement.all("SpecifiedTradePaymentTerms") {
		f.addTerms(terms)
	}
	f.buyer = ciiBuyer(agreement.first("BuyerTradeParty"))
	f.attachments = embedded(root)
	return f
}

func (f *facts) addTerms(terms *node) {
	f.terms = append(f.terms, terms.all("Description")...)
	discounts := terms.all("ApplicableTradePaymentDiscountTerms")
	for _, found := range terms.all("DueDateDateTime", "DateTimeString|DateTime|Date") {
		if found.value() != "" {
			f.due = append(f.due, dueDate{at: found, early: len(discounts) > 0})
		}
	}
	f.discounts = append(f.discounts, discounts...)
}

// inCurrency picks the amount in the invoice's currency where the file gives
// one in the currency of accounting too.
func inCurrency(amounts []*node, currency *node) *node {
	var unnamed *node
	for _, amount := range amounts {
		switch {
		case amount.value() == "":
		case amount.attr("currencyID") == currency.value() && currency != nil:
			return amount
		case unnamed == nil:
			unnamed = amount
		}
	}
	return unnamed
}

func ciiBuyer(party *node) buyer {
	b := buyer{
		name:    firstOf(party.first("Name"), party.first("SpecifiedLegalOrganization", "TradingBusinessName"), party.first("DefinedTradeContact", "PersonName")),
		contact: firstOf(party.first("DefinedTradeContact", "PersonName"), party.first("DefinedTradeContact", "DepartmentName")),
		phone:   party.first("DefinedTradeContact", "TelephoneUniversalCommunication", "CompleteNumber"),
	}
	b.ids = append(b.ids, party.all("ID")...)
	b.ids = append(b.ids, party.all("GlobalID")...)
	b.ids = append(b.ids, party.first("SpecifiedTaxRegistration", "ID"), party.first("SpecifiedLegalOrganization", "ID"))
	b.emails = party.all("DefinedTradeContact", "EmailURIUniversalCommunication", "URIID|CompleteNumber")
	for _, address := range party.all("URIUniversalCommunication", "URIID") {
		if isMailScheme(address.attr("schemeID")) {
			b.emails = append(b.emails, address)
		}
	}
	return b
}

// ciiLine reads an invoice line for showing.
func ciiLine(line *node) connectors.Line {
	product := line.first("SpecifiedTradeProduct")
	agreement := line.first("SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement")
	delivery := line.first("SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery")
	settlement := line.first("SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement")
	return connectors.Line{
		Description: plainText(firstOf(product.first("Name"), product.first("Description"),
			line.first("AssociatedDocumentLineDocument", "IncludedNote", "Content")).value(), 500),
		Quantity:  plainText(delivery.first("BilledQuantity").value(), 40),
		UnitPrice: plainText(agreement.first("NetPriceProductTradePrice", "ChargeAmount").value(), 40),
		Amount: plainText(firstOf(
			settlement.first("SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation", "LineTotalAmount")).value(), 40),
	}
}
