package tryton

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

const mostContacts = 50 // of one account, as the hub takes them

// account is a party with its addresses, and when either changed.
type account struct {
	connectors.Account
	changed time.Time
}

func accountID(party int64) string { return "party-" + strconv.FormatInt(party, 10) }

func (a account) record(since time.Time) (rounds.Record, error) {
	return record(a.ExternalID, a.changed, since, a.Account, func(page *connectors.Page) { page.Accounts = append(page.Accounts, a.Account) })
}

type partyRow struct {
	ID         int64   `json:"id"`
	Name       *string `json:"name"`
	Code       *string `json:"code"`
	CreateDate moment  `json:"create_date"`
	WriteDate  moment  `json:"write_date"`
	Term       struct {
		Name *string `json:"name"`
	} `json:"customer_payment_term."`
}

func (r partyRow) key() int64 { return r.ID }

type mechanismRow struct {
	ID         int64   `json:"id"`
	Party      int64   `json:"party"`
	Value      *string `json:"value"`
	Name       *string `json:"name"`
	CreateDate moment  `json:"create_date"`
	WriteDate  moment  `json:"write_date"`
}

func (r mechanismRow) key() int64 { return r.ID }

// accounts reads parties, in the order of their ids, with their addresses by mail. A
// party that is no longer active still has its invoices.
func (c *Client) accounts(ctx context.Context, ids []int64) ([]account, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	parties, err := searchAll[partyRow](ctx, c, query{model: "party.party", domain: []any{term("id", "in", ids), term("active", "in", []bool{true, false})},
		fields: []string{"name", "code", "create_date", "write_date", "customer_payment_term.name"}})
	if err != nil {
		return nil, err
	}
	mechanisms, err := searchAll[mechanismRow](ctx, c, query{model: "party.contact_mechanism", domain: []any{term("party", "in", ids), term("type", "=", "email")},
		fields: []string{"party", "value", "name", "create_date", "write_date"}})
	if err != nil {
		return nil, err
	}
	accounts := make([]account, 0, len(parties))
	place := map[int64]int{}
	for _, party := range parties {
		name := strings.TrimSpace(text(party.Name))
		if name == "" {
			name = "Party " + text(party.Code)
		}
		place[party.ID] = len(accounts)
		accounts = append(accounts, account{connectors.Account{ExternalID: accountID(party.ID), Name: name, Terms: text(party.Term.Name)}, latest(party.CreateDate, party.WriteDate)})
	}
	for _, one := range mechanisms {
		if at, known := place[one.Party]; known {
			accounts[at].add(one)
		}
	}
	return accounts, nil
}

func (a *account) add(one mechanismRow) {
	if changed := latest(one.CreateDate, one.WriteDate); changed.After(a.changed) {
		a.changed = changed
	}
	email := strings.TrimSpace(text(one.Value))
	listed := slices.ContainsFunc(a.Contacts, func(known connectors.Contact) bool { return strings.EqualFold(known.Email, email) })
	if email == "" || listed || len(a.Contacts) == mostContacts {
		return
	}
	a.Contacts = append(a.Contacts, connectors.Contact{Email: email, Name: text(one.Name), Role: connectors.RolePayables})
}
