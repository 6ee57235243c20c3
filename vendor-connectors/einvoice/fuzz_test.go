package einvoice

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice/einvoicetest"
)

// judge holds what Read answers for any bytes to what the hub relies on.
func judge(t *testing.T, data []byte) {
	result, err := Read("fuzz.xml", data, Limits{XMLBytes: 1 << 20, PDFBytes: 1 << 20, Elements: 20_000})
	if err != nil {
		var place *FileError
		if !errors.As(err, &place) || err.Error() == "" || result.Usable() {
			t.Errorf("%v", err)
		}
		return
	}
	if result.Invoice != nil && result.Credit != nil {
		t.Error("both an invoice and a credit")
	}
	if !result.Usable() && len(result.Problems) == 0 {
		t.Error("unusable without a reason")
	}
	if result.Open.Minor < 0 || result.Open.Minor > result.Total.Minor {
		t.Errorf("%s open of %s", result.Open, result.Total)
	}
	if r := result.Invoice; r != nil && (r.Number == "" || r.Account == "" || r.IssuedOn == "" || !r.Total.Currency.Valid() || r.Open != result.Open) {
		t.Errorf("%+v", r)
	}
	for _, email := range result.Emails() {
		if again, err := connectors.ParseEmail(email); err != nil || again != email {
			t.Errorf("address %q: %v", email, err)
		}
	}
	if _, err := json.Marshal(NewDryRun("fuzz.xml", result)); err != nil {
		t.Error(err)
	}
}

func seed(f *testing.F, pattern string) {
	f.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds at ", pattern, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzUBL(f *testing.F) {
	seed(f, "testdata/*-ubl.xml")
	credit := plain()
	credit.CreditNote, credit.Payable = true, "-1"
	f.Add(einvoicetest.UBL(credit))
	f.Fuzz(judge)
}

func FuzzCII(f *testing.F) {
	seed(f, "testdata/*-cii.xml")
	f.Fuzz(judge)
}
