package ui

// ErrorView is an error page. Title and Text are taken from Status when empty.
type ErrorView struct {
	Page      Page
	Status    int    // 403, 404, 409, 410, 413, 422, 429, 500 or 503
	Title     string // may be empty
	Text      string // one sentence, safe to show; may be empty
	Action    string // label of the way out; may be empty
	URL       string
	RequestID string // for the operator to find it; may be empty
}

func (v ErrorView) page() Page {
	page := v.Page
	page.Title = v.title()
	page.Narrow = true
	return page
}

func (v ErrorView) title() string {
	if v.Title != "" {
		return v.Title
	}
	title, _ := errorWords(v.Status)
	return title
}

func (v ErrorView) lines() []string {
	if v.Text != "" {
		return []string{v.Text}
	}
	_, lines := errorWords(v.Status)
	return lines
}

func errorWords(status int) (string, []string) {
	switch status {
	case 403:
		return "You cannot do this", []string{"This page belongs to somebody else, or your role does not allow it. Nothing was changed.", "Sign in with the address that the mail was sent to."}
	case 404:
		return "Page not found", []string{"If you typed the address, check that it is right.", "If you pasted it, check that you copied all of it."}
	case 409:
		return "Something changed meanwhile", []string{"What you were looking at is not as it was. Nothing was changed. Open the page again and look."}
	case 410:
		return "This link has expired", []string{"Links in mails work for a limited time, so that an old mail cannot be misused.", "Sign in to get a new one."}
	case 413:
		return "That is too large", []string{"The file or form is larger than we take. Nothing was changed."}
	case 422, 400:
		return "We could not read that", []string{"Something in the form was not as expected. Nothing was changed. Go back and try again."}
	case 429:
		return "Too many attempts", []string{"Wait a minute, then try again. Nothing was changed."}
	case 503:
		return "Sorry, we are not available", []string{"We are doing work on the service. Nothing is lost; try again in a few minutes."}
	default:
		return "Sorry, something went wrong", []string{"It is our mistake, and it was noted. Nothing was charged by this page.", "Try again later. If you were paying, look at your payments first."}
	}
}
