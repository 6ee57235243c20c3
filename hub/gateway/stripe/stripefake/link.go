package stripefake

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// accountLink is one way into the onboarding page: for one visit, for minutes.
type accountLink struct {
	account, returnURL, refreshURL string
	expires                        time.Time
	visited, finished              bool
}

const linkLife = 5 * time.Minute

func (f *Fake) createLink(c *call) (obj, error) {
	account := c.p.need("account")
	kind := c.p.oneOf("type", "account_onboarding", "account_update")
	if kind == "" {
		c.p.need("type")
	}
	link := &accountLink{account: account, refreshURL: c.p.need("refresh_url"), returnURL: c.p.need("return_url"), expires: f.now.Add(linkLife)}
	c.p.ignore("collect", "collection_options")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	a := f.accounts.get(account)
	switch {
	case a == nil || a.Deleted:
		return nil, missing("account", account, "account")
	case kind == "account_update" && a.Type == "express":
		return nil, refused("type", "", "You cannot create `account_update` type Account Links for this account. It is possible to create account_update links for accounts where your platform is responsible for requirement collection, including Custom accounts.")
	case !strings.HasPrefix(link.refreshURL, "http") || !strings.HasPrefix(link.returnURL, "http"):
		return nil, invalid("return_url", "url_invalid", "Not a valid URL")
	}
	f.serial++
	token := f.word(16)
	f.links[token] = link
	return obj{"object": "account_link", "created": f.now.Unix(), "expires_at": link.expires.Unix(), "url": f.cfg.PublicBase + "/setup/e/" + account + "/" + token}, nil
}

// What a vendor can do on the onboarding page.
const (
	Finish   = "finish"   // everything told: the account is Ready
	Leave    = "leave"    // goes back without an end
	Restrict = "restrict" // told, but a document is missing
)

// Onboard does what a vendor does on the page of an account link, given by its
// URL, and returns where the vendor is sent: return_url, or refresh_url when
// the link was used or is too old.
func (f *Fake) Onboard(linkURL, outcome string) (string, error) {
	_, token, _ := strings.Cut(strings.TrimPrefix(linkURL, f.cfg.PublicBase), "/setup/e/")
	_, token, _ = strings.Cut(token, "/")
	var next string
	err := f.act(func() error {
		var err error
		if next, err = f.visitLink(token); err == nil && next == "" {
			next, err = f.finishLink(token, outcome)
		}
		return err
	})
	return next, err
}

var errNoLink = errors.New("stripefake: no such link")

// visitLink opens a link: "" is a good one, else where to go instead.
func (f *Fake) visitLink(token string) (string, error) {
	link := f.links[token]
	if link == nil {
		return "", errNoLink
	}
	if link.visited || !f.now.Before(link.expires) {
		return link.refreshURL, nil
	}
	link.visited = true
	return "", nil
}

func (f *Fake) finishLink(token, outcome string) (string, error) {
	link := f.links[token]
	if link == nil || !link.visited || link.finished {
		return "", errNoLink
	}
	a := f.accounts.get(link.account)
	switch outcome {
	case Finish:
		f.setAccount(a, Ready)
	case Restrict:
		f.setAccount(a, Restricted)
	case Leave:
	default:
		return "", fmt.Errorf("stripefake: %q is no outcome", outcome)
	}
	link.finished = true
	return link.returnURL, nil
}
