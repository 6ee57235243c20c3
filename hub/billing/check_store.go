package billing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// rule is one statement that finds the rows that break it.
type rule struct{ words, query string }

// What is wrong with one row's own columns; the same for invoices and credits.
const (
	outOfBounds = ` WHERE open < 0 OR open > total OR source_open < 0 OR source_open > total OR held < 0 ORDER BY 1 LIMIT ?`
	wrongStatus = ` WHERE (status = 'open') <> (open > 0) ORDER BY 1 LIMIT ?`
)

var rules = []rule{
	{"invoice %s: what is open is not between nothing and its total", `SELECT CAST(id AS TEXT) AS id FROM invoices` + outOfBounds},
	{"credit %s: what is open is not between nothing and its total", `SELECT CAST(id AS TEXT) AS id FROM credits` + outOfBounds},
	{"invoice %s: what is open is not what the books say less what was applied here", `SELECT CAST(id AS TEXT) AS id FROM invoices
		WHERE open <> CASE WHEN status = 'void' OR source_open + reopened <= applied THEN 0
			WHEN source_open + reopened - applied > total THEN total ELSE source_open + reopened - applied END ORDER BY 1 LIMIT ?`},
	{"credit %s: what is open is not what the books say less what was applied here", `SELECT CAST(id AS TEXT) AS id FROM credits
		WHERE open <> CASE WHEN status <> 'void' AND source_open > applied THEN source_open - applied ELSE 0 END ORDER BY 1 LIMIT ?`},
	{"invoice %s: its status does not fit what is open", `SELECT CAST(id AS TEXT) AS id FROM invoices` + wrongStatus},
	{"credit %s: its status does not fit what is open", `SELECT CAST(id AS TEXT) AS id FROM credits` + wrongStatus},
	{"invoice %s: applied is not the sum of what the books do not show yet", `SELECT CAST(i.id AS TEXT) AS id FROM invoices AS i
		LEFT JOIN (SELECT invoice_id, SUM(amount) AS amount FROM applications WHERE reflected_at IS NULL AND voided_at IS NULL GROUP BY invoice_id) AS ap
			ON ap.invoice_id = i.id WHERE i.applied <> COALESCE(ap.amount, 0) ORDER BY 1 LIMIT ?`},
	{"credit %s: applied is not the sum of what the books do not show yet", `SELECT CAST(c.id AS TEXT) AS id FROM credits AS c
		LEFT JOIN (SELECT credit_id, SUM(amount) AS amount FROM applications WHERE credit_id IS NOT NULL AND credit_reflected_at IS NULL AND voided_at IS NULL
			GROUP BY credit_id) AS ap ON ap.credit_id = c.id WHERE c.applied <> COALESCE(ap.amount, 0) ORDER BY 1 LIMIT ?`},
	{"invoice %s: held is not the sum of the payments on their way", `SELECT CAST(i.id AS TEXT) AS id FROM invoices AS i
		LEFT JOIN (SELECT invoice_id, SUM(amount) AS amount FROM holds WHERE kind = 'payment' AND lifted_at IS NULL GROUP BY invoice_id) AS h
			ON h.invoice_id = i.id WHERE i.held <> COALESCE(h.amount, 0) ORDER BY 1 LIMIT ?`},
	{"application %s: it is in another currency, or of another vendor, than its invoice or credit", `SELECT CAST(ap.id AS TEXT) AS id FROM applications AS ap
		JOIN invoices AS i ON i.id = ap.invoice_id LEFT JOIN credits AS c ON c.id = ap.credit_id
		WHERE ap.vendor_id <> i.vendor_id OR (ap.reflected_at IS NULL AND ap.currency <> i.currency)
			OR ap.vendor_id <> c.vendor_id OR (ap.credit_reflected_at IS NULL AND ap.currency <> c.currency) ORDER BY 1 LIMIT ?`},
}

func (r rule) broken(ctx context.Context, db bun.IDB) ([]string, error) {
	var ids []string
	if err := db.NewRaw(r.query, MostBroken).Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("check "+r.words+": %w", "…", err)
	}
	for i, id := range ids {
		ids[i] = fmt.Sprintf(r.words, id)
	}
	return ids, nil
}

func countChecked(ctx context.Context, db bun.IDB) (int, error) {
	n := 0
	err := db.NewRaw(`SELECT (SELECT count(*) FROM invoices) + (SELECT count(*) FROM credits)`).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("count invoices: %w", err)
	}
	return n, nil
}
