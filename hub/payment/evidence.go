package payment

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Submissions is a job table of this room.
const Submissions store.JobTable = "evidence_submissions"

// Bounds of what a vendor gives to one chargeback. Stripe takes four files and
// 4.5 MB for a chargeback; the hub's gateway keeps a margin.
const (
	MostEvidenceText   = 20_000  // characters
	MostEvidenceBytes  = 4 << 20 // all papers together
	MostEvidencePapers = 4
)

// Kinds of papers.
const (
	PaperReceipt       = "receipt"       // invoices, orders, proofs of delivery
	PaperCommunication = "communication" // mails and letters
)

// Evidence is what speaks for a vendor. It replaces what was given before: of
// the papers given before, those in Keep stay.
type Evidence struct {
	Text      string
	Documents []string // ids of papers of the disputed invoices
	Keep      []string // ids of papers that were given before
	Files     []EvidenceFile
	Mails     bool // a log of what was sent about these invoices
	Visits    bool // a log of the payer's sign-ins
}

// EvidencePaper is a paper that a vendor gave to its part of a chargeback.
type EvidencePaper struct {
	bun.BaseModel     `bun:"table:evidence_documents,alias:ed"`
	ID                string    `bun:"id,pk"`
	VendorID          string    `bun:"vendor_id"`
	ChargebackShareID string    `bun:"chargeback_share_id"`
	Kind              string    `bun:"kind"`
	Name              string    `bun:"name"`
	ContentType       string    `bun:"content_type"`
	Bytes             int       `bun:"bytes"`
	Content           []byte    `bun:"content"`
	CreatedAt         time.Time `bun:"created_at"`
}

// Submission is the one answer of the hub to a chargeback, made of its vendors'
// parts. From the moment that it exists no part changes any more.
type Submission struct {
	bun.BaseModel  `bun:"table:evidence_submissions,alias:es"`
	ID             string    `bun:"id,pk"`
	ChargebackID   string    `bun:"chargeback_id"`
	State          string    `bun:"state"`
	IdempotencyKey string    `bun:"idempotency_key"`
	KeyUsedAt      time.Time `bun:"key_used_at,nullzero"`
	Attempts       int       `bun:"attempts"`
	NextAttemptAt  time.Time `bun:"next_attempt_at,nullzero"`
	ClaimedUntil   time.Time `bun:"claimed_until,nullzero"`
	LastAnswer     string    `bun:"last_answer"`
	CreatedAt      time.Time `bun:"created_at"`
	UpdatedAt      time.Time `bun:"updated_at"`
}

// GiveEvidence keeps what speaks for a vendor. It leaves for the bank when every
// part is answered, or 24 hours before the deadline; until then it can be given
// anew. fault.Conflict when it is too late; other faults name the field: text,
// files.
func (s *Service) GiveEvidence(ctx context.Context, actor access.Actor, vendorID, partID string, evidence Evidence) error {
	text := party.PlainLines(evidence.Text, MostEvidenceText+1)
	if utf8.RuneCountInString(text) > MostEvidenceText {
		return fault.At("text", "Write at most 20,000 characters: the bank takes no more.")
	}
	files, err := s.checkedFiles(evidence.Files)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := s.lockAnswer(ctx, tx, vendorID, partID)
		if err != nil {
			return err
		}
		papers, err := s.choosePapers(ctx, tx, a.part(), evidence, files)
		if err != nil {
			return err
		}
		part := a.part()
		if err := s.chooseLogs(ctx, tx, part, evidence); err != nil {
			return err
		}
		if text == "" && len(papers) == 0 && part.MailLog == "" && part.AccessLog == "" {
			return fault.At("text", "Say something that speaks for you, or add a paper.")
		}
		part.Evidence, part.EvidenceBy, part.EvidenceAt, part.AcceptedAt = text, party.PlainText(actor.Name, 200), s.Now().UTC(), time.Time{}
		if err := s.keepAnswer(ctx, tx, a, actor, "chargeback.evidence_given", evidenceLog{len(text), paperNames(papers), evidence.Mails, evidence.Visits}); err != nil {
			return err
		}
		return s.submitWhenReady(ctx, tx, a)
	})
}

// evidenceLog is what the audit log keeps.
type evidenceLog struct {
	TextBytes int      `json:"text_bytes"`
	Papers    []string `json:"papers,omitempty"`
	Mails     bool     `json:"mails"`
	Visits    bool     `json:"visits"`
}

// AcceptChargeback says that a vendor does not contest its part. Again changes
// nothing; evidence that is given later, in time, takes it back.
func (s *Service) AcceptChargeback(ctx context.Context, actor access.Actor, vendorID, partID string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := s.lockAnswer(ctx, tx, vendorID, partID)
		if err != nil || !a.part().AcceptedAt.IsZero() {
			return err
		}
		a.part().AcceptedAt = s.Now().UTC()
		if err := s.keepAnswer(ctx, tx, a, actor, "chargeback.accepted", nil); err != nil {
			return err
		}
		return s.submitWhenReady(ctx, tx, a)
	})
}

// ConfirmChargebackBooked is the vendor's word that its books show what a
// chargeback opened again.
func (s *Service) ConfirmChargebackBooked(ctx context.Context, actor access.Actor, vendorID, partID string) error {
	part, err := s.VendorChargeback(ctx, vendorID, partID)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.Billing.ConfirmReopenedTx(ctx, tx, vendorID, part.Reference); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "chargeback.booked", SubjectKind: "chargeback", SubjectID: partID, VendorID: vendorID,
			CustomerID: part.CustomerID, After: struct {
				Reference string `json:"reference"`
			}{part.Reference}})
	})
}

// answer is a chargeback that can still be answered, locked, with the part that
// is being answered.
type answer struct {
	chargeback Chargeback
	parts      []ChargebackShare
	own        int
}

func (a answer) part() *ChargebackShare { return &a.parts[a.own] }

func noChargeback() error { return fault.New(fault.NotFound, "There is no such chargeback.") }

// lockAnswer locks a vendor's part and what it belongs to, in the order in which
// a message of the gateway does. fault.Conflict when nothing can be said any more.
func (s *Service) lockAnswer(ctx context.Context, tx bun.IDB, vendorID, partID string) (answer, error) {
	part, err := readPart(ctx, tx, vendorID, partID)
	if err != nil {
		return answer{}, err
	}
	if _, err := lockPayment(ctx, s.DB, tx, part.PaymentID); err != nil {
		return answer{}, err
	}
	a, err := lockWhole(ctx, s.DB, tx, part.ChargebackID)
	if err != nil {
		return answer{}, err
	}
	a.own = slices.IndexFunc(a.parts, func(p ChargebackShare) bool { return p.ID == partID })
	left, err := hasSubmission(ctx, tx, part.ChargebackID)
	switch {
	case err != nil:
		return answer{}, err
	case a.own < 0:
		return answer{}, noChargeback()
	case a.part().Over() || !a.chargeback.ClosedAt.IsZero():
		return answer{}, fault.New(fault.Conflict, "This chargeback is decided: nothing can be said to it any more.")
	case left || !a.chargeback.SubmittedAt.IsZero():
		return answer{}, fault.New(fault.Conflict, "The answer has left for the bank, and an answer is final.")
	case a.chargeback.late(s.Now()):
		return answer{}, fault.New(fault.Conflict, "The deadline has passed: the bank takes no answer any more.")
	}
	return a, nil
}

// late says whether the bank takes no answer any more.
func (c Chargeback) late(now time.Time) bool {
	return !c.EvidenceDueAt.IsZero() && !now.Before(c.EvidenceDueAt)
}

func (s *Service) keepAnswer(ctx context.Context, tx bun.IDB, a answer, actor access.Actor, action string, after any) error {
	part := a.part()
	part.UpdatedAt = s.Now().UTC()
	if err := updateAnswer(ctx, tx, *part); err != nil {
		return err
	}
	return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: action, SubjectKind: "chargeback", SubjectID: part.ID, VendorID: part.VendorID,
		CustomerID: part.CustomerID, After: after})
}

// checkedFiles names what was uploaded, by what it is and not by what its sender
// calls it.
func (s *Service) checkedFiles(files []EvidenceFile) ([]EvidencePaper, error) {
	var papers []EvidencePaper
	for _, file := range files {
		if len(file.Content) == 0 {
			return nil, fault.At("files", "A file is empty. Choose another.")
		}
		kind := paperType(file.Content)
		if kind == "" {
			return nil, fault.At("files", "Choose PDFs or pictures (PNG or JPEG): the bank takes nothing else.")
		}
		papers = append(papers, EvidencePaper{Kind: paperKind(file.Kind), Name: paperName(file.Name), ContentType: kind, Bytes: len(file.Content), Content: file.Content})
	}
	return papers, nil
}

func paperKind(kind string) string {
	if kind == PaperReceipt {
		return PaperReceipt
	}
	return PaperCommunication
}

func paperName(name string) string {
	name = party.PlainText(path.Base(strings.ReplaceAll(name, `\`, "/")), 100)
	if name == "" || name == "." || name == "/" {
		return "evidence"
	}
	return name
}

// paperType looks at the bytes; empty: the bank does not take it.
func paperType(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(content, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return ""
}

// choosePapers makes a part's papers what the vendor wants them to be.
func (s *Service) choosePapers(ctx context.Context, tx bun.IDB, part *ChargebackShare, evidence Evidence, fresh []EvidencePaper) ([]EvidencePaper, error) {
	papers, err := papersOf(ctx, tx, []string{part.ID}, false)
	if err != nil {
		return nil, err
	}
	papers = slices.DeleteFunc(papers, func(p EvidencePaper) bool { return !slices.Contains(evidence.Keep, p.ID) })
	kept := len(papers)
	offered, err := s.offeredTo(ctx, tx, *part, papers)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for _, paper := range offered {
		if slices.Contains(evidence.Documents, paper.ID) {
			wanted = append(wanted, paper.ID)
		}
	}
	chosen, err := copiedPapers(ctx, tx, part.VendorID, wanted)
	if err != nil {
		return nil, err
	}
	papers = append(append(papers, chosen...), fresh...)
	size := 0
	for i := range papers {
		size += papers[i].Bytes
		if i >= kept {
			papers[i].ID, papers[i].VendorID, papers[i].ChargebackShareID, papers[i].CreatedAt = store.NewID(), part.VendorID, part.ID, s.Now().UTC()
		}
	}
	if len(papers) > MostEvidencePapers {
		return nil, fault.At("files", "Choose at most %d papers: put several into one PDF.", MostEvidencePapers)
	}
	if size > MostEvidenceBytes {
		return nil, fault.At("files", "The papers come to more than 4 MB together, and the bank takes no more. Make them smaller or leave one out.")
	}
	return papers, replacePapers(ctx, tx, part.ID, papers[:kept], papers[kept:])
}

func paperNames(papers []EvidencePaper) []string {
	names := make([]string, len(papers))
	for i, paper := range papers {
		names[i] = paper.Name
	}
	return names
}

// OfferedPaper is a paper of a disputed invoice that a vendor can choose.
type OfferedPaper struct {
	ID          string `bun:"id"`
	Name        string `bun:"name"`
	ContentType string `bun:"content_type"`
	Bytes       int    `bun:"bytes"`
	Invoice     string `bun:"number"`
}

// offeredTo lists the papers of a part's invoices that the bank takes and that
// were not chosen yet.
func (s *Service) offeredTo(ctx context.Context, db bun.IDB, part ChargebackShare, given []EvidencePaper) ([]OfferedPaper, error) {
	invoiceIDs, err := contestedInvoices(ctx, db, part)
	if err != nil {
		return nil, err
	}
	offered, err := invoicePapers(ctx, db, part.VendorID, invoiceIDs)
	return slices.DeleteFunc(offered, func(paper OfferedPaper) bool {
		return slices.ContainsFunc(given, func(p EvidencePaper) bool { return p.Name == paper.Name && p.Bytes == paper.Bytes })
	}), err
}

// contestedInvoices are the invoices of a part's share.
func contestedInvoices(ctx context.Context, db bun.IDB, part ChargebackShare) ([]string, error) {
	lines, err := partLines(ctx, db, part)
	var ids []string
	for _, line := range lines {
		if !slices.Contains(ids, line.InvoiceID) {
			ids = append(ids, line.InvoiceID)
		}
	}
	return ids, err
}

func partLines(ctx context.Context, db bun.IDB, part ChargebackShare) ([]viewLine, error) {
	share, err := readShare(ctx, db, part.ShareID)
	if err != nil {
		return nil, err
	}
	return viewLines(ctx, db, []Share{share})
}
