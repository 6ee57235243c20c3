package stripefake

import (
	"bytes"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// pageText is every page that the fake shows: a heading, what it is about, and
// a form whose buttons are the outcomes. No scripts.
const pageText = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1.5rem;color:#111;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;padding:.4rem 0;border-bottom:1px solid #767676;overflow-wrap:anywhere}
td+td,th+th,th+td{text-align:right;white-space:nowrap;padding-left:1rem}
button{display:block;width:100%;min-height:2.75rem;margin:.5rem 0;font:inherit;border:1px solid #333;border-radius:.3rem;background:#fff;color:#111;cursor:pointer}
button.first{background:#1a3d8f;border-color:#1a3d8f;color:#fff}
button:focus-visible,a:focus-visible{outline:3px solid #b35900;outline-offset:2px}
.note{border:1px solid #767676;padding:.6rem;border-radius:.3rem}
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p class="note">This page stands in for Stripe's. No money moves.</p>
{{if .Notice}}<p role="alert"><strong>{{.Notice}}</strong></p>{{end}}
{{if .Lines}}<table>
<caption>What you pay</caption>
<thead><tr><th scope="col">For</th><th scope="col">Amount</th></tr></thead>
<tbody>{{range .Lines}}<tr><td>{{.Name}}{{if .Description}}<br><small>{{.Description}}</small>{{end}}</td><td>{{.Amount}}</td></tr>{{end}}</tbody>
<tfoot><tr><th scope="row">Total</th><td><strong>{{.Total}}</strong></td></tr></tfoot>
</table>{{end}}
{{if .Buttons}}<form method="post">
{{range $i, $b := .Buttons}}<button name="outcome" value="{{$b.Value}}"{{if eq $i 0}} class="first"{{end}}>{{$b.Label}}</button>
{{end}}</form>{{end}}
{{if .Back}}<p><a href="{{.Back}}">Go back</a></p>{{end}}
</main>
</body>
</html>
`

type button struct{ Value, Label string }

type pageLine struct{ Name, Description, Amount string }

type pageView struct {
	Title, Notice, Total string
	Lines                []pageLine
	Buttons              []button
	Back                 string
}

// pages answers a request that is not for the API.
func (f *Fake) pages(r *http.Request) (answer, error) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	outcome := ""
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		form, err := (&call{method: r.Method}).readParams(r)
		if err != nil {
			return answer{}, err
		}
		outcome = form.Get("outcome")
	default:
		return show(http.StatusMethodNotAllowed, pageView{Title: "This cannot be done here"})
	}
	switch {
	case len(parts) == 3 && parts[0] == "c" && parts[1] == "pay":
		return f.payPage(parts[2], r.Method == http.MethodPost, outcome)
	case len(parts) == 4 && parts[0] == "setup" && parts[1] == "e":
		return f.setupPage(parts[2], parts[3], r.Method == http.MethodPost, outcome)
	}
	return show(http.StatusNotFound, pageView{Title: "There is no such page"})
}

func (f *Fake) payPage(id string, pressed bool, outcome string) (answer, error) {
	if pressed {
		next, err := f.Pay(id, outcome)
		switch {
		case err == nil && next != "":
			return redirect(next), nil
		case err != nil && !errors.Is(err, ErrDeclined) && !errors.Is(err, ErrClosed):
			return show(http.StatusBadRequest, pageView{Title: "This cannot be done here", Notice: err.Error()})
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	s := f.sessions.get(id)
	if s == nil {
		return show(http.StatusNotFound, pageView{Title: "There is no such page"})
	}
	if s.Status != Open {
		return show(http.StatusGone, pageView{Title: "This page has ended", Notice: "It is " + s.Status + ".", Back: s.address(s.SuccessURL)})
	}
	return show(http.StatusOK, sessionPage(s))
}

func sessionPage(s *Session) pageView {
	view := pageView{Title: "Pay " + spoken(s.Total, s.Currency), Notice: s.notice, Total: spoken(s.Total, s.Currency)}
	verb := "Pay"
	if s.Mode == "setup" {
		view.Title, verb = "Save a payment method", "Save"
	}
	for _, line := range s.Lines {
		view.Lines = append(view.Lines, pageLine{line.Name, line.Description, spoken(line.Unit*line.Quantity, s.Currency)})
	}
	if slices.Contains(s.Types, "card") {
		view.Buttons = append(view.Buttons, button{Succeed, verb + " with the card 4242"}, button{Decline, "Use a card that is declined"})
		if s.Mode == "setup" || s.intentFuture != "" {
			view.Buttons = append(view.Buttons, button{SucceedThenDecline, verb + " with a card that is declined later"},
				button{SucceedThenAuthentication, verb + " with a card that asks for its owner later"})
		}
	}
	if slices.ContainsFunc(s.Types, func(kind string) bool { return kind != "card" }) {
		view.Buttons = append(view.Buttons, button{Bank, verb + " by bank debit: it arrives in some days"}, button{BankFail, verb + " by bank debit: it comes back in some days"})
	}
	if s.CancelURL != "" {
		view.Buttons = append(view.Buttons, button{Abandon, "Leave without paying"})
	}
	return view
}

func (f *Fake) setupPage(account, token string, pressed bool, outcome string) (answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	link := f.links[token]
	if link == nil || link.account != account {
		return show(http.StatusNotFound, pageView{Title: "There is no such page"})
	}
	if pressed {
		next, err := f.finishLink(token, outcome)
		if err != nil {
			return show(http.StatusBadRequest, pageView{Title: "This cannot be done here", Notice: "The link was used, or the button is not one of this page.", Back: link.refreshURL})
		}
		return redirect(next), nil
	}
	next, err := f.visitLink(token)
	if err != nil || next != "" {
		return redirect(link.refreshURL), nil
	}
	return show(http.StatusOK, pageView{Title: "Tell Stripe about your company", Buttons: []button{{Finish, "Tell everything"},
		{Restrict, "Tell all but one document"}, {Leave, "Leave for now"}}})
}

func redirect(to string) answer {
	header := http.Header{}
	header.Set("Location", to)
	return answer{status: http.StatusSeeOther, header: header}
}

func show(status int, view pageView) (answer, error) {
	if u, err := url.Parse(view.Back); err != nil || view.Back != "" && u.Scheme != "http" && u.Scheme != "https" {
		view.Back = ""
	}
	var text bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageText)).Execute(&text, view); err != nil {
		return answer{}, err
	}
	header := http.Header{}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	return answer{status: status, header: header, body: text.Bytes()}, nil
}
