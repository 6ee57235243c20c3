package payment

import (
	"context"
	"maps"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// MostIncentiveDays bounds every number of days of an incentive.
const MostIncentiveDays = 365

// Incentives reads a vendor's own; the zero value where it has set none.
func (s *Service) Incentives(ctx context.Context, vendorID string) (Incentives, error) {
	var in Incentives
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		in, err = ownIncentives(ctx, tx, vendorID)
		return err
	})
	return in, err
}

func ownIncentives(ctx context.Context, tx bun.IDB, vendorID string) (Incentives, error) {
	found, err := readIncentives(ctx, tx, []string{vendorID})
	in := found[vendorID].Incentives
	in.VendorID = vendorID
	return in, err
}

// SetIncentivesTx sets a vendor's incentives and returns them before and after,
// for the audit log. They hold from the next quote on; a checkout that has begun
// keeps what its payer saw. Faults name the field.
func (s *Service) SetIncentivesTx(ctx context.Context, tx bun.IDB, vendorID string, in Incentives) (before, after Incentives, err error) {
	in.VendorID, in.UpdatedAt = vendorID, s.Now().UTC()
	if err := in.Check(); err != nil {
		return Incentives{}, Incentives{}, err
	}
	if before, err = ownIncentives(ctx, tx, vendorID); err != nil {
		return Incentives{}, Incentives{}, err
	}
	return before, in, putIncentives(ctx, tx, in)
}

// Check refuses what cannot be meant; the fault names the fields.
func (in Incentives) Check() error {
	problems := &fault.Error{Code: fault.Invalid, Message: "Some of these cannot be saved as written."}
	refuse := func(broken bool, field, message string) {
		if broken {
			problems.Problems = append(problems.Problems, fault.Problem{Pointer: field, Message: message})
		}
	}
	tooMuch := func(rate money.Rate) bool { return rate < 0 || rate > money.MostDiscount }
	wrongDays := func(days int) bool { return days < 0 || days > MostIncentiveDays }
	most := "Give at most " + money.MostDiscount.String() + "."
	refuse(tooMuch(in.EarlyRate), "early_rate", most)
	refuse(wrongDays(in.EarlyDays), "early_days", "Give a number of days from 1 to 365.")
	refuse(in.EarlyRate > 0 && in.EarlyDays == 0, "early_days", "Say within how many days of the invoice's date it has to be paid.")
	refuse(in.EarlyRate == 0 && in.EarlyDays > 0, "early_rate", "Say how much you take off, or leave the days empty.")
	refuse(tooMuch(in.DebitRate), "debit_rate", most)
	refuse(in.DebitRate == 0 && len(in.DebitMost) > 0, "debit_rate", "Say how much you take off, or leave the bound empty.")
	refuse(tooMuch(in.LateRate), "late_rate", most)
	refuse(wrongDays(in.LateDays), "late_days", "Give a number of days from 1 to 365.")
	refuse(in.takesFees() && in.LateDays == 0, "late_days", "Say how many days after the due date the fee begins; 1 is the day after.")
	refuse(!in.takesFees() && (in.LateDays > 0 || len(in.LateMost) > 0 || in.WaivedBy != "" || in.WaivedDays > 0), "late_rate", "Say how much the fee is, or leave the rest empty.")
	for currency, fixed := range in.LateFixed {
		bound, bounded := in.LateMost[currency]
		refuse(bounded && fixed > bound, "late_most", "The fixed fee in "+string(currency)+" is more than the most that you take.")
	}
	refuse(wrongDays(in.WaivedDays), "waived_days", "Give a number of days up to 365.")
	if len(problems.Problems) > 0 {
		return problems
	}
	return nil
}

// Same says whether two settings come to the same.
func (in Incentives) Same(other Incentives) bool {
	return in.EarlyRate == other.EarlyRate && in.EarlyDays == other.EarlyDays && in.FromTerms == other.FromTerms &&
		in.DebitRate == other.DebitRate && maps.Equal(in.DebitMost, other.DebitMost) &&
		in.LateRate == other.LateRate && maps.Equal(in.LateFixed, other.LateFixed) && maps.Equal(in.LateMost, other.LateMost) &&
		in.LateDays == other.LateDays && in.WaivedBy == other.WaivedBy && in.WaivedDays == other.WaivedDays
}

// IncentiveLog is what the audit log keeps of them.
type IncentiveLog struct {
	EarlyPercent string        `json:"early_percent"`
	EarlyDays    int           `json:"early_days"`
	FromTerms    bool          `json:"from_terms"`
	DebitPercent string        `json:"bank_debit_percent"`
	DebitMost    money.Amounts `json:"bank_debit_most"`
	LatePercent  string        `json:"late_fee_percent"`
	LateFixed    money.Amounts `json:"late_fee_fixed"`
	LateMost     money.Amounts `json:"late_fee_most"`
	LateDays     int           `json:"late_fee_days"`
	WaivedBy     money.Date    `json:"waived_by"`
	WaivedDays   int           `json:"waived_days"`
}

// Log is what the audit log keeps.
func (in Incentives) Log() IncentiveLog {
	return IncentiveLog{EarlyPercent: in.EarlyRate.Percent(), EarlyDays: in.EarlyDays, FromTerms: in.FromTerms, DebitPercent: in.DebitRate.Percent(), DebitMost: in.DebitMost,
		LatePercent: in.LateRate.Percent(), LateFixed: in.LateFixed, LateMost: in.LateMost, LateDays: in.LateDays, WaivedBy: in.WaivedBy, WaivedDays: in.WaivedDays}
}
