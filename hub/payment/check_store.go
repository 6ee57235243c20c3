package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// rule is one statement that finds the rows that break it.
type rule struct{ words, query string }

// booked are the states in which a payment's money is in the ledger.
const booked = `('settled', 'refunded', 'charged_back')`

var moneyRules = []rule{
	{"payment %s: captured is not what its invoices got and what stayed unapplied", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN (SELECT payment_id, SUM(amount) AS amount FROM allocations GROUP BY payment_id) AS al ON al.payment_id = p.id
		WHERE p.status IN ` + booked + ` AND p.captured <> COALESCE(al.amount, 0) + p.unapplied ORDER BY 1 LIMIT ?`},
	{"payment %s: its shares do not add up to it", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN (SELECT payment_id, SUM(amount) AS amount, SUM(unapplied) AS unapplied FROM shares GROUP BY payment_id) AS s ON s.payment_id = p.id
		WHERE (p.status IN ` + booked + ` AND (p.captured <> COALESCE(s.amount, 0) OR p.unapplied <> COALESCE(s.unapplied, 0)))
			OR p.amount <> COALESCE(s.amount, 0) ORDER BY 1 LIMIT ?`},
	{"payment %s: a share of it stands in another currency or state", `SELECT DISTINCT CAST(p.id AS TEXT) AS id FROM payments AS p
		JOIN shares AS s ON s.payment_id = p.id WHERE s.currency <> p.currency OR (s.status <> p.status
			AND NOT (s.status IN ` + booked + ` AND p.status IN ` + booked + `)) ORDER BY 1 LIMIT ?`},
	{"share %s is not what its invoices got and what stayed unapplied", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT share_id, SUM(amount) AS amount FROM allocations GROUP BY share_id) AS al ON al.share_id = s.id
		WHERE s.status IN ` + booked + ` AND s.amount <> COALESCE(al.amount, 0) + s.unapplied ORDER BY 1 LIMIT ?`},
	{"share %s: its credits are not what was applied of them", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT payment_id, vendor_id, SUM(amount) AS amount FROM applications WHERE credit_id IS NOT NULL GROUP BY payment_id, vendor_id) AS ap
			ON ap.payment_id = s.payment_id AND ap.vendor_id = s.vendor_id
		WHERE s.status IN ` + booked + ` AND s.credit_amount <> COALESCE(ap.amount, 0) ORDER BY 1 LIMIT ?`},
	{"allocation %s was not applied to its invoice as it says", `SELECT CAST(al.id AS TEXT) AS id FROM allocations AS al
		LEFT JOIN applications AS ap ON ap.payment_id = al.payment_id AND ap.invoice_id = al.invoice_id AND ap.kind = 'money'
		WHERE ap.id IS NULL OR ap.amount <> al.amount - al.late_fee OR ap.vendor_id <> al.vendor_id ORDER BY 1 LIMIT ?`},
	{"application %s has no allocation of money behind it", `SELECT CAST(ap.id AS TEXT) AS id FROM applications AS ap
		LEFT JOIN allocations AS al ON al.payment_id = ap.payment_id AND al.invoice_id = ap.invoice_id
		WHERE ap.kind <> 'credit' AND al.id IS NULL ORDER BY 1 LIMIT ?`},
	{"share %s: its discounts and late fees are not what was applied", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT payment_id, vendor_id, SUM(amount) AS amount FROM applications WHERE kind = 'discount' GROUP BY payment_id, vendor_id) AS ap
			ON ap.payment_id = s.payment_id AND ap.vendor_id = s.vendor_id
		LEFT JOIN (SELECT share_id, SUM(late_fee) AS late_fee FROM allocations GROUP BY share_id) AS al ON al.share_id = s.id
		WHERE s.status IN ` + booked + ` AND (s.discount <> COALESCE(ap.amount, 0) OR s.late_fee <> COALESCE(al.late_fee, 0)) ORDER BY 1 LIMIT ?`},
	{"payment %s pays an invoice twice", `SELECT DISTINCT CAST(payment_id AS TEXT) AS id FROM allocations
		GROUP BY payment_id, invoice_id HAVING count(*) > 1 ORDER BY 1 LIMIT ?`},
	{"payment %s has not settled, and money of it was given out", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		WHERE p.status NOT IN ` + booked + ` AND (p.captured <> 0 OR p.unapplied <> 0
			OR EXISTS (SELECT 1 FROM allocations AS al WHERE al.payment_id = p.id)
			OR EXISTS (SELECT 1 FROM applications AS ap WHERE ap.payment_id = p.id)
			OR EXISTS (SELECT 1 FROM ledger_transactions AS t WHERE t.payment_id = p.id)) ORDER BY 1 LIMIT ?`},
	{"payment %s: the ledger did not book what was captured", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN (SELECT t.payment_id, SUM(e.amount) AS amount FROM ledger_transactions AS t JOIN ledger_entries AS e ON e.transaction_id = t.id
			WHERE t.kind IN ('settlement', 'late_fee') AND e.account = 'gateway' GROUP BY t.payment_id) AS l ON l.payment_id = p.id
		WHERE p.status IN ` + booked + ` AND p.captured <> COALESCE(l.amount, 0) ORDER BY 1 LIMIT ?`},
	{"share %s: the ledger did not book what its vendor gets", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT t.payment_id, e.account, SUM(e.amount) AS amount FROM ledger_transactions AS t JOIN ledger_entries AS e ON e.transaction_id = t.id
			WHERE t.kind IN ('settlement', 'late_fee') GROUP BY t.payment_id, e.account) AS l
			ON l.payment_id = s.payment_id AND l.account = 'vendor:' || CAST(s.vendor_id AS TEXT) || ':payable'
		WHERE s.status IN ` + booked + ` AND s.amount - s.unapplied <> -COALESCE(l.amount, 0) ORDER BY 1 LIMIT ?`},
	{"payment %s: the ledger did not book its fee", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN (SELECT t.payment_id, SUM(e.amount) AS amount FROM ledger_transactions AS t JOIN ledger_entries AS e ON e.transaction_id = t.id
			WHERE t.kind = 'fee' AND e.account = 'gateway' GROUP BY t.payment_id) AS l ON l.payment_id = p.id
		WHERE p.fee <> -COALESCE(l.amount, 0) ORDER BY 1 LIMIT ?`},
	{"share %s: what went back of it is not what its refunds and chargebacks say", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT share_id, SUM(amount) AS amount FROM refunds WHERE phase <> 'failed' GROUP BY share_id) AS r ON r.share_id = s.id
		LEFT JOIN (SELECT cs.share_id, SUM(cs.amount) AS amount FROM chargeback_shares AS cs JOIN chargebacks AS c ON c.id = cs.chargeback_id
			WHERE c.withdrawn GROUP BY cs.share_id) AS c ON c.share_id = s.id
		WHERE s.refunded <> COALESCE(r.amount, 0) OR s.charged_back <> COALESCE(c.amount, 0) ORDER BY 1 LIMIT ?`},
	{"payment %s gave back more than it took", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		JOIN (SELECT payment_id, SUM(amount) AS amount FROM refunds WHERE state = 'done' AND phase <> 'failed' GROUP BY payment_id) AS r ON r.payment_id = p.id
		WHERE r.amount > p.captured ORDER BY 1 LIMIT ?`},
	{"payment %s holds an invoice although it has ended", `SELECT DISTINCT CAST(p.id AS TEXT) AS id FROM payments AS p
		JOIN holds AS h ON h.payment_id = p.id AND h.lifted_at IS NULL WHERE p.status NOT IN ('pending', 'processing') ORDER BY 1 LIMIT ?`},
	{"payment %s is on its way and does not hold what it reserved", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN (SELECT payment_id, SUM(amount - late_fee + discount) AS amount FROM payment_lines GROUP BY payment_id) AS pl ON pl.payment_id = p.id
		LEFT JOIN (SELECT payment_id, SUM(amount) AS amount FROM holds WHERE lifted_at IS NULL GROUP BY payment_id) AS h ON h.payment_id = p.id
		WHERE p.status IN ('pending', 'processing') AND COALESCE(pl.amount, 0) <> COALESCE(h.amount, 0) ORDER BY 1 LIMIT ?`},
	{"credit %s: held is not the sum of the payments on their way", `SELECT CAST(c.id AS TEXT) AS id FROM credits AS c
		LEFT JOIN (SELECT pl.credit_id, SUM(pl.amount) AS amount FROM payment_lines AS pl JOIN payments AS p ON p.id = pl.payment_id
			WHERE pl.credit_id IS NOT NULL AND p.status IN ('pending', 'processing') GROUP BY pl.credit_id) AS h ON h.credit_id = c.id
		WHERE c.held <> COALESCE(h.amount, 0) ORDER BY 1 LIMIT ?`},
}

var transferRules = []rule{
	{"share %s has settled without exactly one transfer of its money", `SELECT CAST(s.id AS TEXT) AS id FROM shares AS s
		LEFT JOIN (SELECT payment_id, vendor_id, count(*) AS n, SUM(amount) AS amount FROM transfers WHERE kind = 'share' GROUP BY payment_id, vendor_id) AS t
			ON t.payment_id = s.payment_id AND t.vendor_id = s.vendor_id
		WHERE s.status IN ` + booked + ` AND (COALESCE(t.amount, 0) <> s.amount - s.processing_fee - s.hub_fee
			OR COALESCE(t.n, 0) <> CASE WHEN s.amount > s.processing_fee + s.hub_fee THEN 1 ELSE 0 END)
		ORDER BY 1 LIMIT ?`},
	{"transfer %s sends what is not its vendor's settled share", `SELECT CAST(t.id AS TEXT) AS id FROM transfers AS t
		LEFT JOIN shares AS s ON s.id = t.share_id WHERE s.id IS NULL OR s.status NOT IN ` + booked + ` OR s.payment_id <> t.payment_id
			OR s.vendor_id <> t.vendor_id OR s.currency <> t.currency OR t.netted > t.amount
			OR (t.kind = 'share' AND s.amount - s.processing_fee - s.hub_fee <> t.amount) ORDER BY 1 LIMIT ?`},
	{"transfer %s: what was taken back from it is not what its reversals say", `SELECT CAST(t.id AS TEXT) AS id FROM transfers AS t
		LEFT JOIN (SELECT transfer_id, SUM(amount) AS amount FROM reversals WHERE gateway_ref <> 'covered' GROUP BY transfer_id) AS r ON r.transfer_id = t.id
		WHERE t.reversed <> COALESCE(r.amount, 0) OR t.reversed > t.amount - t.netted ORDER BY 1 LIMIT ?`},
	{"transfer %s waits without a next attempt", `SELECT CAST(id AS TEXT) AS id FROM transfers
		WHERE (state IN ('pending', 'sending') AND next_attempt_at IS NULL) OR (state = 'sending' AND claimed_until IS NULL) ORDER BY 1 LIMIT ?`},
	{"transfer %s is done, and there is no trace of it at the gateway, or a next attempt", `SELECT CAST(id AS TEXT) AS id FROM transfers
		WHERE state = 'done' AND (gateway_ref = '' OR next_attempt_at IS NOT NULL) ORDER BY 1 LIMIT ?`},
	{"payment %s: the ledger did not book the transfers that are done", `SELECT CAST(COALESCE(t.payment_id, l.payment_id) AS TEXT) AS id FROM
		(SELECT payment_id, SUM(amount - netted) AS amount FROM transfers WHERE state = 'done' GROUP BY payment_id) AS t
		FULL OUTER JOIN (SELECT t.payment_id, SUM(e.amount) AS amount FROM ledger_transactions AS t JOIN ledger_entries AS e ON e.transaction_id = t.id
			WHERE t.kind = 'transfer' AND e.account = 'gateway' GROUP BY t.payment_id) AS l ON l.payment_id = t.payment_id
		WHERE COALESCE(t.amount, 0) <> -COALESCE(l.amount, 0) ORDER BY 1 LIMIT ?`},
	{"refund %s waits without a next attempt, or is done without a trace at the gateway", `SELECT CAST(id AS TEXT) AS id FROM refunds
		WHERE (state IN ('pending', 'sending', 'unknown') AND next_attempt_at IS NULL) OR (state = 'done' AND (gateway_ref = '' OR phase = '')) ORDER BY 1 LIMIT ?`},
	{"reversal %s waits without a next attempt, or is done without a trace at the gateway", `SELECT CAST(id AS TEXT) AS id FROM reversals
		WHERE (state IN ('pending', 'sending', 'unknown') AND next_attempt_at IS NULL) OR (state = 'done' AND gateway_ref = '') ORDER BY 1 LIMIT ?`},
	{"vendor and currency %s: the ledger's receivable is not what refunds and chargebacks say less what came back", `SELECT owner AS id FROM (
			SELECT CAST(vendor_id AS TEXT) || ' ' || currency AS owner, amount FROM refunds WHERE phase <> 'failed'
			UNION ALL SELECT CAST(cs.vendor_id AS TEXT) || ' ' || cs.currency, CASE WHEN c.withdrawn THEN cs.amount + cs.fee ELSE cs.fee END
				FROM chargeback_shares AS cs JOIN chargebacks AS c ON c.id = cs.chargeback_id
			UNION ALL SELECT CAST(vendor_id AS TEXT) || ' ' || currency, -amount FROM reversals WHERE state = 'done' AND gateway_ref <> 'covered'
			UNION ALL SELECT CAST(vendor_id AS TEXT) || ' ' || currency, -netted FROM transfers
			UNION ALL SELECT CAST(vendor_id AS TEXT) || ' ' || currency, amount FROM transfers WHERE kind = 'return'
			UNION ALL SELECT SUBSTR(account, 8, 36) || ' ' || currency, -amount FROM ledger_entries WHERE account LIKE 'vendor:%:receivable') AS owed
		GROUP BY owner HAVING SUM(amount) <> 0 ORDER BY 1 LIMIT ?`},
	{"currency %s: the ledger's gateway does not hold what was captured less what it kept, what was sent and what went back", `SELECT currency AS id FROM (
			SELECT currency, captured - fee AS amount FROM payments
			UNION ALL SELECT currency, -(amount - netted) FROM transfers WHERE state = 'done'
			UNION ALL SELECT currency, -amount FROM refunds WHERE state = 'done' AND phase <> 'failed'
			UNION ALL SELECT currency, amount FROM reversals WHERE state = 'done' AND gateway_ref <> 'covered'
			UNION ALL SELECT currency, CASE WHEN withdrawn THEN -(amount + fee) ELSE -fee END FROM chargebacks
			UNION ALL SELECT currency, -amount FROM ledger_entries WHERE account = 'gateway') AS moved
		GROUP BY currency HAVING SUM(amount) <> 0 ORDER BY 1 LIMIT ?`},
}

// Receipts came later than payments: what settled before the first of them has none.
var receiptRules = []rule{
	{"payment %s has settled and has no receipt", `SELECT CAST(p.id AS TEXT) AS id FROM payments AS p
		LEFT JOIN receipts AS r ON r.payment_id = p.id WHERE p.status IN ` + booked + ` AND r.id IS NULL
			AND p.settled_at >= (SELECT MIN(created_at) FROM receipts) ORDER BY 1 LIMIT ?`},
	{"receipt %s is of a payment without money, or of another customer's", `SELECT CAST(r.id AS TEXT) AS id FROM receipts AS r
		LEFT JOIN payments AS p ON p.id = r.payment_id WHERE p.id IS NULL OR p.status NOT IN ` + booked + ` OR p.customer_id <> r.customer_id ORDER BY 1 LIMIT ?`},
	{"receipt %s waits without a next attempt", `SELECT CAST(id AS TEXT) AS id FROM receipts
		WHERE state IN ('pending', 'sending') AND next_attempt_at IS NULL ORDER BY 1 LIMIT ?`},
}

var payoutRules = []rule{
	{"transfer %s stands in more than one payout", `SELECT CAST(transfer_id AS TEXT) AS id FROM payout_lines
		WHERE transfer_id IS NOT NULL AND kind = 'transfer' GROUP BY transfer_id HAVING count(*) > 1 ORDER BY 1 LIMIT ?`},
	{"payout line %s speaks of another vendor's money", `SELECT CAST(pl.id AS TEXT) AS id FROM payout_lines AS pl
		JOIN payouts AS po ON po.id = pl.payout_id LEFT JOIN transfers AS t ON t.id = pl.transfer_id
		WHERE po.vendor_id <> pl.vendor_id OR t.vendor_id <> pl.vendor_id ORDER BY 1 LIMIT ?`},
}

// check counts the rows of a table and collects what breaks the rules, each
// found by one statement, and so at one moment.
func check(ctx context.Context, db bun.IDB, table string, rules []rule) (int, []string, error) {
	n, err := db.NewSelect().TableExpr("?", bun.Ident(table)).Count(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("count %s: %w", table, err)
	}
	var broken []string
	for _, rule := range rules {
		var ids []string
		if err := db.NewRaw(rule.query, MostBroken).Scan(ctx, &ids); err != nil {
			return int(n), broken, fmt.Errorf("check "+rule.words+": %w", "…", err)
		}
		for _, id := range ids {
			broken = append(broken, fmt.Sprintf(rule.words, id))
		}
	}
	return int(n), broken, nil
}
