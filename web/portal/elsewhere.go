package portal

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// mostElsewhere bounds how many open checkouts a page tells of.
const mostElsewhere = 3

// elsewhere are the open checkouts that hold some of the invoices. Whoever holds
// a digest's link hears of those that began by that link alone, and may go on
// with them on this device too.
func (h *Handlers) elsewhere(c *fiber.Ctx, who visitor, b books) ([]PayingElsewhere, error) {
	numbers := map[string][]string{}
	for _, item := range b.items {
		for _, hold := range item.Holds {
			if b.underWay[hold.PaymentID].Status == payment.Pending {
				numbers[hold.PaymentID] = append(numbers[hold.PaymentID], item.Number)
			}
		}
	}
	var open []payment.Payment
	for id := range numbers {
		open = append(open, b.underWay[id])
	}
	slices.SortFunc(open, func(x, y payment.Payment) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	var list []PayingElsewhere
	for _, p := range open[:min(len(open), mostElsewhere)] {
		ours, err := h.mayContinue(c.UserContext(), who, p)
		if err != nil {
			return nil, err
		}
		if !ours {
			continue
		}
		h.rememberPayer(c, who, p.ID)
		list = append(list, elsewhereOf(who, p, numbers[p.ID], b.team, h.Kit.Now()))
	}
	return list, nil
}

// mayContinue: a contact goes on with its team's checkouts, a link with its own.
func (h *Handlers) mayContinue(ctx context.Context, who visitor, p payment.Payment) (bool, error) {
	if who.signedIn() {
		return true, nil
	}
	_, err := h.Payment.ReadQuote(ctx, who.payer, p.QuoteID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func elsewhereOf(who visitor, p payment.Payment, numbers []string, team map[string]party.Contact, now time.Time) PayingElsewhere {
	other := PayingElsewhere{Numbers: numbers, Total: money.New(p.Amount, p.Currency), Who: "You", When: agoText(now.Sub(p.CreatedAt)),
		Continue: "/pay/" + p.ID + "/continue", Cancel: "/pay/" + p.ID + "/cancel"}
	switch colleague, known := team[p.ContactID]; {
	case !who.signedIn():
		other.Who = "Somebody with this link"
	case p.ContactID != who.contact().ID && known:
		other.Who = colleague.DisplayName()
	case p.ContactID != who.contact().ID:
		other.Who = "A colleague"
	}
	return other
}

func agoText(since time.Duration) string {
	switch minutes := int(since.Minutes()); {
	case minutes < 1:
		return "just now"
	case minutes == 1:
		return "a minute ago"
	case minutes < 90:
		return strconv.Itoa(minutes) + " minutes ago"
	default:
		return strconv.Itoa(int(since.Hours()+0.5)) + " hours ago"
	}
}
