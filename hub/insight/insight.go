// Package insight counts what happened: how fast vendors answer, how old what
// they are owed is, how often their invoices are right, and whether promises to
// pay are kept. It only reads.
package insight

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance.
type Service struct {
	DB  *store.DB
	Now func() time.Time
}

// Window is how far back every figure but aging looks.
const Window = 90 * 24 * time.Hour

// FewestAnswers is how many answers it takes before anything is said of a vendor.
const FewestAnswers = 3

func (s *Service) since() time.Time { return s.Now().UTC().Add(-Window) }

// ResponseTime is how long a vendor usually takes to answer for the first time.
type ResponseTime struct {
	Median  time.Duration
	Answers int // first answers within Window
}

// Words say it as a part of a sentence: "usually answers within 4 hours". They
// round up, so that they promise no more than what was seen.
func (r ResponseTime) Words() string {
	for _, hours := range []int{1, 2, 4, 8} {
		if r.Median <= time.Duration(hours)*time.Hour {
			if hours == 1 {
				return "usually answers within an hour"
			}
			return fmt.Sprintf("usually answers within %d hours", hours)
		}
	}
	const day = 24 * time.Hour
	days := int((r.Median + day - 1) / day)
	switch {
	case days == 1:
		return "usually answers within a day"
	case days <= 7:
		return fmt.Sprintf("usually answers within %d days", days)
	}
	return "usually takes more than a week to answer"
}

// MostVendors bounds one call of ResponseTimes.
const MostVendors = 500

// ResponseTimes are the medians of the first answers to the questions, disputes
// and plans of the last Window, for each vendor with at least FewestAnswers;
// the others are missing. What waits for more than a week without an answer
// counts as a wait until now, so that silence does not look like speed.
func (s *Service) ResponseTimes(ctx context.Context, vendorIDs []string) (map[string]ResponseTime, error) {
	if len(vendorIDs) > MostVendors {
		vendorIDs = vendorIDs[:MostVendors]
	}
	return responseTimes(ctx, s.DB, vendorIDs, s.since(), s.Now().UTC())
}

// Aging is what is open in one currency by how long it is overdue, in minor
// units. What has no due date is current.
type Aging struct {
	Currency money.Currency `bun:"currency"`
	Invoices int            `bun:"invoices"`
	Current  int64          `bun:"current_open"`
	Days30   int64          `bun:"days_30"` // 1–30 days overdue
	Days60   int64          `bun:"days_60"` // 31–60
	Days90   int64          `bun:"days_90"` // 61–90
	Older    int64          `bun:"older"`   // more than 90
	Total    int64          `bun:"total"`
}

// Aging sums a vendor's open invoices per currency, as of a day.
func (s *Service) Aging(ctx context.Context, vendorID string, today money.Date) ([]Aging, error) {
	var list []Aging
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, err = aging(ctx, tx, vendorID, today)
		return err
	})
	return list, err
}

// Accuracy is how often a vendor's invoices were right: of the invoices that
// came in within Window, how many were disputed (withdrawn disputes aside), and
// how many of them rightly, wholly or in part, as the vendor itself said.
type Accuracy struct {
	Invoices int `bun:"invoices"`
	Disputed int `bun:"disputed"`
	Accepted int `bun:"accepted"`
}

// Accountability is what became of the promises of a vendor's customers within
// Window. Kept and broken ones are judged by whether the invoice was paid when
// the day was over, or by the vendor.
type Accountability struct {
	Promises int `bun:"promises"` // withdrawn ones aside
	Kept     int `bun:"kept"`
	Broken   int `bun:"broken"`
}

// PerMille is a share in thousandths, rounded down; 0 of nothing is 0.
func PerMille(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return part * 1000 / whole
}

// Accuracy counts one vendor's invoices and disputes.
func (s *Service) Accuracy(ctx context.Context, vendorID string) (Accuracy, error) {
	var counted Accuracy
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		counted, err = accuracy(ctx, tx, vendorID, s.since())
		return err
	})
	return counted, err
}

// Accountability counts the promises made to one vendor.
func (s *Service) Accountability(ctx context.Context, vendorID string) (Accountability, error) {
	var counted Accountability
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		counted, err = accountability(ctx, tx, vendorID, s.since())
		return err
	})
	return counted, err
}
