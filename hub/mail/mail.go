// Package mail is what a message is, and who can send one. The senders
// themselves stand in mail/smtp and mail/captured and are wired in cmd/sheaf.
package mail

import (
	"context"
	"errors"
	"time"
)

// Message is one mail to one person. Text and HTML say the same; HTML may be
// empty. Headers that people see are set from the fields, never from raw text.
type Message struct {
	MessageID string // without angle brackets; the caller chooses it before sending, and keeps it
	From      Address
	To        Address
	ReplyTo   Address // may be zero
	Subject   string
	Text      string
	HTML      string
	Date      time.Time
	// ListID and Unsubscribe make the mail a list mail: List-Id, and
	// List-Unsubscribe with List-Unsubscribe-Post (RFC 2369, RFC 2919, RFC 8058).
	ListID      string // "digest.sheaf.example"; may be empty
	Unsubscribe string // an https URL that takes a POST; may be empty
	AutoReply   bool   // sets Auto-Submitted: auto-generated (RFC 3834)
	Attachments []Attachment
}

// Address is a mailbox with an optional display name.
type Address struct{ Name, Email string }

// Attachment is one file of a message.
type Attachment struct {
	Name        string
	ContentType string
	Content     []byte
}

// Sender hands a message to the next mail server. Errors are one of:
// ErrRejected: the server said no for good (5xx), do not try again;
// ErrDeferred: the server said later, or could not be reached, and surely did
// not take it; ErrUnknown: the connection broke after the message was on its
// way, so it may have been taken.
type Sender interface {
	Send(ctx context.Context, message Message) error
}

// Errors of a Sender; match with errors.Is.
var (
	ErrRejected = errors.New("the mail server refused the message")
	ErrDeferred = errors.New("the mail server did not take the message yet")
	ErrUnknown  = errors.New("no answer: the mail server may have taken the message")
	ErrHeader   = errors.New("a mail header holds a line break or a control character")
)
