// Package rfc822 writes a mail.Message as the bytes that travel, and reads
// such bytes back. The senders and the captured mailbox share it.
package rfc822

import (
	"bytes"
	"fmt"
	"mime"
	netmail "net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

// Bounds of one message; what is larger is refused.
const (
	MaxSubject     = 1000
	MaxBody        = 10 << 20
	MaxAttachments = 20
	maxURL         = 900 // List-Unsubscribe must fit one line of 998 characters
	maxName        = 200
	maxAddress     = 254
)

// Build writes the message with CRLF line ends, every line under 998
// characters and all of it ASCII, unless an address is not. An error wraps
// mail.ErrRejected, since trying again cannot help, and mail.ErrHeader when a
// header holds a line break or a control character.
func Build(message mail.Message) ([]byte, error) {
	if err := check(message); err != nil {
		return nil, err
	}
	built := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8))
	built.FromMailAddress(mailbox(message.From))
	built.ToMailAddress(mailbox(message.To))
	if message.ReplyTo != (mail.Address{}) {
		built.ReplyToMailAddress(mailbox(message.ReplyTo))
	}
	built.Subject(message.Subject)
	built.SetMessageIDWithValue(message.MessageID)
	built.SetDateWithValue(message.Date.UTC())
	if message.ListID != "" {
		built.SetGenHeaderPreformatted("List-Id", "<"+message.ListID+">")
	}
	if message.Unsubscribe != "" {
		built.SetListUnsubscribe("<" + message.Unsubscribe + ">")
		built.SetListUnsubscribePost()
	}
	if message.AutoReply {
		built.SetGenHeader("Auto-Submitted", "auto-generated")
	}
	built.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		built.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	for _, attachment := range message.Attachments {
		built.AttachReadSeeker(attachment.Name, bytes.NewReader(attachment.Content), gomail.WithFileContentType(gomail.ContentType(attachment.ContentType)))
	}
	var out bytes.Buffer
	if _, err := built.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("%w: it could not be written: %w", mail.ErrRejected, err)
	}
	return unfoldMessageID(out.Bytes()), nil
}

// mailbox gives a slash for a backslash in a name that has to be encoded: Go
// writes it as it is into the encoded word, where no receiver can read it.
func mailbox(address mail.Address) *netmail.Address {
	name := address.Name
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	return &netmail.Address{Name: name, Address: address.Email}
}

// unfoldMessageID undoes a fold right after the name of the field: legal, but
// some receivers then see an empty Message-ID, and threads and bounces break.
func unfoldMessageID(raw []byte) []byte {
	end := bytes.Index(raw, []byte("\r\n\r\n"))
	if end < 0 {
		return raw
	}
	head := bytes.Replace(raw[:end], []byte("Message-ID:\r\n "), []byte("Message-ID: "), 1)
	return append(head[:len(head):len(head)], raw[end:]...)
}

func check(message mail.Message) error {
	for _, field := range []struct{ name, value string }{
		{"Message-ID", message.MessageID}, {"From", message.From.Name}, {"From", message.From.Email},
		{"To", message.To.Name}, {"To", message.To.Email}, {"Reply-To", message.ReplyTo.Name},
		{"Reply-To", message.ReplyTo.Email}, {"Subject", message.Subject}, {"List-Id", message.ListID},
		{"List-Unsubscribe", message.Unsubscribe},
	} {
		if err := checkText(field.name, field.value); err != nil {
			return err
		}
	}
	if err := checkAddresses(message); err != nil {
		return err
	}
	if !validID(message.MessageID) || !strings.Contains(message.MessageID, "@") {
		return refuse("the Message-ID %q is not like id@host", message.MessageID)
	}
	if message.ListID != "" && !validID(message.ListID) {
		return refuse("the List-Id %q is not like list.host", message.ListID)
	}
	switch {
	case message.Date.IsZero():
		return refuse("it has no date")
	case len(message.Subject) > MaxSubject:
		return refuse("the subject has %d bytes, and %d are allowed", len(message.Subject), MaxSubject)
	case len(message.Text) > MaxBody || len(message.HTML) > MaxBody:
		return refuse("a part is larger than %d bytes", MaxBody)
	case message.Text == "":
		return refuse("it has no text part")
	}
	if err := checkUnsubscribe(message.Unsubscribe); err != nil {
		return err
	}
	return checkAttachments(message.Attachments)
}

func checkAddresses(message mail.Message) error {
	addresses := map[string]mail.Address{"From": message.From, "To": message.To}
	if message.ReplyTo != (mail.Address{}) {
		addresses["Reply-To"] = message.ReplyTo
	}
	for name, address := range addresses {
		if len(address.Name) > maxName {
			return refuse("the name in %s has %d bytes, and %d are allowed", name, len(address.Name), maxName)
		}
		parsed, err := netmail.ParseAddress(address.Email)
		if err != nil || parsed.Address != address.Email || parsed.Name != "" || len(address.Email) > maxAddress ||
			strings.ContainsAny(address.Email, " \"<>(),:;[]\\") {
			return refuse("%q in %s is not a mail address", address.Email, name)
		}
	}
	return nil
}

// checkUnsubscribe takes https, and http for a hub that runs on one machine;
// mail services only ever act on https.
func checkUnsubscribe(raw string) error {
	if raw == "" {
		return nil
	}
	parsed, err := url.Parse(raw)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" || len(raw) > maxURL || strings.ContainsAny(raw, " <>,\"") {
		return refuse("the unsubscribe address is not an https URL of at most %d characters", maxURL)
	}
	for i := range len(raw) {
		if raw[i] >= utf8.RuneSelf {
			return refuse("the unsubscribe address has characters that a URL must escape")
		}
	}
	return nil
}

func checkAttachments(attachments []mail.Attachment) error {
	if len(attachments) > MaxAttachments {
		return refuse("it has %d attachments, and %d are allowed", len(attachments), MaxAttachments)
	}
	total := 0
	for _, attachment := range attachments {
		if err := checkText("Content-Disposition", attachment.Name); err != nil {
			return err
		}
		if err := checkText("Content-Type", attachment.ContentType); err != nil {
			return err
		}
		if attachment.Name == "" || len(attachment.Name) > maxName {
			return refuse("the attachment %.40q needs a name of 1 to %d bytes", attachment.Name, maxName)
		}
		kind, parameters, err := mime.ParseMediaType(attachment.ContentType)
		if err != nil || len(parameters) > 0 || strings.HasPrefix(kind, "multipart/") {
			return refuse("the attachment %q has the type %q, which is not one like application/pdf", attachment.Name, attachment.ContentType)
		}
		total += len(attachment.Content)
	}
	if total > MaxBody {
		return refuse("the attachments have %d bytes, and %d are allowed", total, MaxBody)
	}
	return nil
}

// checkText refuses what could end a header line or hide in one.
func checkText(field, value string) error {
	if !utf8.ValidString(value) {
		return fmt.Errorf("%w: %w: %s is not UTF-8", mail.ErrRejected, mail.ErrHeader, field)
	}
	for _, r := range value {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("%w: %w: %s", mail.ErrRejected, mail.ErrHeader, field)
		}
	}
	return nil
}

// validID reports whether the text can stand between angle brackets.
func validID(id string) bool {
	if id == "" || len(id) > maxAddress {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || strings.IndexByte("<>()[]\\,;:\"", c) >= 0 {
			return false
		}
	}
	return true
}

func refuse(format string, arguments ...any) error {
	return fmt.Errorf("%w: %s", mail.ErrRejected, fmt.Sprintf(format, arguments...))
}
