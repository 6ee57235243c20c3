package xero

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

func TestPapers(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	credit := w.fake.AddCredit(xerofake.CreditNote, "Acme", money.New(3000, "EUR"))
	over := w.fake.AddCredit(xerofake.Overpayment, "Acme", money.New(3000, "EUR"))
	for _, ref := range []string{"invoice/" + invoice + "/pdf", "credit/" + credit + "/pdf"} {
		paper, err := w.client.Fetch(t.Context(), ref)
		if err != nil || paper.ContentType != "application/pdf" || !bytes.HasPrefix(paper.Content, []byte("%PDF-")) || paper.Held != "" {
			t.Errorf("%s: %+v, %v", ref, paper, err)
		}
	}
	for _, ref := range []string{"", "invoice/x/pdf", "invoice/" + credit + "/pdf", "credit/" + over + "/pdf", "invoice/" + invoice + "/else", "bill/" + invoice + "/pdf", "invoice/" + invoice + "/attachments"} {
		if _, err := w.client.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v, want that it is gone", ref, err)
		}
	}
	m := newMirror()
	m.pull(t, w.client, func() error { return nil })
	if documents := m.credits["overpayment/"+over].Documents; documents != nil {
		t.Errorf("an overpayment has papers: %+v", documents)
	}
}

func TestAttachments(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	ref := "invoice/" + invoice + "/attachments"
	attach := func(name, kind string, online bool, content string) {
		if err := w.fake.Attach(invoice, name, kind, online, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	attach("internal.txt", "text/plain", false, "not for the customer")
	if _, err := w.client.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
		t.Errorf("what is not shown online: %v", err)
	}
	attach("../photo.png", "image/png", true, "png")
	if paper, err := w.client.Fetch(t.Context(), ref); err != nil || paper.Name != "photo.png" || paper.ContentType != "image/png" || string(paper.Content) != "png" {
		t.Errorf("%+v, %v", paper, err)
	}
	attach("plan.txt", "no type", true, `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-`+`STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)
	paper, err := w.client.Fetch(t.Context(), ref)
	if err != nil || paper.ContentType != "application/zip" || paper.Held == "" {
		t.Fatalf("%+v, %v", paper, err)
	}
	files, err := zip.NewReader(bytes.NewReader(paper.Content), int64(len(paper.Content)))
	if err != nil || len(files.File) != 2 || files.File[0].Name != "1 photo.png" {
		t.Fatalf("%+v, %v", files, err)
	}
	file, err := files.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(file); err != nil || string(content) != "png" {
		t.Errorf("%q, %v", content, err)
	}
}
