package payment

import "context"

// CheckSchedules holds that each planned payment that started has exactly one
// payment, which takes and pays no more than was promised; that one that ended without is
// never charged; and that the invoices are held as long as it waits, and no
// longer. It counts planned payments.
func (s *Service) CheckSchedules(ctx context.Context) (int, []string, error) {
	return check(ctx, s.DB, "scheduled_payments", scheduleRules)
}

var scheduleRules = []rule{
	{"scheduled payment %s has started without exactly one payment by a kept method", `SELECT CAST(sp.id AS TEXT) AS id FROM scheduled_payments AS sp
		LEFT JOIN payments AS p ON p.id = sp.payment_id AND p.off_session AND p.saved_method_id = sp.method_id AND p.contact_id = sp.contact_id
		WHERE sp.state = 'started' AND p.id IS NULL ORDER BY 1 LIMIT ?`},
	{"payment %s belongs to more than one scheduled payment", `SELECT CAST(payment_id AS TEXT) AS id FROM scheduled_payments
		WHERE payment_id IS NOT NULL GROUP BY payment_id HAVING count(*) > 1 ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s was charged although it was cancelled, waits, or had nothing left", `SELECT CAST(id AS TEXT) AS id FROM scheduled_payments
		WHERE state IN ('scheduled', 'starting', 'cancelled', 'nothing_left') AND payment_id IS NOT NULL ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s took more than was promised", `SELECT DISTINCT CAST(sp.id AS TEXT) AS id FROM scheduled_payments AS sp
		JOIN payments AS p ON p.id = sp.payment_id JOIN payment_lines AS pl ON pl.payment_id = p.id
		LEFT JOIN scheduled_lines AS sl ON sl.schedule_id = sp.id AND sl.invoice_id = pl.invoice_id
		WHERE p.amount > sp.amount OR p.currency <> sp.currency OR sl.id IS NULL OR pl.amount > sl.amount
			OR pl.amount + pl.discount - pl.late_fee > sl.pays ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s is not the sum of what it promises", `SELECT CAST(sp.id AS TEXT) AS id FROM scheduled_payments AS sp
		LEFT JOIN (SELECT schedule_id, SUM(amount) AS amount FROM scheduled_lines GROUP BY schedule_id) AS sl ON sl.schedule_id = sp.id
		WHERE sp.amount <> COALESCE(sl.amount, 0) ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s waits and does not hold an invoice of its own", `SELECT DISTINCT CAST(sp.id AS TEXT) AS id FROM scheduled_payments AS sp
		JOIN scheduled_lines AS sl ON sl.schedule_id = sp.id
		LEFT JOIN holds AS h ON h.schedule_id = sp.id AND h.invoice_id = sl.invoice_id AND h.kind = 'scheduled' AND h.lifted_at IS NULL
		WHERE sp.state IN ('scheduled', 'starting') AND h.id IS NULL ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s holds an invoice although it does not wait any more", `SELECT DISTINCT CAST(h.schedule_id AS TEXT) AS id FROM holds AS h
		LEFT JOIN scheduled_payments AS sp ON sp.id = h.schedule_id
		WHERE h.kind = 'scheduled' AND h.lifted_at IS NULL AND (sp.id IS NULL OR sp.state NOT IN ('scheduled', 'starting')) ORDER BY 1 LIMIT ?`},
	{"scheduled payment %s waits without a next attempt, or has ended with one", `SELECT CAST(id AS TEXT) AS id FROM scheduled_payments
		WHERE (state IN ('scheduled', 'starting')) <> (next_attempt_at IS NOT NULL) OR (state = 'starting') <> (claimed_until IS NOT NULL) ORDER BY 1 LIMIT ?`},
	{"payment %s is charged without a page, and with no method", `SELECT CAST(id AS TEXT) AS id FROM payments
		WHERE off_session <> (saved_method_id IS NOT NULL) ORDER BY 1 LIMIT ?`},
}
