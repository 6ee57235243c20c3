package statement_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/portal/statement"
)

func sample(lines int) statement.Statement {
	eur := func(minor int64) money.Amount { return money.New(minor, "EUR") }
	part := statement.Part{Total: statement.Total{Open: eur(int64(lines) * 12345), Overdue: eur(12345), Credits: eur(4000)},
		Credits: []statement.Line{{Number: "CN-1", Total: eur(4000), Open: eur(4000)}}}
	for i := range lines {
		part.Lines = append(part.Lines, statement.Line{Number: fmt.Sprintf("Ναύτης-Жук-%d", i), Order: strings.Repeat("PO ", 30), Issued: "2026-10-01", Due: "2026-11-01",
			Total: eur(12345), Open: eur(12345), Note: "23 days overdue"})
	}
	return statement.Statement{Hub: "Sheaf", For: "Ann Weatherby", At: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), Day: "2026-11-24",
		Vendors: []statement.Vendor{{Name: "Søren Ærø Træ", Account: "C-1", Contact: "Łukasz", Parts: []statement.Part{part}}}, Totals: []statement.Total{part.Total}}
}

func TestWrite(t *testing.T) {
	for _, lines := range []int{0, 1, 200} {
		file, err := statement.Write(sample(lines))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(file, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(file), []byte("%%EOF")) {
			t.Fatalf("%d lines: no PDF", lines)
		}
		pages := bytes.Count(file, []byte("/Type /Page\n"))
		if want := map[int]int{0: 1, 1: 1, 200: 8}[lines]; pages != want {
			t.Errorf("%d lines on %d pages, want %d", lines, pages, want)
		}
		again, err := statement.Write(sample(lines))
		if err != nil || !bytes.Equal(file, again) {
			t.Errorf("%d lines: the same statement is not the same file (%v)", lines, err)
		}
	}
	if file, err := statement.Write(statement.Statement{Hub: "Sheaf", For: "Ann", Day: "2026-11-24"}); err != nil || len(file) == 0 {
		t.Errorf("an empty one: %v", err)
	}
}

// Another program reads the text back, letters of other alphabets too.
func TestTextIsReadable(t *testing.T) {
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("no pdftotext: the text is not read back")
		return
	}
	file, err := statement.Write(sample(2))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(reader, "-layout", "-", "-")
	command.Stdin = bytes.NewReader(file)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(out), "\u00a0", " ")
	for _, part := range []string{"Statement of open invoices", "24 November 2026", "Søren Ærø Træ", "Łukasz", "Ναύτης-Жук-1", "EUR 123.45", "Credit CN-1", "EUR −40.00", "In all", "EUR 246.90", "Page 1 of 1"} {
		if !strings.Contains(text, part) {
			t.Errorf("the text lacks %q:\n%s", part, text)
		}
	}
}
