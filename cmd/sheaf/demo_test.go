package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// screen is what a command printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running is a `sheaf demo` in this process.
type running struct {
	out, problems screen
	base          string
	links         []string // reminder, guest, two vendors, operator, all mail
	stop          func()
}

var printedLink = regexp.MustCompile(`(?m)^  \S.*?  +(http://\S+)`)

// startDemo runs the command until stop or the test's end.
func startDemo(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	command := root()
	command.SetOut(&r.out)
	command.SetErr(&r.problems)
	command.SetArgs(append([]string{"demo", "--addr", "127.0.0.1:0"}, args...))
	go func() { ended <- command.ExecuteContext(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with: %v", err)
		}
	})
	t.Cleanup(r.stop)
	for deadline := time.Now().Add(45 * time.Second); !strings.Contains(r.out.String(), "Press Ctrl-C to stop."); {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the demo ended at once: %v\n%s", err, r.problems.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("no links after 45 s:\n%s\n%s", r.out.String(), r.problems.String())
		}
	}
	for _, match := range printedLink.FindAllStringSubmatch(r.out.String(), -1) {
		r.links = append(r.links, match[1])
	}
	if len(r.links) != 6 {
		t.Fatalf("%d links, want 6:\n%s", len(r.links), r.out.String())
	}
	r.base = strings.TrimSuffix(r.links[5], "/dev/mail")
	return r
}

// visitor is a browser of its own.
func (r *running) visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func (r *running) fetch(t *testing.T, client *http.Client, method, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", r.base)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 10<<20))
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s\n%.500s", method, url, response.Status, body)
	}
	return string(body)
}

func wants(t *testing.T, where, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s says nothing of %q", where, word)
		}
	}
}

// signIn presses the button behind a link and returns the page that follows.
func (r *running) signIn(t *testing.T, link, path string) string {
	t.Helper()
	client := r.visitor(t)
	wants(t, link, r.fetch(t, client, http.MethodGet, link), `method="post"`, "<button")
	r.fetch(t, client, http.MethodPost, link)
	return r.fetch(t, client, http.MethodGet, r.base+path)
}

// stored counts what a folder holds.
func stored(t *testing.T, folder string) map[string]int64 {
	t.Helper()
	a := openFolder(t, folder)
	defer a.close()
	counts := map[string]int64{}
	for _, table := range []string{"vendors", "contacts", "invoices", "credits", "documents", "cases", "messages", "payments", "digests", "syncs"} {
		n, err := a.db.NewSelect().Table(table).Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

func openFolder(t *testing.T, folder string) *app {
	t.Helper()
	a, err := openApp(t.Context(), &settings{Addr: "127.0.0.1:8080", Data: folder, HubName: "Sheaf", LogFormat: "text"}, io.Discard, systemClock)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func verified(t *testing.T, folder string) {
	t.Helper()
	var out bytes.Buffer
	command := root()
	command.SetOut(&out)
	command.SetErr(&out)
	command.SetArgs([]string{"verify", "--data", folder, "--database-url", "", "--redis-url", "", "--smtp-url", ""})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
}

func TestDemo(t *testing.T) {
	for _, name := range []string{"SHEAF_DATABASE_URL", "SHEAF_REDIS_URL", "SHEAF_SMTP_URL"} {
		t.Setenv(name, "postgres://127.0.0.1:1/nobody") // would fail if it were used
	}
	folder := t.TempDir()
	first := startDemo(t, "--data", folder)
	wants(t, "the first start", first.problems.String(), "100%", "Not used: SHEAF_DATABASE_URL, SHEAF_REDIS_URL, SHEAF_SMTP_URL")
	wants(t, "the first start", first.out.String(), "Six invented vendors brought 115 invoices and credits", folder)

	page := first.signIn(t, first.links[1], "/me")
	for _, vendor := range demoVendors() {
		wants(t, "/me", page, vendor.profile.Name)
	}
	wants(t, "/me", page, "Ann Keller", "PF-CR-88", "MF-C-311", "124.00", "Promised for", "Payment processing", "JPY", "sually answers within 4 hours")
	wants(t, "a vendor's console", first.signIn(t, first.links[2], "/vendor"), "Kestrel Freight", "KF-48259")
	wants(t, "a vendor's console", first.signIn(t, first.links[3], "/vendor"), "Paperfold Packaging")
	wants(t, "the operator's page", first.signIn(t, first.links[4], "/operator"), "operator@hub.example")
	wants(t, "the reminder", first.fetch(t, first.visitor(t), http.MethodGet, first.links[0]), "Overdue with 5 vendors", "Sparkle Cleaning", "KESTREL FREIGHT", "MILLBROOK FLOUR")
	wants(t, "the reminder, drawn", first.fetch(t, first.visitor(t), http.MethodGet, first.links[0]+"/raw"), "Kestrel Freight", "Millbrook Flour", "Brightpan Equipment")
	wants(t, "all mail", first.fetch(t, first.visitor(t), http.MethodGet, first.links[5]), demoGuest, "receivables@paperfold.example")
	first.stop()
	verified(t, folder)
	before := stored(t, folder)

	second := startDemo(t, "--data", folder)
	wants(t, "the second start", second.out.String(), "as the last start left it")
	wants(t, "/me", second.signIn(t, second.links[1], "/me"), "Ann Keller", "Sparkle Cleaning")
	if tail := second.links[0][strings.LastIndex(second.links[0], "/"):]; !strings.HasSuffix(first.links[0], tail) {
		t.Errorf("another reminder: %s, first it was %s", second.links[0], first.links[0])
	}
	second.stop()
	verified(t, folder)
	for table, n := range stored(t, folder) {
		if n != before[table] || n == 0 {
			t.Errorf("%s: %d after the first start, %d after the second", table, before[table], n)
		}
	}
}

// TestDemoLeavesNothing stops a demo without a folder of its own while it
// begins.
func TestDemoLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("SHEAF_DATA", "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	command := root()
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SetArgs([]string{"demo", "--addr", "127.0.0.1:0"})
	go func() { ended <- command.ExecuteContext(ctx) }()
	for deadline := time.Now().Add(30 * time.Second); ; {
		made, err := filepath.Glob(filepath.Join(temporary, "sheaf-demo-*", "sheaf.db"))
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("no database in a folder of its own: %v, %v", made, err)
		}
		if len(made) == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with: %v", err)
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("afterwards, %s holds %v (%v)", temporary, entries, err)
	}
}

// TestDemoFolderOfOthers starts the demo where something else is.
func TestDemoFolderOfOthers(t *testing.T) {
	folder := t.TempDir()
	a := openFolder(t, folder)
	profile := party.Profile{Name: "A real vendor", Email: "billing@real.example"}
	if _, err := a.enroll(t.Context(), access.SystemActor("test"), profile, party.VendorApproved); err != nil {
		t.Fatal(err)
	}
	a.close()
	command := root()
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SetArgs([]string{"demo", "--addr", "127.0.0.1:0", "--data", folder})
	if err := command.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "name an empty folder") {
		t.Errorf("err = %v", err)
	}
	if n := stored(t, folder)["vendors"]; n != 1 {
		t.Errorf("%d vendors afterwards", n)
	}
}

// TestDemoStopped finds a demo that never came to its first reminder.
func TestDemoStopped(t *testing.T) {
	d := &demo{settings: &settings{Data: "here"}, app: openFolder(t, t.TempDir())}
	defer d.app.close()
	for _, one := range demoVendors() {
		if _, err := d.app.enroll(t.Context(), access.SystemActor("test"), one.profile, party.VendorApproved); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.fill(t.Context()); err == nil || !strings.Contains(err.Error(), "was stopped while it began") || d.found {
		t.Errorf("err = %v, found %v", err, d.found)
	}
}

func TestDemoAddr(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var said bytes.Buffer
	d := &demo{settings: &settings{Addr: taken.Addr().String()}, problems: &said}
	if err := d.chooseAddr(true); err == nil || !strings.Contains(err.Error(), "--addr") {
		t.Errorf("a taken port that was asked for: %v", err)
	}
	if err := d.chooseAddr(false); err != nil || d.settings.Addr == taken.Addr().String() || !strings.Contains(said.String(), "is taken") {
		t.Errorf("a taken port by default: %v, now %s, said %q", err, d.settings.Addr, said.String())
	}
	d.settings.Addr = "8080"
	if err := d.chooseAddr(true); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("no host: %v", err)
	}
}

// TestDemoFiles brings the carried files in twice, and looks at what the guest
// then owes.
func TestDemoFiles(t *testing.T) {
	const day = money.Date("2028-02-29")
	d := &demo{app: openFolder(t, t.TempDir())}
	defer d.app.close()
	files := &carried{today: day}
	for _, one := range demoVendors() {
		added, err := d.app.enroll(t.Context(), access.SystemActor("test"), one.profile, party.VendorApproved)
		if err != nil {
			t.Fatal(err)
		}
		first, err := one.bring(t.Context(), d, files, added.Vendor)
		if err != nil {
			t.Fatalf("%s: %v", one.folder, err)
		}
		again, err := one.bring(t.Context(), d, files, added.Vendor)
		if err != nil || first.created == 0 || again.created != 0 || again.unchanged != first.created {
			t.Errorf("%s: first %+v, again %+v, %v", one.folder, first, again, err)
		}
	}
	checkOwed(t, d.app, day)
}

func checkOwed(t *testing.T, a *app, day money.Date) {
	t.Helper()
	contact, err := a.party.ContactByEmail(t.Context(), demoGuest)
	if err != nil {
		t.Fatal(err)
	}
	items, _, err := a.billing.OpenItems(t.Context(), billing.Viewer{CustomerID: contact.CustomerID}, day)
	if err != nil {
		t.Fatal(err)
	}
	kinds, papers := map[string]int{}, 0
	for _, item := range items {
		switch {
		case item.Overdue(day):
			kinds["overdue"]++
		case day.DaysUntil(item.DueOn) <= 7:
			kinds["soon"]++
		default:
			kinds["later"]++
		}
		kinds[string(item.Currency)]++
		if item.Open < item.Total {
			kinds["paid in part"]++
		}
		if item.PurchaseOrder == "" {
			kinds["no order"]++
		}
		documents, err := a.billing.Documents(t.Context(), item.Invoice)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			papers++
			if document.ContentType != "application/pdf" || document.Held != "" {
				t.Errorf("%s: %s is %s, held %q", item.Number, document.Name, document.ContentType, document.Held)
			}
		}
	}
	want := map[string]int{"overdue": 16, "soon": 9, "later": 8, "EUR": 24, "USD": 8, "JPY": 1, "paid in part": 3, "no order": 3}
	if contact.Name != "Ann Keller" || len(items) != 33 || papers != 11 || fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("%s has %d open invoices with %d papers: %v, want %v", contact.Name, len(items), papers, kinds, want)
	}
}

// TestDemoMarks reads every carried file on days of each season: no mark may
// be left, and nothing may be younger than the demo's first day.
func TestDemoMarks(t *testing.T) {
	iso := regexp.MustCompile(`"issued_on": "([0-9-]+)"|<cbc:IssueDate>([0-9-]+)<`)
	for _, day := range []money.Date{"2026-01-03", "2026-03-01", "2026-12-31"} {
		files := &carried{today: day}
		err := fs.WalkDir(demoFiles, "demo", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := files.read(path)
			if err != nil || strings.Contains(strings.ReplaceAll(string(text), paperMark, ""), "{{") {
				t.Errorf("%s on %s: %v", path, day, err)
			}
			for _, match := range iso.FindAllStringSubmatch(string(text), -1) {
				if issued := money.Date(match[1] + match[2]); issued.DaysUntil(day) <= int(demoPast.Hours()/24) {
					t.Errorf("%s on %s: issued on %s, after the demo's first day", path, day, issued)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	files := &carried{today: "2026-03-01"}
	if text, err := files.read("demo/sparkle/invoices.json"); err != nil || !bytes.Contains(text, []byte(`"issued_on": "2026-01-31"`)) {
		t.Errorf("29 days before 1 March is not there: %v", err)
	}
	if text, err := files.read("demo/kestrel-freight/open-items.csv"); err != nil || !bytes.Contains(text, []byte("06.01.2026")) {
		t.Errorf("54 days before 1 March is not there: %v", err)
	}
}
