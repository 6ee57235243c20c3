package captured

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

// clock moves a second with every look at it.
type clock struct {
	mutex sync.Mutex
	at    time.Time
}

func (c *clock) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.at = c.at.Add(time.Second)
	return c.at
}

func mailbox(t *testing.T, folder string) *Mailbox {
	t.Helper()
	m, err := New(Config{Folder: folder, Now: (&clock{at: time.Date(2026, 11, 3, 8, 59, 59, 0, time.UTC)}).now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func letter(n int) mail.Message {
	return mail.Message{MessageID: fmt.Sprintf("%d@sheaf.example", n), From: mail.Address{Name: "Sheaf", Email: "hub@sheaf.example"},
		To: mail.Address{Name: "Änne", Email: "ap@acme.example"}, Subject: fmt.Sprintf("Nº %d", n), Text: fmt.Sprintf("text %d\n", n),
		HTML: "<p>html</p>", Date: time.Unix(1_790_000_000, 0), ListID: "digest.sheaf.example", Unsubscribe: "http://127.0.0.1:8080/u/x",
		Attachments: []mail.Attachment{{Name: "a.csv", ContentType: "text/csv", Content: []byte("1;2")}}}
}

func TestKeepListOpen(t *testing.T) {
	m := mailbox(t, filepath.Join(t.TempDir(), "new", "folder"))
	for n := range 5 {
		if err := m.Send(t.Context(), letter(n)); err != nil {
			t.Fatal(err)
		}
	}
	var subjects []string
	cursor, pages := "", 0
	for {
		page, next, err := m.List(2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page {
			subjects = append(subjects, one.Subject)
		}
		if pages++; next == "" {
			break
		}
		cursor = next
	}
	if got := strings.Join(subjects, " "); got != "Nº 4 Nº 3 Nº 2 Nº 1 Nº 0" || pages != 3 {
		t.Errorf("%s in %d pages", got, pages)
	}
	page, _, _ := m.List(1, "")
	got, err := m.Open(page[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "text 4\n" || got.HTML != "<p>html</p>" || got.MessageID != "4@sheaf.example" || got.To[0] != letter(4).To ||
		!got.CapturedAt.Equal(time.Date(2026, 11, 3, 9, 0, 4, 0, time.UTC)) || string(got.Attachments[0].Content) != "1;2" || len(got.Raw) == 0 {
		t.Errorf("%+v", got)
	}
	headers := map[string]string{}
	for _, field := range got.Header {
		headers[field.Name] = field.Value
	}
	if headers["List-Unsubscribe"] != "<http://127.0.0.1:8080/u/x>" || headers["Subject"] != "Nº 4" {
		t.Errorf("%v", headers)
	}
}

func TestSecondSendingIsASecondFile(t *testing.T) {
	folder := t.TempDir()
	m := mailbox(t, folder)
	for range 2 {
		if err := m.Send(t.Context(), letter(1)); err != nil {
			t.Fatal(err)
		}
	}
	page, _, err := m.List(10, "")
	if err != nil || len(page) != 2 || page[0].MessageID != page[1].MessageID || page[0].ID == page[1].ID {
		t.Errorf("%+v, %v", page, err)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*.eml")); len(files) != 2 {
		t.Errorf("%v", files)
	}
}

func TestManyWritersOneFolder(t *testing.T) {
	folder := t.TempDir()
	boxes := []*Mailbox{mailbox(t, folder), mailbox(t, folder)}
	var group sync.WaitGroup
	for n := range 40 {
		group.Go(func() {
			if err := boxes[n%2].Send(t.Context(), letter(n)); err != nil {
				t.Error(err)
			}
			if _, _, err := boxes[(n+1)%2].List(50, ""); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	page, next, err := boxes[0].List(200, "")
	if err != nil || len(page) != 40 || next != "" {
		t.Errorf("%d mails, %q, %v", len(page), next, err)
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 40 {
		t.Errorf("%d files: drafts are left over", len(entries))
	}
}

func TestIDsDoNotLeaveTheFolder(t *testing.T) {
	outer := t.TempDir()
	m := mailbox(t, filepath.Join(outer, "mails"))
	if err := os.WriteFile(filepath.Join(outer, "secret.eml"), []byte("Subject: secret\r\n\r\nx"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), letter(1)); err != nil {
		t.Fatal(err)
	}
	page, _, _ := m.List(1, "")
	good := page[0].ID
	for _, id := range []string{"", ".", "..", "../secret", "/etc/passwd", "..%2fsecret", good + "/../" + good, "../mails/" + good, good + "\x00", good + ".eml", strings.ToUpper(good), good + "\n"} {
		if _, err := m.Open(id); !errors.Is(err, mail.ErrNoMail) {
			t.Errorf("open %q: %v", id, err)
		}
		if _, _, err := m.List(1, id); id != "" && !errors.Is(err, mail.ErrNoMail) {
			t.Errorf("list after %q: %v", id, err)
		}
	}
	// Even a link that someone put there does not lead out.
	link := strings.Replace(good, good[len(good)-4:], "ffff", 1)
	if err := os.Symlink("../secret.eml", filepath.Join(outer, "mails", link+".eml")); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Open(link); err == nil {
		t.Errorf("a link leads out: %q", got.Raw)
	}
}

func TestBadFilesDoNotHideTheOthers(t *testing.T) {
	folder := t.TempDir()
	m := mailbox(t, folder)
	if err := m.Send(t.Context(), letter(1)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notes.txt", ".draft-x", "20261103T090000.000000000Z-0123456789abcdef-0123456789abcdef.eml"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("not a mail"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, _, err := m.List(10, "")
	if err != nil || len(page) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if _, err := m.Open("20261103T090000.000000000Z-0123456789abcdef-0123456789abcdef"); err == nil || errors.Is(err, mail.ErrNoMail) {
		t.Errorf("a damaged mail: %v", err)
	}
}

func TestErrors(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "mails")
	m := mailbox(t, folder)
	evil := letter(1)
	evil.Subject = "a\r\nBcc: x@y.example"
	if err := m.Send(t.Context(), evil); !errors.Is(err, mail.ErrHeader) {
		t.Errorf("%v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Send(cancelled, letter(1)); !errors.Is(err, mail.ErrDeferred) {
		t.Errorf("%v", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), letter(1)); !errors.Is(err, mail.ErrDeferred) {
		t.Errorf("without its folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Folder: file, Now: time.Now}); err == nil {
		t.Error("a file is taken as a folder")
	}
	if _, err := New(Config{Folder: folder}); err == nil {
		t.Error("no clock is taken")
	}
}
