// Package captured keeps mails as files instead of sending them, and lists and
// opens them for the page /dev/mail. Several processes can share the folder.
package captured

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/rfc822"
)

const (
	maxList   = 200
	headBytes = 64 << 10 // enough of a file for its headers
	stamp     = "20060102T150405.000000000Z"
)

// Config of a Mailbox.
type Config struct {
	Folder string           // created when absent
	Now    func() time.Time // the clock
}

// Mailbox is a folder of .eml files, one per sending: a second sending of the
// same Message-ID is a second file. It is safe for concurrent use.
type Mailbox struct {
	root *os.Root
	now  func() time.Time
	name *regexp.Regexp
}

var (
	_ mail.Sender  = (*Mailbox)(nil)
	_ mail.Mailbox = (*Mailbox)(nil)
)

// New opens the folder, and creates it when it is absent.
func New(config Config) (*Mailbox, error) {
	if config.Now == nil {
		return nil, errors.New("the captured mailbox needs a clock")
	}
	if err := os.MkdirAll(config.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("creating the folder of captured mails: %w", err)
	}
	root, err := os.OpenRoot(config.Folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of captured mails %s: %w", filepath.Clean(config.Folder), err)
	}
	return &Mailbox{
		root: root,
		now:  config.Now,
		name: regexp.MustCompile(`^\d{8}T\d{6}\.\d{9}Z-[0-9a-f]{16}-[0-9a-f]{16}$`),
	}, nil
}

// Close gives the folder back; files stay.
func (m *Mailbox) Close() error { return m.root.Close() }

// Send writes the mail to a file of its own. Until the file has its name, an
// error is mail.ErrDeferred: nothing was kept. A mail that cannot be written
// at all is mail.ErrRejected, and mail.ErrHeader where a header is at fault.
func (m *Mailbox) Send(ctx context.Context, message mail.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", mail.ErrDeferred, err)
	}
	raw, err := rfc822.Build(message)
	if err != nil {
		return err
	}
	id, err := m.newID(message.MessageID)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrDeferred, err)
	}
	draft := ".draft-" + id
	if err := m.write(draft, raw); err != nil {
		_ = m.root.Remove(draft)
		return fmt.Errorf("%w: keeping it: %w", mail.ErrDeferred, err)
	}
	if err := m.root.Rename(draft, id+".eml"); err != nil {
		_ = m.root.Remove(draft)
		return fmt.Errorf("%w: keeping it: %w", mail.ErrDeferred, err)
	}
	if err := m.syncFolder(); err != nil {
		return fmt.Errorf("%w: keeping it: %w", mail.ErrUnknown, err)
	}
	return nil
}

// newID sorts by time, then tells which Message-ID it is, then is unique.
func (m *Mailbox) newID(messageID string) (string, error) {
	unique := make([]byte, 8)
	if _, err := io.ReadFull(rand.Reader, unique); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(messageID))
	return m.now().UTC().Format(stamp) + "-" + hex.EncodeToString(sum[:8]) + "-" + hex.EncodeToString(unique), nil
}

func (m *Mailbox) write(name string, raw []byte) error {
	file, err := m.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (m *Mailbox) syncFolder() error {
	folder, err := m.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// List returns up to limit (at most 200) mails, newest first, older than the
// cursor; next is "" at the end. A file that cannot be read shows its id alone.
func (m *Mailbox) List(limit int, cursor string) ([]mail.Captured, string, error) {
	limit = min(max(limit, 1), maxList)
	if cursor != "" && !m.name.MatchString(cursor) {
		return nil, "", fmt.Errorf("%w: the place %.80q in the list", mail.ErrNoMail, cursor)
	}
	entries, err := fs.ReadDir(m.root.FS(), ".")
	if err != nil {
		return nil, "", fmt.Errorf("listing captured mails: %w", err)
	}
	ids := make([]string, 0, len(entries))
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), ".eml")
		if ok && m.name.MatchString(id) && (cursor == "" || id < cursor) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	next := ""
	if len(ids) > limit {
		ids = ids[:limit]
		next = ids[limit-1]
	}
	mails := make([]mail.Captured, 0, len(ids))
	for _, id := range ids {
		head, err := m.read(id, headBytes)
		if errors.Is(err, mail.ErrNoMail) {
			continue // removed since the folder was read
		}
		mails = append(mails, summary(id, head))
	}
	return mails, next, nil
}

// Open returns one mail; what is no id, or no file any more, is mail.ErrNoMail.
func (m *Mailbox) Open(id string) (mail.CapturedMail, error) {
	raw, err := m.read(id, rfc822.MaxRaw)
	if err != nil {
		return mail.CapturedMail{}, err
	}
	parsed, err := rfc822.Parse(raw)
	if err != nil {
		return mail.CapturedMail{}, fmt.Errorf("captured mail %s: %w", id, err)
	}
	return mail.CapturedMail{
		Captured: summary(id, raw), Header: parsed.Header, Text: parsed.Text, HTML: parsed.HTML,
		Attachments: parsed.Attachments, Raw: raw,
	}, nil
}

func (m *Mailbox) read(id string, most int64) ([]byte, error) {
	if !m.name.MatchString(id) {
		return nil, fmt.Errorf("%w: %.80q", mail.ErrNoMail, id)
	}
	file, err := m.root.Open(id + ".eml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", mail.ErrNoMail, id)
	}
	if err != nil {
		return nil, fmt.Errorf("opening captured mail %s: %w", id, err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return nil, fmt.Errorf("reading captured mail %s: %w", id, err)
	}
	return raw, nil
}

// summary is what the list shows; of a damaged file that is what can be read.
func summary(id string, raw []byte) mail.Captured {
	shown := mail.Captured{ID: id}
	if at, err := time.Parse(stamp, id[:len(stamp)]); err == nil {
		shown.CapturedAt = at
	}
	if parsed, err := rfc822.ParseHeader(raw); err == nil {
		shown.MessageID, shown.From, shown.To, shown.Subject = parsed.MessageID, parsed.From, parsed.To, parsed.Subject
	}
	return shown
}
