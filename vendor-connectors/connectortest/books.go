package connectortest

import (
	"testing"
	"time"
)

// Books are the other side of a connector, as somebody with access to them changes
// them: the hands of a stateful fake, or of a real server with a proxy before it.
// A change is visible to the connector when the method returns. Methods fail the
// test by themselves; one that these books cannot do answers false.
type Books interface {
	// Invoice posts an open invoice and gives its external id. Total is a decimal
	// in major units, of the account with this name, which is made when it is new.
	Invoice(t *testing.T, account, currency, total string) string
	// Credit posts a credit that is open, and gives its external id.
	Credit(t *testing.T, account, currency, total string) string
	// Change gives an open invoice another due date.
	Change(t *testing.T, invoice string)
	// Pay books a payment of an invoice by hand, without any reference of ours.
	Pay(t *testing.T, invoice, amount string)
	// Void cancels an open invoice, and Delete removes one without a trace.
	Void(t *testing.T, invoice string) bool
	Delete(t *testing.T, invoice string) bool
	// Open is what an invoice or a credit still has open, a decimal.
	Open(t *testing.T, id string) string
	// Booked is how often a reference of ours is booked on an invoice, and what these
	// bookings come to, a decimal in the invoice's currency. Late fees are no part of it.
	Booked(t *testing.T, invoice, reference string) (int, string)
	// Misbehave lets the next calls go wrong, one after the other. What was queued
	// before and not reached may stay before them, or be forgotten.
	Misbehave(t *testing.T, troubles ...Trouble) bool
	// Skew sets the books' clock off from ours.
	Skew(t *testing.T, by time.Duration) bool
	// Calls is how many calls came so far.
	Calls() int
}

// Trouble is what may happen to one call.
type Trouble string

// What goes wrong.
const (
	Fine        Trouble = "fine"
	Throttled   Trouble = "throttled"    // 429 with a Retry-After of a second; nothing is carried out
	Expired     Trouble = "expired"      // the access token is no longer taken; one that is renewed is
	Revoked     Trouble = "revoked"      // no token or password is taken, from now on
	LostAnswer  Trouble = "lost answer"  // it is carried out, and the connection breaks before the answer
	LostRequest Trouble = "lost request" // the connection breaks before anything is carried out
	Silent      Trouble = "silent"       // it is carried out, and no answer comes within any time-out
	Broken      Trouble = "broken"       // 500; nothing is carried out
	BrokenLate  Trouble = "broken late"  // 500 after it was carried out
	Nonsense    Trouble = "nonsense"     // 200 with a body that is not what it should be; it is carried out
	Cut         Trouble = "cut"          // the answer ends in the middle; it is carried out
)
