package csv

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// spellings lists, per field, the headers that mean it, best first and squeezed
// to letters and digits: English, German, French, Dutch, Spanish, and what
// common accounting programs write.
var spellings = map[string]string{
	FieldExternalID: "externalid invoiceid documentid recordid internalid transactionid uuid guid id",
	FieldNumber: "invoicenumber invoiceno invno invnumber invoiceid invoicenum invoicenr invoice invoicereference invoiceref billnumber billno documentnumber documentno docnumber docno " +
		"rechnungsnummer rechnungsnr rechnungno rechnungnr rechnung rgnr renr belegnummer belegnr belegno belegfeld1 beleg opnummer opnr vorgangsnummer " +
		"numerodefacture numerofacture nofacture nfacture numfacture facturenumero factureno facture nodefacture ndefacture reffacture referencefacture piece numerodepiece nopiece " +
		"factuurnummer factuurnr factuurno factuur boekstuknummer documentnummer boekstuk " +
		"numerodefactura numerofactura nofactura nfactura numfactura facturano facturanumero nodefactura ndefactura factura documento numerodedocumento " +
		"transactionnumber transactionno txnnumber refnumber number no num nr nummer numero document reference referenz ref referentie referencia",
	FieldAccount: "customerid customernumber customerno customernum customernr customercode customeraccount customerref accountid accountnumber accountno accountcode accountref ac " +
		"clientid clientnumber clientno clientcode clientref debtornumber debtorno debtorid debtorcode custid custno custcode contactid contactcode accountsreceivableid " +
		"kundennummer kundennr kundenno kundenid kdnr kundnr debitorennummer debitorennr debitornr debitornummer debitor kontonummer kontonr personenkonto konto " +
		"numeroclient noclient nclient numclient codeclient idclient clientnumero compteclient compte comptetiers codetiers refclient " +
		"klantnummer klantnr klantno klantcode klantid debiteurnummer debiteurnr debiteurennummer debiteurcode relatienummer relatiecode " +
		"numerodecliente numerocliente nocliente ncliente codigocliente codigodecliente codcliente idcliente cuentacliente cuenta " +
		"account",
	FieldAccountName: "customername customer accountname clientname client debtorname debtor buyername buyer billtoname billto companyname company contactname soldto payer invoicepartnerdisplayname partnername partner debtorsname " +
		"kundenname kunde kundin firmenname firma debitorname debitorenname name1 rechnungsempfanger empfanger geschaftspartner " +
		"nomclient nomduclient nomdelclient raisonsociale clientnom societe nomsociete tiers nomtiers entreprise destinataire " +
		"klantnaam klant naamklant bedrijfsnaam bedrijf debiteurnaam debiteur relatie relatienaam " +
		"nombrecliente nombredecliente nombredelcliente cliente razonsocial empresa nombrefiscal " +
		"name nom naam nombre contact",
	FieldEmail: "email emailaddress billingemail customeremail clientemail contactemail emails emailaddresses invoiceemail billemail apemail " +
		"emailadresse rechnungsemail kundenemail mailadresse rechnungsmail adresseemail adressemail emailclient courriel adressecourriel couriel mel " +
		"emailadres factuuremail emailfactuur klantemail correoelectronico correo emailcliente direcciondecorreo mail",
	FieldIssuedOn: "invoicedate issuedate issuedon dateissued issued billdate dateofinvoice documentdate docdate transactiondate txndate postingdate invdate invoicebilldate " +
		"rechnungsdatum rechnungsdat rgdatum redatum belegdatum ausstellungsdatum datumrechnung buchungsdatum " +
		"datedefacture datefacture facturedate datedefacturation datefacturation dateemission datedemission datepiece datedepiece " +
		"factuurdatum datumfactuur boekdatum documentdatum boekingsdatum " +
		"fechadefactura fechafactura fechadeemision fechaemision fechadocumento fechadeexpedicion fechaexpedicion " +
		"date datum fecha",
	FieldDueOn: "duedate dueon datedue paymentduedate paymentdue payby dueby netduedate expirydate maturitydate maturity " +
		"falligkeitsdatum falligkeit fallig falligam falligbis zahlbarbis zahlungsziel zahlungsfrist zahldatum nettofalligkeit " +
		"datedecheance dateecheance echeance echeancele datelimitedepaiement datelimite dateexigibilite " +
		"vervaldatum vervaldag uiterstebetaaldatum betaaldatumuiterlijk betalenvoor " +
		"fechadevencimiento fechavencimiento vencimiento fechavto vto fechalimite fechadepago",
	FieldTerms: "terms paymentterms termsofpayment paymentterm creditterms zahlungsbedingungen zahlungsbedingung zahlungskonditionen zahlungskondition konditionen " +
		"conditionsdepaiement conditionspaiement conditiondepaiement modalitesdepaiement betalingsvoorwaarden betalingsconditie betalingstermijn betaaltermijn " +
		"condicionesdepago condicionpago condicionespago plazodepago terminosdepago",
	FieldCurrency: "currency currencycode currencyid invoicecurrency curr ccy cur iso isocurrency transactioncurrency wahrung wahrungscode wahrungskennung whg wkz devise codedevise monnaie valuta valutacode munt moneda divisa codigomoneda",
	FieldTotal: "total invoicetotal totalamount grandtotal invoiceamount grossamount grosstotal amounttotal totalinctax totalinclvat totalinclusive totalgross originalamount billamount totaldue invoicevalue gross totalsigned amountindocumentcurrency amountindoccurr amountinlocalcurrency " +
		"rechnungsbetrag gesamtbetrag bruttobetrag betragbrutto brutto summe gesamt endbetrag gesamtsumme rgbetrag bruttosumme rechnungssumme betraginbelegwahrung betraginhauswahrung betraginhw " +
		"montantttc totalttc montanttotal montantfacture montantdelafacture ttc totalfacture montanttotalttc " +
		"factuurbedrag totaalbedrag totaal bedraginclbtw brutobedrag totaalinclbtw bedraginclusiefbtw bedragincl " +
		"importetotal totalfactura importefactura importebruto totalconiva " +
		"amount betrag montant bedrag importe umsatz value",
	FieldOpen: "amountremaining remainingamount invoiceamountdue amountduesigned openamount amountopen openbalance amountdue balancedue balance outstanding outstandingamount amountoutstanding outstandingbalance remaining remainingbalance unpaid unpaidamount amountunpaid open residual amountresidual receivable " +
		"offenerbetrag offen offenbetrag betragoffen restbetrag saldo opbetrag offenerposten offenersaldo restsumme ausstehend ausstehenderbetrag nochoffen offenesumme zuzahlen zahlbetrag " +
		"montantdu montantouvert resteapayer restedu resteaencaisser solde soldedu soldeouvert montantrestant restantdu netapayer montantrestantdu " +
		"openstaand openstaandbedrag nogtebetalen openbedrag restant restantbedrag tebetalen openstaandsaldo " +
		"pendiente importependiente saldopendiente pendientedepago importeapagar resto restante porpagar totalpendiente",
	FieldPaid: "paid amountpaid invoiceamountpaid paidamount totalpaid payments ispaid bezahlt bezahlterbetrag gezahlt bereitsbezahlt zahlungen paye montantpaye regle montantregle dejapaye betaald betaaldbedrag reedsbetaald pagado importepagado cobrado importecobrado",
	FieldPurchaseOrder: "purchaseorder purchaseordernumber purchaseorderno ponumber pono po ponum poreference orderreference customerpo customorderno custompono customponumber yourreference yourref ordernumber orderno " +
		"bestellnummer bestellnr bestellung ihrebestellung ihrezeichen auftragsnummer auftragsnr kundenreferenz " +
		"bondecommande numerodecommande numerocommande nocommande ncommande commande votrereference refcommande " +
		"bestelnummer ordernummer inkoopnummer inkooporder uwreferentie inkoopordernummer " +
		"pedido numerodepedido numeropedido ordendecompra npedido nopedido sureferencia " +
		"reference referenz ref referentie referencia",
	FieldStatus: "status invoicestatus state paymentstatus zahlungsstatus rechnungsstatus statut statutfacture etat etatfacture factuurstatus betaalstatus betalingsstatus estado estadofactura estadodepago situacion",
	FieldKind:   "type kind documenttype invoicetype doctype transactiontype txntype belegart belegtyp art dokumenttyp dokumentart rechnungsart typ typedepiece typedocument typededocument typefacture naturepiece soort documentsoort factuursoort tipo tipodedocumento tipodocumento tipofactura clase",
}

// spelling is one header's meaning; rank 0 is the best spelling of the field.
type spelling struct {
	field string
	rank  int
}

// meanings turns spellings around. One header may mean several fields; which
// one it gets depends on what the other columns are.
func meanings() map[string][]spelling {
	out := map[string][]spelling{}
	for _, field := range fields {
		for rank, word := range strings.Fields(spellings[field]) {
			out[word] = append(out[word], spelling{field, rank})
		}
	}
	return out
}

// squeeze brings a header to letters and digits in lower case without accents:
// "Invoice No.", "InvoiceNo" and "invoice_no" are one.
func squeeze(header string) string {
	header = strings.NewReplacer("#", " no ", "№", " no ", "nº", " no ", "Nº", " no ", "n°", " no ", "N°", " no ", "N˚", " no ",
		"ß", "ss", "œ", "oe", "Œ", "oe").Replace(header)
	var out strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(header)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// squeezings are the forms in which a header is looked up: as it is, and
// without what stands in brackets ("Total (EUR)", "Betrag [€]").
func squeezings(header string) (forms []string, bracket string) {
	forms = append(forms, squeeze(header))
	for _, pair := range []string{"()", "[]"} {
		start, end := strings.IndexByte(header, pair[0]), strings.LastIndexByte(header, pair[1])
		if start > 0 && end > start {
			forms = append(forms, squeeze(header[:start]+" "+header[end+1:]))
			bracket = strings.TrimSpace(header[start+1 : end])
		}
	}
	words := strings.Fields(header)
	if last := len(words) - 1; last > 0 && len(words[last]) == 3 && strings.ToUpper(words[last]) == words[last] {
		forms, bracket = append(forms, squeeze(strings.Join(words[:last], " "))), words[last] // "Amount EUR"
	}
	return forms, bracket
}

// looked is what the dictionary says of one header.
func looked(dictionary map[string][]spelling, header string) []spelling {
	forms, _ := squeezings(header)
	for _, form := range forms {
		if found := dictionary[form]; len(found) > 0 {
			return found
		}
	}
	return nil
}

// assign gives each field the column that spells it best, and each column one
// field. Overrides come first.
func assign(headers []string, mapping map[string]string) (fieldOf []string, why []string, missing []string) {
	fieldOf, why = make([]string, len(headers)), make([]string, len(headers))
	taken := map[string]bool{}
	settled := make([]bool, len(headers))
	for _, header := range slices.Sorted(maps.Keys(mapping)) {
		field, at := mapping[header], columnOf(headers, header)
		if at < 0 || settled[at] || (taken[field] && field != FieldIgnore) {
			missing = append(missing, header)
			continue
		}
		settled[at], why[at] = true, "as you set it"
		if field != FieldIgnore {
			fieldOf[at], taken[field] = field, true
		}
	}
	dictionary := meanings()
	for {
		best, bestField, bestRank := -1, "", 1<<30
		for i, header := range headers {
			if settled[i] {
				continue
			}
			for _, found := range looked(dictionary, header) {
				if !taken[found.field] && found.rank < bestRank {
					best, bestField, bestRank = i, found.field, found.rank
				}
			}
		}
		if best < 0 {
			break
		}
		settled[best], taken[bestField] = true, true
		fieldOf[best], why[best] = bestField, "the header is a spelling of "+bestField
	}
	for i, header := range headers {
		if settled[i] || strings.TrimSpace(header) == "" {
			continue
		}
		// "Kunde" beside "Kundenname": the one word can only be the key
		if found := looked(dictionary, header); len(found) > 0 && found[0].field == FieldAccountName && taken[FieldAccountName] && !taken[FieldAccount] {
			taken[FieldAccount] = true
			fieldOf[i], why[i] = FieldAccount, "another column has the customer's name, so this one is its key"
			continue
		}
		why[i] = "the header is not known; map it if it matters"
		if found := looked(dictionary, header); len(found) > 0 {
			why[i] = "would be " + found[0].field + ", but another column fits better"
		}
	}
	return fieldOf, why, missing
}

func columnOf(headers []string, wanted string) int {
	for i, header := range headers {
		if strings.EqualFold(strings.TrimSpace(header), strings.TrimSpace(wanted)) {
			return i
		}
	}
	for i, header := range headers {
		if form := squeeze(header); form != "" && form == squeeze(wanted) {
			return i
		}
	}
	return -1
}

// recognised counts the columns of a row whose header is known or mapped.
func recognised(dictionary map[string][]spelling, row []string, mapping map[string]string) int {
	count := 0
	seen := map[string]bool{}
	for _, cell := range row {
		if len(cell) > 100 {
			continue
		}
		for _, found := range looked(dictionary, cell) {
			if !seen[found.field] {
				seen[found.field] = true
				count++
				break
			}
		}
	}
	for header := range mapping {
		if columnOf(row, header) >= 0 {
			count++
		}
	}
	return count
}
