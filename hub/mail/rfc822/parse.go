package rfc822

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

// Bounds of what Parse reads.
const (
	MaxRaw   = 40 << 20
	maxParts = 100
	maxDepth = 5
)

// Parsed is a mail that was read back.
type Parsed struct {
	MessageID   string // without angle brackets
	From        mail.Address
	To          []mail.Address
	Subject     string
	Date        time.Time
	Header      []mail.HeaderField // as written, in order; unfolded and decoded
	Text        string
	HTML        string
	Attachments []mail.Attachment
}

// Get returns the first header of that name, "" when there is none.
func (p Parsed) Get(name string) string {
	for _, field := range p.Header {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

// Parse reads a mail with its parts. It is for mails of our own making: what it
// does not understand is an error, and nothing is guessed.
func Parse(raw []byte) (Parsed, error) {
	if len(raw) > MaxRaw {
		return Parsed{}, fmt.Errorf("the mail has %d bytes, and %d are allowed", len(raw), MaxRaw)
	}
	parsed, err := ParseHeader(raw)
	if err != nil {
		return Parsed{}, err
	}
	message, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Parsed{}, fmt.Errorf("reading the mail: %w", err)
	}
	parts := 0
	if err := parsed.readPart(textproto.MIMEHeader(message.Header), message.Body, 0, &parts); err != nil {
		return Parsed{}, err
	}
	return parsed, nil
}

// ParseHeader reads the headers alone; raw may end anywhere after them.
func ParseHeader(raw []byte) (Parsed, error) {
	parsed := Parsed{Header: fields(raw)}
	parsed.MessageID = strings.Trim(parsed.Get("Message-ID"), "<> ")
	parsed.Subject = parsed.Get("Subject")
	message, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Parsed{}, fmt.Errorf("reading the headers: %w", err)
	}
	if date, err := message.Header.Date(); err == nil {
		parsed.Date = date.UTC()
	}
	if from, err := message.Header.AddressList("From"); err == nil {
		parsed.From = mail.Address{Name: from[0].Name, Email: from[0].Address}
	}
	if to, err := message.Header.AddressList("To"); err == nil {
		for _, one := range to {
			parsed.To = append(parsed.To, mail.Address{Name: one.Name, Email: one.Address})
		}
	}
	return parsed, nil
}

// fields splits the head into unfolded, decoded lines, in their order.
func fields(raw []byte) []mail.HeaderField {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	text := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(string(head))
	decoder := new(mime.WordDecoder)
	var found []mail.HeaderField
	for line := range strings.SplitSeq(text, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if decoded, err := decoder.DecodeHeader(value); err == nil {
			value = decoded
		}
		found = append(found, mail.HeaderField{Name: name, Value: value})
	}
	return found
}

func (p *Parsed) readPart(header textproto.MIMEHeader, body io.Reader, depth int, parts *int) error {
	if *parts++; *parts > maxParts || depth > maxDepth {
		return errors.New("the mail has too many parts, or parts too deep in one another")
	}
	contentType := header.Get("Content-Type")
	if contentType == "" {
		contentType = "text/plain"
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("reading the content type %q: %w", contentType, err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		reader := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading a part: %w", err)
			}
			if err := p.readPart(part.Header, part, depth+1, parts); err != nil {
				return err
			}
		}
	}
	content, err := decode(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return fmt.Errorf("decoding a part of type %s: %w", kind, err)
	}
	p.keep(header, kind, content)
	return nil
}

func (p *Parsed) keep(header textproto.MIMEHeader, kind string, content []byte) {
	disposition, parameters, _ := mime.ParseMediaType(header.Get("Content-Disposition"))
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch {
	case disposition != "attachment" && kind == "text/plain" && p.Text == "":
		p.Text = text
	case disposition != "attachment" && kind == "text/html" && p.HTML == "":
		p.HTML = text
	default:
		name := parameters["filename"]
		if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
			name = decoded
		}
		p.Attachments = append(p.Attachments, mail.Attachment{Name: name, ContentType: kind, Content: content})
	}
}

func decode(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	return io.ReadAll(io.LimitReader(body, MaxRaw))
}
