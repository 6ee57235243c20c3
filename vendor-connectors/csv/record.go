package csv

import (
	"fmt"
	"slices"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Words of status and kind columns, squeezed as headers are.
const (
	invoiceWords = "invoice inv salesinvoice taxinvoice bill accrec arinvoice rechnung ausgangsrechnung re rg rechn facture fac fa fc facturedevente factuur verkoopfactuur fact factura facturadeventa debit debitnote 380 commercialinvoice finalinvoice schlussrechnung"
	creditWords  = "credit creditnote creditmemo credits cn cm cr accreccredit arcreditnote refund gutschrift rechnungskorrektur storno stornorechnung gs gu avoir av notedecredit creditnota creditfactuur creditnotas notadecredito abono rectificativa facturarectificativa 381"
	paidWords    = "paid closed settled paidinfull complete completed bezahlt beglichen ausgeglichen erledigt geschlossen paye payee regle reglee solde soldee betaald voldaan gesloten pagado pagada cobrado cobrada cerrado cerrada liquidado liquidada"
	voidWords    = "void voided cancelled canceled deleted storniert annulliert geloscht annule annulee geannuleerd vervallen anulado anulada cancelado cancelada"
	draftWords   = "draft entwurf brouillon concept borrador pendingapproval"
	yesWords     = "yes y true 1 x ja j oui o si s paid bezahlt paye payee betaald pagado pagada"
	noWords      = "no n false nein non nee unpaid offen impaye"
)

func kindWords(list, word string) bool {
	return word != "" && slices.Contains(strings.Fields(list), word)
}

func (r *rowRecord) seen() *connectors.Account {
	return &connectors.Account{ExternalID: strings.Clone(r.account), Name: strings.Clone(r.accountName), Contacts: r.contacts}
}

func (r *rowRecord) asInvoice() connectors.Invoice {
	return connectors.Invoice{
		ExternalID: strings.Clone(r.id()), Number: strings.Clone(r.number), Account: strings.Clone(r.account),
		IssuedOn: r.issued, DueOn: r.due, Terms: strings.Clone(r.terms), Total: r.total, Open: r.open,
		PurchaseOrder: strings.Clone(r.order), Status: r.status, AccountSeen: r.seen(),
	}
}

func (r *rowRecord) asCredit() connectors.Credit {
	return connectors.Credit{
		ExternalID: strings.Clone(r.id()), Number: strings.Clone(r.number), Account: strings.Clone(r.account),
		IssuedOn: r.issued, Total: r.total, Open: r.open, Status: r.status, AccountSeen: r.seen(),
	}
}

// content is everything that the row says, for telling repetitions apart.
func (r *rowRecord) content() string {
	return fmt.Sprintf("%q", []any{r.number, r.account, r.accountName, r.issued, r.due, r.terms, r.order,
		r.total.Decimal(), r.open.Decimal(), r.currency, r.status, r.contacts})
}
