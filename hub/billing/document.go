package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// DocumentRecord is a paper as it came in.
type DocumentRecord struct {
	Name        string
	ContentType string
	Content     []byte
	Held        string // why it is held back; empty: it may be shown
	Ref         string // the books' own name for it, when its content stays there until it is wanted
}

// Document is a paper of an invoice, a credit or a case.
type Document struct {
	bun.BaseModel `bun:"table:documents,alias:d"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	VendorID      string    `bun:"vendor_id"`
	InvoiceID     string    `bun:"invoice_id,nullzero"`
	CreditID      string    `bun:"credit_id,nullzero"`
	CaseID        string    `bun:"case_id,nullzero"`
	Name          string    `bun:"name"`
	ContentType   string    `bun:"content_type"`
	Bytes         int       `bun:"bytes"`
	SHA256        string    `bun:"sha256"`
	Content       []byte    `bun:"content"`
	Held          string    `bun:"held"`
	CreatedAt     time.Time `bun:"created_at"`
	Ref           string    `bun:"ref"`
	ConnectionID  string    `bun:"connection_id,nullzero"`
}

// away says whether its content is in the vendor's books still.
func (d Document) away() bool { return d.Ref != "" && d.Bytes == 0 }

// MostDocumentBytes bounds one paper.
const MostDocumentBytes = 10 << 20

// shownTypes are the types that a browser may show; anything else is only
// offered for download, as bytes.
var shownTypes = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true, "text/plain": true, "text/csv": true,
	"application/xml": true, "text/xml": true}

func (r DocumentRecord) of(customerID, vendorID, invoiceID, creditID, connectionID string, now time.Time) Document {
	sum, kind := sha256.Sum256(r.Content), shownType(r.ContentType)
	if r.Ref != "" { // the same name is the same paper, and comes once
		sum = sha256.Sum256([]byte("ref:" + r.Ref))
	}
	content := r.Content
	if content == nil {
		content = []byte{}
	}
	return Document{ID: store.NewID(), CustomerID: customerID, VendorID: vendorID, InvoiceID: invoiceID, CreditID: creditID,
		Name: fileName(r.Name), ContentType: kind, Bytes: len(r.Content), SHA256: hex.EncodeToString(sum[:]), Content: content, Held: r.Held, Ref: r.Ref, ConnectionID: connectionID,
		CreatedAt: now}
}

func shownType(contentType string) string {
	kind := strings.ToLower(strings.TrimSpace(strings.SplitN(contentType, ";", 2)[0]))
	if !shownTypes[kind] {
		return "application/octet-stream"
	}
	return kind
}

func fileName(name string) string {
	name = party.PlainText(path.Base(strings.ReplaceAll(name, `\`, "/")), 120)
	if name == "" || name == "." || name == "/" {
		return "document"
	}
	return name
}

// AttachTx adds a case's file.
func (s *Service) AttachTx(ctx context.Context, tx bun.IDB, invoice Invoice, caseID string, record DocumentRecord) error {
	if len(record.Content) > MostDocumentBytes {
		return fault.At("file", "The file is larger than 10 MB.")
	}
	document := record.of(invoice.CustomerID, invoice.VendorID, "", "", "", s.Now().UTC())
	document.CaseID = caseID
	return insertDocuments(ctx, tx, []Document{document})
}

// Documents lists the papers of an invoice without their content.
func (s *Service) Documents(ctx context.Context, invoice Invoice) ([]Document, error) {
	return documentsOf(ctx, s.DB, "invoice_id", []string{invoice.ID})
}

// CaseDocuments lists the files of cases without their content.
func (s *Service) CaseDocuments(ctx context.Context, caseIDs []string) ([]Document, error) {
	return documentsOf(ctx, s.DB, "case_id", caseIDs)
}

// Document reads one paper with its content, if the viewer sees what it belongs
// to; a paper that is held back is fault.Forbidden with why.
func (s *Service) Document(ctx context.Context, viewer Viewer, documentID string) (Document, error) {
	if !store.ValidID(documentID) {
		return Document{}, notFound()
	}
	document, found, err := seenDocument(ctx, s.DB, viewer, documentID)
	return s.shown(ctx, document, found, err)
}

// VendorDocument reads one paper of a vendor.
func (s *Service) VendorDocument(ctx context.Context, vendorID, documentID string) (Document, error) {
	if !store.ValidID(documentID) {
		return Document{}, notFound()
	}
	var document Document
	var found bool
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		document, found, err = vendorDocument(ctx, tx, vendorID, documentID)
		return err
	})
	return s.shown(ctx, document, found, err)
}

func (s *Service) shown(ctx context.Context, document Document, found bool, err error) (Document, error) {
	if err == nil && found && document.away() {
		document, err = s.bring(ctx, document)
	}
	switch {
	case err != nil:
		return Document{}, err
	case !found:
		return Document{}, fault.New(fault.NotFound, "There is no such document, or it is not yours to see.")
	case document.Held != "":
		return Document{}, fault.New(fault.Forbidden, "This document is held back: %s", document.Held)
	}
	return document, nil
}

// bring fetches a paper from the vendor's books and keeps it.
func (s *Service) bring(ctx context.Context, document Document) (Document, error) {
	const patience = 20 * time.Second
	if s.Fetch == nil {
		return document, fault.New(fault.NotFound, "This document is in the vendor's books and cannot be fetched just now.")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	record, err := s.Fetch(ctx, document.ConnectionID, document.Ref)
	if err != nil {
		return document, err
	}
	if len(record.Content) == 0 || len(record.Content) > MostDocumentBytes {
		return document, fault.New(fault.NotFound, "The vendor's books give this document empty, or larger than 10 MB. Ask the vendor for it.")
	}
	document.Content, document.Bytes, document.ContentType, document.Held = record.Content, len(record.Content), shownType(record.ContentType), record.Held
	return document, keepContent(ctx, s.DB, document)
}
