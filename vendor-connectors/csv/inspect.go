package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv/workbook"
)

// Inspect reads a file once and proposes how to read it. What it does not
// prove stands in Questions. Errors: *FormatError for a file that cannot be
// read, ErrOptions for options that cannot be used.
func Inspect(ctx context.Context, r io.Reader, options Options) (Proposal, error) {
	if err := options.check(); err != nil {
		return Proposal{}, err
	}
	s, err := newSource(ctx, r, options.Sheet)
	if err != nil {
		return Proposal{}, err
	}
	defer s.done()
	p, err := makePlan(s, options)
	if err != nil {
		return Proposal{}, err
	}
	return p.proposal, nil
}

// plan is a Proposal with what reading needs besides.
type plan struct {
	proposal   Proposal
	delimiter  string
	merges     []workbook.Merge
	options    Options
	at         map[string]int // field → column
	dates      map[int]*dateEvidence
	dot, comma string // amounts that prove a decimal mark
	unclear    string // an amount that can be read both ways
	inAmounts  map[string]bool
	bracket    string // currency in an amount's header
}

const (
	headBytes  = 64 << 10
	maxSamples = 4
)

func makePlan(s *source, options Options) (*plan, error) {
	p := &plan{options: options, at: map[string]int{}, dates: map[int]*dateEvidence{}, inAmounts: map[string]bool{}}
	p.proposal.Encoding, p.proposal.Sheet, p.proposal.Sheets, p.merges = s.encoding, s.sheet, s.sheets, s.merges
	if s.sheet != "" {
		p.options.Delimiter = sheetDelimiter
	}
	head, err := readHead(s)
	if err != nil {
		return nil, err
	}
	header, err := p.findHeader(head)
	if err != nil {
		return nil, err
	}
	if err := p.mapColumns(header); err != nil {
		return nil, err
	}
	if err := p.study(s); err != nil {
		return nil, err
	}
	p.settleDue()
	p.ask()
	return p, nil
}

// readHead answers whole lines from the beginning of the text.
func readHead(s *source) ([]byte, error) {
	text, err := s.open()
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(text, headBytes))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if last := bytes.LastIndexByte(head, '\n'); len(head) == headBytes && last > 0 {
		head = head[:last+1]
	}
	return head, nil
}

// findHeader tries every delimiter on the beginning of the file: the one under
// which most columns of some row are known wins; of equals, the one that
// splits the rows most evenly.
func (p *plan) findHeader(head []byte) ([]string, error) {
	choices := delimiters
	if p.options.Delimiter != "" {
		choices = []string{p.options.Delimiter}
	} else if isSeparatorLine(head) && strings.Contains(strings.Join(delimiters, ""), string(head[4])) {
		choices = []string{string(head[4])}
	}
	dictionary := meanings()
	var header []string
	bestKnown, bestEven := 0, -1
	for _, delimiter := range choices {
		rows := newRows(bytes.NewReader(head), delimiter)
		rows.covering.waiting = p.merges
		found, line, known, even := scoreRows(rows, dictionary, p.options.Mapping)
		if known > bestKnown || (known == bestKnown && known > 0 && even > bestEven) {
			header, bestKnown, bestEven = found, known, even
			p.delimiter, p.proposal.HeaderLine = delimiter, line
		}
	}
	if bestKnown < 2 {
		return nil, p.noHeader(head)
	}
	if p.proposal.Sheet == "" {
		p.proposal.Delimiter = p.delimiter
	}
	if len(header) > MaxColumns {
		return nil, &FormatError{Line: p.proposal.HeaderLine, Column: 1, Message: fmt.Sprintf("%d columns, more than the %d that are accepted", len(header), MaxColumns)}
	}
	return header, nil
}

// noHeader prefers to say where the file is malformed, if that is why.
func (p *plan) noHeader(head []byte) error {
	delimiter := ","
	if p.options.Delimiter != "" {
		delimiter = p.options.Delimiter
	}
	rows := newRows(bytes.NewReader(head), delimiter)
	for range maxTitles {
		var broken *FormatError
		if _, err := rows.next(); errors.As(err, &broken) {
			return broken
		} else if err != nil {
			break
		}
	}
	return &AmbiguousError{Option: "Mapping", Reason: fmt.Sprintf("no header row was found in the first %d rows; "+
		"write one such as: number, account, customer, issued, due, currency, total, open; or map your columns", maxTitles)}
}

// scoreRows finds the best header row and counts how many of the rows after it
// have as many cells.
func scoreRows(rows *rowReader, dictionary map[string][]spelling, mapping map[string]string) (header []string, line, known, even int) {
	for i := 0; i < maxTitles+50; i++ {
		row, err := rows.next()
		if err != nil {
			return header, line, known, even
		}
		if i < maxTitles {
			if score := recognised(dictionary, row, mapping); score > known {
				header, line, known, even = append([]string{}, row...), rows.line, score, 0
				continue
			}
		}
		if len(row) == len(header) {
			even++
		}
	}
	return header, line, known, even
}

func (p *plan) mapColumns(header []string) error {
	for i := range header {
		header[i] = strings.TrimSpace(strings.TrimPrefix(bare(header[i]), "\ufeff"))
	}
	fieldOf, why, missing := assign(header, p.options.Mapping)
	if len(missing) > 0 {
		return fmt.Errorf("%w: no column of its own for %q; the columns are: %s", ErrOptions, missing[0], clipList(header))
	}
	for i, name := range header {
		p.proposal.Columns = append(p.proposal.Columns, Column{Header: name, Field: fieldOf[i], Why: why[i]})
		if fieldOf[i] != "" {
			p.at[fieldOf[i]] = i
		}
	}
	for _, field := range []string{FieldOpen, FieldTotal} {
		if at, ok := p.at[field]; ok && p.bracket == "" {
			_, inside := squeezings(header[at])
			if n, err := takeApart("1 " + inside); err == nil && inside != "" && !severalSigns[n.currency] {
				p.bracket = n.currency
			}
		}
	}
	return nil
}

func clipList(header []string) string {
	if len(header) > 20 {
		header = append(append([]string{}, header[:20]...), "…")
	}
	return strings.Join(header, ", ")
}

// study reads every row for samples and for what the columns prove.
func (p *plan) study(s *source) error {
	rows, err := p.rows(s)
	if err != nil {
		return err
	}
	for _, field := range []string{FieldIssuedOn, FieldDueOn} {
		if at, ok := p.at[field]; ok {
			p.dates[at] = &dateEvidence{}
		}
	}
	dueGuess := p.bareDue()
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if blank(row) {
			continue
		}
		p.proposal.Rows++
		p.studyRow(row, dueGuess)
	}
}

// bareDue finds a column that is headed "Due" alone, which is a date in some
// exports and an amount in others; -1 when there is none to decide.
func (p *plan) bareDue() int {
	for i, column := range p.proposal.Columns {
		if form := squeeze(column.Header); column.Field == "" && column.Why != "as you set it" && (form == "due" || form == "outstandingdue") {
			p.dates[i] = &dateEvidence{}
			return i
		}
	}
	return -1
}

func (p *plan) studyRow(row []string, dueGuess int) {
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		if cell == "" || i >= len(p.proposal.Columns) || len(cell) > MaxCell {
			continue
		}
		column := &p.proposal.Columns[i]
		if len(column.Samples) < maxSamples {
			column.Samples = append(column.Samples, strings.Clone(clip(bare(cell))))
		}
		if evidence := p.dates[i]; evidence != nil {
			evidence.look(strings.Clone(clip(bare(cell))))
		}
		if column.Field == FieldTotal || column.Field == FieldOpen || column.Field == FieldPaid || i == dueGuess {
			p.studyAmount(cell)
		}
	}
}

func (p *plan) studyAmount(cell string) {
	n, err := takeApart(cell)
	if err != nil {
		return
	}
	if n.currency != "" && len(p.inAmounts) < 10 {
		p.inAmounts[n.currency] = true
	}
	if n.exact {
		return
	}
	switch markEvidence(n.body) {
	case ".":
		p.dot = strings.Clone(clip(cell))
	case ",":
		p.comma = strings.Clone(clip(cell))
	case "?":
		p.unclear = strings.Clone(clip(cell))
	}
}

// settleDue gives a column headed "Due" its meaning by what it holds.
func (p *plan) settleDue() {
	for i := range p.proposal.Columns {
		column := &p.proposal.Columns[i]
		if p.dates[i] == nil || column.Field != "" || len(column.Samples) == 0 {
			continue
		}
		field := FieldDueOn
		for _, sample := range column.Samples {
			if _, err := takeDate(sample); err != nil {
				field = FieldOpen
			}
		}
		if _, taken := p.at[field]; !taken {
			p.at[field], column.Field, column.Why = i, field, "the header is “Due”, and the values are those of "+field
		}
	}
}

// ask settles the decimal mark, date orders and currency, or notes a question.
func (p *plan) ask() {
	p.askNeeded()
	p.askDecimal()
	for i := range p.proposal.Columns {
		column := &p.proposal.Columns[i]
		if evidence := p.dates[i]; evidence == nil || (column.Field != FieldIssuedOn && column.Field != FieldDueOn) {
			continue
		}
		if p.options.DateOrder != "" {
			column.DateOrder = p.options.DateOrder
			continue
		}
		order, question := p.dates[i].order(column.Header)
		column.DateOrder = order
		p.question(question)
	}
	p.askCurrency()
}

func (p *plan) question(q *AmbiguousError) {
	if q != nil {
		p.proposal.Questions = append(p.proposal.Questions, q)
	}
}

func (p *plan) has(field string) bool {
	_, ok := p.at[field]
	return ok
}

func (p *plan) askNeeded() {
	headers := make([]string, len(p.proposal.Columns))
	for i, column := range p.proposal.Columns {
		headers[i] = column.Header
	}
	need := func(what string, ok bool) {
		if !ok {
			p.question(&AmbiguousError{Option: "Mapping", Reason: fmt.Sprintf("no column is the %s; map one of: %s", what, clipList(headers))})
		}
	}
	need("invoice number", p.has(FieldNumber) || p.has(FieldExternalID))
	need("customer (account or account_name)", p.has(FieldAccount) || p.has(FieldAccountName))
	need("amount (total or open)", p.has(FieldTotal) || p.has(FieldOpen))
}

func (p *plan) askDecimal() {
	mark := p.options.Decimal
	switch {
	case mark != "":
	case p.dot != "" && p.comma != "":
		p.question(&AmbiguousError{Option: "Decimal", Reason: fmt.Sprintf("%q and %q have different decimal marks; set the decimal mark to . or , and mend the others", p.dot, p.comma)})
	case p.dot != "":
		mark = "."
	case p.comma != "":
		mark = ","
	case p.unclear != "":
		p.question(&AmbiguousError{Option: "Decimal", Reason: fmt.Sprintf("%q can be read in two ways, and no other amount decides it; set the decimal mark to . or ,", p.unclear)})
	}
	p.proposal.Decimal = mark
}

func (p *plan) askCurrency() {
	switch code, err := money.ParseCurrency(p.options.Currency); {
	case err == nil && code != "":
		p.proposal.Currency = string(code)
	case p.bracket != "":
		p.proposal.Currency = p.bracket
	case len(p.inAmounts) == 1:
		for code := range p.inAmounts {
			if severalSigns[code] && !p.has(FieldCurrency) {
				p.question(&AmbiguousError{Option: "Currency", Reason: fmt.Sprintf("the sign %q stands for several currencies; set the currency", code)})
			} else if !severalSigns[code] {
				p.proposal.Currency = code
			}
		}
	case !p.has(FieldCurrency) && len(p.inAmounts) == 0 && p.proposal.Rows > 0:
		p.question(&AmbiguousError{Option: "Currency", Reason: "no column and no amount names the currency; set it"})
	}
}

// rows begins a pass over the rows below the header.
func (p *plan) rows(s *source) (*rowReader, error) {
	text, err := s.open()
	if err != nil {
		return nil, err
	}
	rows := newRows(text, p.delimiter)
	rows.covering.waiting = p.merges
	for rows.line < p.proposal.HeaderLine {
		if _, err := rows.next(); err != nil {
			return nil, err
		}
	}
	rows.covering.skip = p.countsOnce
	return rows, nil
}
