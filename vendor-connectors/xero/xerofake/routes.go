package xerofake

import (
	"net/http"
	"strings"
)

// route finds what a call asks for.
func (f *Fake) route(r *http.Request, body []byte) answer {
	if r.URL.Path == "/connections" {
		return jsonAnswer(http.StatusOK, []obj{{"id": f.tenant, "tenantId": f.tenant, "tenantType": "ORGANISATION", "tenantName": "Fake Organisation"}})
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, prefix+"/"), "/")
	switch {
	case r.Method == http.MethodGet && len(parts) == 1:
		return f.getList(r, parts[0])
	case r.Method == http.MethodPut && len(parts) == 1 && parts[0] == "Payments":
		return f.putPayments(body)
	}
	if len(parts) < 2 {
		return f.missing()
	}
	found := f.document(parts[0], parts[1])
	if found == nil {
		return f.missing()
	}
	return f.part(r, found, parts[2:], body)
}

func (f *Fake) getList(r *http.Request, name string) answer {
	switch name {
	case "Organisation":
		return f.envelope(obj{"Organisations": []obj{{"OrganisationID": f.tenant, "Name": "Fake Organisation", "OrganisationStatus": "ACTIVE", "BaseCurrency": "EUR", "Version": "GLOBAL"}}})
	case "Accounts":
		views := []obj{}
		for _, account := range f.accounts {
			views = append(views, account.view())
		}
		return f.envelope(obj{"Accounts": views})
	case "Contacts", "Invoices", "Payments", CreditNote, Overpayment, Prepayment:
		return f.list(r, name)
	}
	return f.missing()
}

// part answers for one document and what belongs to it.
func (f *Fake) part(r *http.Request, d *document, rest []string, body []byte) answer {
	get, put := r.Method == http.MethodGet, r.Method == http.MethodPut
	switch what := strings.Join(rest, "/"); {
	case get && what == "" && r.Header.Get("Accept") == "application/pdf" && d.hasPaper():
		return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/pdf"}}, body: []byte("%PDF-1.4\n% " + d.number + "\n%%EOF\n")}
	case get && what == "":
		return f.envelope(obj{d.kind: []obj{f.view(d, true)}})
	case get && what == "History":
		return f.getHistory(d)
	case put && what == "History":
		return f.putHistory(d, body)
	case put && what == "Allocations" && d.kind != "Invoices":
		return f.putAllocations(d, body)
	case get && what == "Attachments" && d.hasPaper():
		views := []obj{}
		for _, one := range f.files[d.id] {
			views = append(views, obj{"AttachmentID": one.id, "FileName": one.name, "MimeType": one.kind, "ContentLength": len(one.content), "IncludeOnline": one.online})
		}
		return f.envelope(obj{"Attachments": views})
	case get && len(rest) == 2 && rest[0] == "Attachments" && d.hasPaper():
		for _, one := range f.files[d.id] {
			if one.id == rest[1] {
				return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/octet-stream"}}, body: one.content}
			}
		}
	}
	return f.missing()
}

func (d *document) hasPaper() bool { return d.kind == "Invoices" || d.kind == CreditNote }

// document finds an invoice or a credit by its id.
func (f *Fake) document(kind, id string) *document {
	for _, one := range append(append([]*document(nil), f.invoices...), f.credits...) {
		if strings.EqualFold(one.id, id) && (kind == "" || one.kind == kind) {
			return one
		}
	}
	return nil
}
