package payment_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// A settlement tells what it knows without reading it again: it must be what
// reading it gives.
func TestWhatVendorsAreToldIsWhatTheyRead(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		s.incentives(one, payment.Incentives{EarlyRate: 200, EarlyDays: 10})
		early := s.early(one, "C-1", "INV-9", 10_050, "")
		credits := []string{s.credit(one, "C-1", "CR-1", 300).ID, s.credit(one, "C-1", "CR-2", 50).ID, s.credit(two, "K-9", "CR-7", 4000).ID}
		selection := tick(a, b, early)
		selection.Credits = credits
		p := s.start(payer, selection)
		s.press(p, sandbox.Succeed)
		s.want(p.ID, payment.Settled)
		lines, discounts, used := 0, 0, 0
		for _, share := range s.shares(p.ID) {
			var data string
			s.must(s.DB.NewRaw(`SELECT data FROM events WHERE subject_id = ? AND type = 'payment.settled'`, share.ID).Scan(t.Context(), &data))
			var told payment.View
			s.must(json.Unmarshal([]byte(data), &told))
			read, err := s.VendorView(t.Context(), share.VendorID, share.ID)
			s.must(err)
			if !reflect.DeepEqual(told.Invoices, read.Invoices) || told.Discount != read.Discount || told.Credit != read.Credit {
				t.Errorf("told %+v\nread %+v", told, read)
			}
			lines += len(read.Invoices)
			for _, line := range read.Invoices {
				if line.Discount != "0.00" {
					discounts++
				}
				if line.Credit != nil {
					used++
				}
			}
		}
		if lines < 5 || discounts != 1 || used != 3 {
			t.Errorf("%d lines, %d with a discount, %d credits: this is no test of all kinds", lines, discounts, used)
		}
	})
}
