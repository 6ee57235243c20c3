package quickbooksfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const mostBody = 10 << 20

type obj map[string]any

// answer is what goes back.
type answer struct {
	status int
	kind   string // of the content; empty: JSON
	body   []byte
}

func (f *Fake) mux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /connect/oauth2", f.authorize)
	mux.HandleFunc("POST /oauth2/v1/tokens/bearer", f.token)
	mux.HandleFunc("GET /files/{id}", f.download)
	mux.Handle("/v3/company/", f.trouble)
	return mux
}

func send(w http.ResponseWriter, a answer) {
	if a.kind == "" {
		a.kind = "application/json;charset=UTF-8"
	}
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away does not read it
}

func encoded(status int, body obj) answer {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: status, body: text}
}

// fine is an answer with QuickBooks' clock.
func (f *Fake) fine(body obj) answer {
	body["time"] = clock(f.now())
	return encoded(http.StatusOK, body)
}

// fault is how the API says no.
func (f *Fake) fault(status int, kind, code, message, detail string) answer {
	return encoded(status, obj{"Fault": obj{"Error": []obj{{"Message": message, "Detail": detail, "code": code, "element": ""}}, "type": kind}, "time": clock(f.now())})
}

// gateway is how what stands before the API says no.
func (f *Fake) gateway(status int, kind, code, name, detail string) answer {
	message := fmt.Sprintf("message=%s; errorCode=%06s; statusCode=%d", name, code, status)
	return encoded(status, obj{"warnings": nil, "intuitObject": nil, "fault": obj{"error": []obj{{"message": message, "detail": detail, "code": code, "element": nil}}, "type": kind},
		"report": nil, "queryResponse": nil, "batchItemResponse": []obj{}, "attachableResponse": []obj{}, "time": f.now().UnixMilli(), "status": nil, "cdcresponse": []obj{}})
}

func (f *Fake) invalid(code, message, detail string) answer {
	return f.fault(http.StatusBadRequest, "ValidationFault", code, message, detail)
}

func (f *Fake) missing(what string) answer {
	return f.invalid("610", "Object Not Found", "Object Not Found : Something you're trying to use has been made inactive. Check the fields with "+what+".")
}

// pacific is the zone of QuickBooks' clock, which is an hour ahead in summer.
func pacific(at time.Time) time.Time {
	hours := -8
	if month := at.Month(); month > time.March && month < time.November {
		hours = -7
	}
	return at.In(time.FixedZone("", hours*3600))
}

func clock(at time.Time) string { return pacific(at).Format("2006-01-02T15:04:05.000-07:00") }
func stamp(at time.Time) string { return pacific(at).Format("2006-01-02T15:04:05-07:00") }

// api answers one call of the API.
func (f *Fake) api(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody))
	if err != nil {
		return
	}
	f.mu.Lock()
	f.underWay++
	a, admitted := f.admit(r)
	if admitted {
		a = f.once(r, body)
	}
	watch := f.cfg.Watch
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.underWay--
		f.mu.Unlock()
	}()
	if watch != nil {
		watch(Exchange{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/v3/company/"+f.cfg.Company), Query: r.URL.RawQuery, Body: body, Status: a.status, Answer: a.body})
	}
	send(w, a)
}

// admit checks the token, the company and the limits.
func (f *Fake) admit(r *http.Request) (answer, bool) {
	ends, known := f.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case !known || f.revoked || !f.now().Before(ends):
		return f.gateway(http.StatusUnauthorized, "AUTHENTICATION", "3200", "AuthenticationFailed", "Token expired: AB0"), false
	case !strings.HasPrefix(r.URL.Path, "/v3/company/"+f.cfg.Company+"/"):
		return f.gateway(http.StatusForbidden, "AUTHORIZATION", "3100", "ApplicationAuthorizationFailed", "The application is not authorized for this company"), false
	case f.cfg.Limits.AtOnce >= 0 && f.underWay > f.cfg.Limits.AtOnce, !f.counted():
		return f.gateway(http.StatusTooManyRequests, "SERVICE", "3001", "ThrottleExceeded", "The request limit was reached. Try again later"), false
	case f.faulty > 0:
		f.faulty--
		return f.fault(http.StatusOK, "SystemFault", "10000", "An application error has occurred while processing your request", "System Failure Error"), false
	}
	return answer{}, true
}

// counted takes one call of the minute; false: it is one too many.
func (f *Fake) counted() bool {
	now := f.now()
	if now.Sub(f.began) >= time.Minute || now.Before(f.began) {
		f.began, f.count = now, 0
	}
	f.count++
	return f.cfg.Limits.Minute < 0 || f.count <= f.cfg.Limits.Minute
}

// once carries a call out, or answers a request id as before.
func (f *Fake) once(r *http.Request, body []byte) answer {
	id := r.URL.Query().Get("requestid")
	if r.Method == http.MethodGet || id == "" || f.cfg.ForgetsRequests {
		return f.route(r, body)
	}
	const most = 50
	if len(id) > most {
		return f.invalid("2050", "String length is either shorter or longer than supported by specification", "requestid: at most 50 characters")
	}
	if before, known := f.requests[id]; known {
		return before
	}
	a := f.route(r, body)
	if a.status == http.StatusOK {
		f.requests[id] = a
	}
	return a
}

func (f *Fake) route(r *http.Request, body []byte) answer {
	if r.URL.Query().Get("minorversion") != "75" {
		return f.invalid("2010", "Request has invalid or unsupported property", "minorversion: the fake speaks 75 alone")
	}
	path := strings.TrimPrefix(r.URL.Path, "/v3/company/"+f.cfg.Company+"/")
	parts := strings.Split(path, "/")
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	switch {
	case get && path == "query":
		return f.query(r.URL.Query().Get("query"), r.Host)
	case get && path == "cdc":
		return f.capture(r.URL.Query().Get("entities"), r.URL.Query().Get("changedSince"))
	case get && path == "companyinfo/"+f.cfg.Company:
		return f.fine(obj{"CompanyInfo": obj{"CompanyName": "Fake Company", "LegalName": "Fake Company", "Country": "US", "domain": "QBO", "sparse": false, "Id": "1", "SyncToken": "0"}})
	case get && path == "preferences":
		return f.fine(obj{"Preferences": obj{"CurrencyPrefs": obj{"MultiCurrencyEnabled": true, "HomeCurrency": obj{"value": f.cfg.Home}}, "domain": "QBO", "sparse": false, "Id": "1", "SyncToken": "0"}})
	case get && len(parts) == 3 && parts[2] == "pdf":
		return f.pdf(parts[0], parts[1], r.Header.Get("Accept"))
	case post && path == "payment":
		return f.postPayment(body)
	case post && path == "journalentry":
		return f.postJournal(body)
	}
	return answer{status: http.StatusNotFound, kind: "text/html", body: []byte("<html>HTTP Status 404</html>")}
}

func (f *Fake) pdf(kind, id, accept string) answer {
	entity := map[string]string{"invoice": invoiceEntity, "creditmemo": creditEntity}[kind]
	found := f.document(entity, id)
	switch {
	case found == nil:
		return f.missing("accounts, customers, items, vendors or employees")
	case accept != "application/pdf":
		return f.fault(http.StatusNotAcceptable, "ValidationFault", "500", "Unsupported Operation", "Content type is not supported")
	}
	return answer{status: http.StatusOK, kind: "application/pdf", body: []byte("%PDF-1.4\n% " + entity + " " + found.number + "\n%%EOF\n")}
}

// decode reads a body as QuickBooks does: it refuses properties that it does not know.
func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}

// download is the other server on which files lie.
func (f *Fake) download(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.files {
		if one.key() == r.PathValue("id") {
			if r.URL.Query().Get("Signature") != "a+b/c=" || r.Header.Get("Authorization") != "" {
				send(w, answer{status: http.StatusForbidden, kind: "application/xml", body: []byte("<Error><Code>AccessDenied</Code></Error>")})
				return
			}
			send(w, answer{status: http.StatusOK, kind: one.kind, body: one.content})
			return
		}
	}
	http.NotFound(w, r)
}
