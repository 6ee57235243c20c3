package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

const vendor = "0190e1c2-0000-7000-8000-000000000001"

const head = "Number,Customer,Due Date,Total,Open,Currency\n"

// lay puts a file into a folder as if it had been there for a while.
func lay(t *testing.T, folder, name, text string, minutes int) {
	t.Helper()
	target := filepath.Join(folder, name)
	at := time.Date(2026, 11, 1, 8, minutes, 0, 0, time.UTC)
	if err := os.WriteFile(target, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(target, at, at); err != nil {
		t.Fatal(err)
	}
}

func rows(from, count int) string {
	var out strings.Builder
	out.WriteString(head)
	for i := range count {
		fmt.Fprintf(&out, "N-%d,Acme,2026-12-01,10.00,10.00,EUR\n", from+i)
	}
	return out.String()
}

// shelf is the root that an operator allows, with a vendor's folder in it.
func shelf(t *testing.T) (root, own string) {
	t.Helper()
	root = t.TempDir()
	own = filepath.Join(root, vendor)
	if err := os.MkdirAll(filepath.Join(own, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	return root, own
}

func folderOf(t *testing.T, root string, settings map[string]string) *Client {
	t.Helper()
	c, err := newFolder(root, settings, connectors.Deps{Vendor: vendor, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c.quiet = time.Millisecond
	return c
}

// fill lays a table of several pages, a small one, a workbook and what is passed over.
func fill(t *testing.T, folder string) {
	t.Helper()
	lay(t, folder, "b.csv", rows(1, 1100), 1)
	lay(t, folder, "a.CSV", rows(2001, 3), 2)
	lay(t, folder, "notes.docx", "x", 3)
	lay(t, folder, ".hidden.csv", head, 3)
	lay(t, folder, "c.csv.part", head, 3)
	lay(t, folder, "broken.csv", head+"\"", 4)
	lay(t, folder, "no.xml", "<a/>", 5)
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range [][]any{{"Number", "Customer", "Total", "Currency"}, {"X-1", "Acme", 12.5, "EUR"}} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	book, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	lay(t, folder, "d.xlsx", book.String(), 6)
}

func TestFolderContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		root, own := shelf(t)
		fill(t, own)
		b := newBooks(own)
		return connectortest.Harness{Connector: b.watch(folderOf(t, root, map[string]string{"mapping": `{"decimal":"."}`})), Invoices: 1104, Books: b}
	})
}

// pull gathers what a pull brings: external ids, places of rejections, the cursor.
func pull(t *testing.T, c *Client, cursor string) (ids, places []string, after string, err error) {
	t.Helper()
	after = cursor
	err = c.Pull(context.Background(), cursor, func(page connectors.Page) error {
		for _, r := range page.Invoices {
			ids = append(ids, r.ExternalID)
		}
		for _, r := range page.Rejected {
			places = append(places, r.Place+": "+r.Problems[0].Message)
		}
		after = page.Cursor
		return nil
	})
	return ids, places, after, err
}

func TestChanges(t *testing.T) {
	root, own := shelf(t)
	c := folderOf(t, root, map[string]string{"path": "/out/"})
	out := filepath.Join(own, "out")
	want := func(cursor, words string) string {
		t.Helper()
		ids, places, after, err := pull(t, c, cursor)
		got := strings.Join(append(ids, places...), "; ")
		if err != nil || got != words {
			t.Fatalf("%q, %v; want %q", got, err, words)
		}
		return after
	}
	cursor := want("", "")
	lay(t, out, "2.csv", rows(2, 1), 5)
	lay(t, out, "1.csv", rows(1, 1), 5)
	cursor = want(cursor, "N-1; N-2")
	cursor = want(cursor, "")
	lay(t, out, "late.csv", rows(9, 1), 0) // older than what was read
	lay(t, out, "2.csv", rows(2, 2), 9)    // written anew
	lay(t, out, "bad.csv", head+"N-4,Acme,never,1,1,EUR\n", 10)
	cursor = want(cursor, `N-9; N-2; N-3; bad.csv line 2, column Due Date: "never" is not a date; write it like 2026-11-30`)
	for _, name := range []string{"1.csv", "2.csv", "bad.csv"} {
		if err := os.Remove(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
	}
	lay(t, out, "new.csv", rows(20, 1), 11)
	cursor = want(cursor, "N-20")
	if n := len(cursor); n > 60 {
		t.Errorf("the cursor remembers files that are gone: %s", cursor)
	}
	want("nonsense", "N-9; N-20")
	if left, err := os.ReadDir(out); err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestWholeLists(t *testing.T) {
	root, own := shelf(t)
	c := folderOf(t, root, map[string]string{"files": "whole"})
	if _, _, _, err := pull(t, c, ""); !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("an empty folder closes everything: %v", err)
	}
	lay(t, own, "monday.csv", rows(1, 700), 1)
	lay(t, own, "invoice.xml", "<a/>", 9)
	ids, _, cursor, err := pull(t, c, "")
	if err != nil || len(ids) != 700 {
		t.Fatalf("%d, %v", len(ids), err)
	}
	if ids, _, _, err := pull(t, c, cursor); err != nil || len(ids) > 0 {
		t.Errorf("%d, %v", len(ids), err)
	}
	lay(t, own, "tuesday.csv", rows(5, 2), 2)
	if _, _, _, err := pull(t, c, cursor); !errors.Is(err, connectors.ErrCursor) {
		t.Errorf("a newer list must be read whole: %v", err)
	}
	if ids, _, _, err := pull(t, c, ""); err != nil || !slices.Equal(ids, []string{"N-5", "N-6"}) {
		t.Errorf("%v, %v", ids, err)
	}
	lay(t, own, "wednesday.csv", rows(5, 2)+"\"", 3)
	if _, _, _, err := pull(t, c, ""); err == nil || !strings.Contains(err.Error(), "wednesday.csv: line 4") {
		t.Errorf("half a list closes what it lacks: %v", err)
	}
	var first string
	_ = c.Pull(context.Background(), "", func(page connectors.Page) error { first = page.Cursor; return nil })
	lay(t, own, "thursday.csv", rows(1, 700), 4)
	stop := errors.New("stop")
	_ = c.Pull(context.Background(), "", func(page connectors.Page) error { first = page.Cursor; return stop })
	if _, _, _, err := pull(t, c, first); !errors.Is(err, connectors.ErrCursor) {
		t.Errorf("a list that was read in part must be read again: %v", err)
	}
}

// growing writes on while the connector waits.
func TestAFileThatIsBeingWrittenWaits(t *testing.T) {
	root, own := shelf(t)
	c := folderOf(t, root, nil)
	lay(t, own, "done.csv", rows(1, 1), 1)
	lay(t, own, "growing.csv", rows(2, 1), 2)
	c.quiet = 300 * time.Millisecond
	go func() {
		time.Sleep(100 * time.Millisecond)
		_ = os.WriteFile(filepath.Join(own, "growing.csv"), []byte(rows(2, 2)), 0o600)
	}()
	ids, _, cursor, err := pull(t, c, "")
	if err != nil || !slices.Equal(ids, []string{"N-1"}) {
		t.Fatalf("%v, %v", ids, err)
	}
	if ids, _, _, err = pull(t, c, cursor); err != nil || !slices.Equal(ids, []string{"N-2", "N-3"}) {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestFoldersDoNotLeadOut(t *testing.T) {
	root, own := shelf(t)
	other := filepath.Join(root, "0190e1c2-0000-7000-8000-000000000002")
	if err := os.MkdirAll(other, 0o700); err != nil {
		t.Fatal(err)
	}
	lay(t, other, "theirs.csv", rows(66, 1), 1)
	lay(t, own, "mine.csv", rows(1, 1), 1)
	for name, target := range map[string]string{"link.csv": filepath.Join(other, "theirs.csv"), "rel.csv": "../" + filepath.Base(other) + "/theirs.csv", "away": other, "up": ".."} {
		if err := os.Symlink(target, filepath.Join(own, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(own, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	if ids, _, _, err := pull(t, folderOf(t, root, nil), ""); err != nil || !slices.Equal(ids, []string{"N-1"}) {
		t.Errorf("%v, %v", ids, err)
	}
	for _, path := range []string{"..", "../" + filepath.Base(other), "out/../../x", `C:\x/..`} {
		c, err := newFolder(root, map[string]string{"path": path}, connectors.Deps{Vendor: vendor})
		if err == nil {
			err = c.Check(t.Context())
		}
		if err == nil {
			t.Errorf("%q is read", path)
		}
	}
	for _, path := range []string{"away", "up", "absent", "mine.csv"} {
		if err := folderOf(t, root, map[string]string{"path": path}).Check(t.Context()); err == nil || strings.Contains(err.Error(), root) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, deps := range []connectors.Deps{{}, {Vendor: ".."}, {Vendor: "a/b"}} {
		if _, err := newFolder(root, nil, deps); err == nil {
			t.Errorf("%+v", deps)
		}
	}
	if _, err := newFolder("", nil, connectors.Deps{Vendor: vendor}); err == nil {
		t.Error("a folder without a root")
	}
}

func TestCheckAsksWhatTheNewestTableLeavesOpen(t *testing.T) {
	root, own := shelf(t)
	if err := folderOf(t, root, nil).Check(t.Context()); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	lay(t, own, "old.csv", head, 1)
	lay(t, own, "new.csv", "Beleg;Partner;Betrag\n1;Acme;5,50\n", 2)
	if err := folderOf(t, root, nil).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "new.csv: ") {
		t.Errorf("%v", err)
	}
	c := folderOf(t, root, map[string]string{"mapping": `{"mapping":{"Partner":"account_name","Betrag":"total"},"currency":"EUR"}`})
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
	if _, _, _, err := pull(t, folderOf(t, root, map[string]string{"files": "changes"}), ""); err == nil || !strings.Contains(err.Error(), "new.csv") {
		t.Errorf("a table that nobody can read is passed over: %v", err)
	}
	for _, settings := range []map[string]string{{"mapping": "{"}, {"mapping": `{"x":1}`}, {"mapping": `{"decimal":"!"}`}, {"files": "some"}} {
		if _, err := newFolder(root, settings, connectors.Deps{Vendor: vendor}); err == nil {
			t.Errorf("%v is taken", settings)
		}
	}
}
