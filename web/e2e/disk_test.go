package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk: a push that does not fit is refused with a clear problem, nothing
// of it is half there, and there is room again as soon as there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	filler := ""
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=14m,mode=0700"); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
		filler = filepath.Join(folder, "filler")
		if err := os.WriteFile(filler, make([]byte, 4<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if !errors.Is(err, syscall.EPERM) {
		t.Fatal(err)
	}
	h := newHubOn(t, embedded, folder, "")
	v := h.addVendor(trioNames[0], "ar@alderstone.example")
	tr := &trio{hub: h, vendors: []*vendor{v}, due: time.Now().UTC()}
	tr.startSmall(filler == "")
	if err := tr.push(0); err != nil {
		t.Fatal(err)
	}
	taken, refused := tr.fill()
	if filler == "" {
		h.server.kill() // the limit ends with the process that has it
		h.startServer()
	} else if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := within(20*time.Second, func() error { return second(v.push("invoices", tr.heavy(refused))) }); err != nil {
		t.Errorf("there is room, and it is not taken: %v", err)
	}
	tr.hasJust(taken, refused)
	tr.verify()
}

// startSmall starts the server; where nothing may be mounted, with a limit on
// how large its files may grow.
func (tr *trio) startSmall(limit bool) {
	if !limit {
		tr.startServer()
		return
	}
	tr.server = launch(tr.t, tr.env, "sh", "-c", "ulimit -f 12000; exec \"$0\" serve", binary(tr.t)) // blocks of 512 bytes
	tr.ready()
}

// heavy is one invoice with a paper of half a megabyte that does not shrink.
func (tr *trio) heavy(i int) []invoice {
	paper := append([]byte(nil), paper...)
	for n := range 500_000 {
		paper = append(paper, byte(n*n>>7^n*i))
	}
	one := tr.invoices(0)[0]
	one.ExternalID, one.Number = fmt.Sprintf("ALDX-HEAVY-%d", i), fmt.Sprintf("ALDX-HEAVY-%d", i)
	one.Documents = []document{{Name: one.Number + ".pdf", ContentType: "application/pdf", Content: paper}}
	return []invoice{one}
}

// fill pushes until it does not fit; it returns what was taken and the first
// that was not.
func (tr *trio) fill() (taken []string, refused int) {
	tr.t.Helper()
	for i := range 40 {
		body, err := json.Marshal(map[string]any{"invoices": tr.heavy(i)})
		if err != nil {
			tr.t.Fatal(err)
		}
		status, raw, err := tr.vendors[0].ask(http.MethodPut, "/invoices", body)
		if err != nil {
			tr.t.Fatalf("on a full disk the server does not answer: %v", err)
		}
		if status == http.StatusOK {
			taken = append(taken, fmt.Sprintf("ALDX-HEAVY-%d", i))
			continue
		}
		var said problem
		if err := json.Unmarshal(raw, &said); err != nil || status != http.StatusServiceUnavailable || said.Status != status || said.Detail == "" || strings.Contains(said.Detail, "SQL") {
			tr.t.Errorf("a full disk is answered with %d %s", status, raw)
		}
		tr.t.Logf("after %d pushes: %d %s", i, status, said.Detail)
		return taken, i
	}
	tr.t.Fatal("the disk was never full")
	return nil, 0
}

// hasJust: what was acknowledged, and what was pushed again.
func (tr *trio) hasJust(taken []string, refused int) {
	tr.t.Helper()
	rows, err := list[invoiceRow](tr.vendors[0], "/invoices")
	if err != nil {
		tr.t.Fatal(err)
	}
	want := append(taken, fmt.Sprintf("ALDX-HEAVY-%d", refused), "ALDX-ROW-1", "ALDX-ROW-2")
	if len(rows) != len(want) {
		tr.t.Errorf("%d invoices, wanted %d", len(rows), len(want))
	}
	for _, id := range want {
		if !slices.ContainsFunc(rows, func(row invoiceRow) bool { return row.ExternalID == id }) {
			tr.t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	if papers := tr.count("SELECT COUNT(*) FROM documents"); papers != int64(len(taken)+1) {
		tr.t.Errorf("%d papers, wanted %d", papers, len(taken)+1)
	}
}
