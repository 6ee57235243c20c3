package einvoice

import connectors "github.com/sheaf-hub/sheaf/vendor-connectors"

// ublFacts finds the facts of a UBL 2 Invoice or CreditNote.
func ublFacts(root *node, syntax string) *facts {
	f := &facts{
		root: root, syntax: syntax, creditRoot: syntax == "UBL CreditNote",
		number:   root.first("ID"),
		typeCode: root.first("InvoiceTypeCode|CreditNoteTypeCode"),
		issued:   root.first("IssueDate"),
		currency: root.first("DocumentCurrencyCode"),
		payable:  root.first("LegalMonetaryTotal", "PayableAmount"),
		total:    root.first("LegalMonetaryTotal", "TaxInclusiveAmount"),
		prepaid:  root.first("LegalMonetaryTotal", "PrepaidAmount"),
		order:    root.first("OrderReference", "ID"),
		notes:    root.all("Note"),
		terms:    root.all("PaymentTerms", "Note"),
	}
	f.due = ublDue(root)
	f.buyer = ublBuyer(root.first("AccountingCustomerParty"))
	for _, child := range root.children {
		f.attachments = append(f.attachments, embedded(child)...)
	}
	return f
}

// ublDue reads the due date from where UBL has it: the header, else the
// payment means, else the payment terms.
func ublDue(root *node) []dueDate {
	for _, path := range [][]string{
		{"DueDate"}, {"PaymentMeans", "PaymentDueDate"},
		{"PaymentTerms", "PaymentDueDate"}, {"PaymentTerms", "InstallmentDueDate"},
	} {
		var dates []dueDate
		for _, found := range root.all(path...) {
			if found.value() != "" {
				dates = append(dates, dueDate{at: found})
			}
		}
		if len(dates) > 0 {
			return dates
		}
	}
	return nil
}

func ublBuyer(customer *node) buyer {
	party := customer.first("Party")
	b := buyer{
		name: firstOf(party.first("PartyLegalEntity", "RegistrationName"), party.first("PartyName", "Name"),
			party.first("Contact", "Name")),
		contact: firstOf(customer.first("AccountingContact", "Name"), party.first("Contact", "Name")),
		phone:   firstOf(customer.first("AccountingContact", "Telephone"), party.first("Contact", "Telephone")),
	}
	b.ids = append(b.ids, customer.first("SupplierAssignedAccountID"), customer.first("CustomerAssignedAccountID"))
	b.ids = append(b.ids, schemelessFirst(party.all("PartyIdentification", "ID"))...)
	b.ids = append(b.ids, party.first("PartyTaxScheme", "CompanyID"), party.first("PartyLegalEntity", "CompanyID"))
	b.emails = append(b.emails, customer.first("AccountingContact", "ElectronicMail"))
	b.emails = append(b.emails, party.all("Contact", "ElectronicMail")...)
	for _, endpoint := range party.all("EndpointID") {
		if isMailScheme(endpoint.attr("schemeID")) {
			b.emails = append(b.emails, endpoint)
		}
	}
	return b
}

// schemelessFirst puts ids without a scheme first: those are the seller's own
// customer numbers, and they are what CII writes as ID beside GlobalID.
func schemelessFirst(ids []*node) []*node {
	var plain, global []*node
	for _, id := range ids {
		if id.attr("schemeID") == "" {
			plain = append(plain, id)
		} else {
			global = append(global, id)
		}
	}
	return append(plain, global...)
}

// ublLine reads an invoice line for showing.
func ublLine(line *node) connectors.Line {
	return connectors.Line{
		Description: plainText(firstOf(line.first("Item", "Name"), line.first("Item", "Description"), line.first("Note")).value(), 500),
		Quantity:    plainText(line.first("InvoicedQuantity|CreditedQuantity").value(), 40),
		UnitPrice:   plainText(line.first("Price", "PriceAmount").value(), 40),
		Amount:      plainText(line.first("LineExtensionAmount").value(), 40),
	}
}
