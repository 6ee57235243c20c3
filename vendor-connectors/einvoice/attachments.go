package einvoice

import (
	"encoding/base64"
	"fmt"
	"mime"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// attachment is an embedded paper, still in base64.
type attachment struct {
	at   *node
	name *node // the reference's id, for papers without a file name
}

// readAttachments decodes every embedded paper. One that cannot be decoded or
// must not be shown stays in the list, held back with the reason.
func (a *assembly) readAttachments(limits Limits) []connectors.Document {
	var documents []connectors.Document
	for i, found := range a.facts.attachments {
		if i == limits.Attachments {
			a.say("/documents", found.at, fmt.Sprintf("more than %d attachments; the rest is left out", limits.Attachments))
			break
		}
		document := decodeAttachment(found, limits)
		if document.Held != "" {
			a.say(fmt.Sprintf("/documents/%d", i), found.at, document.Name+" is held back: "+document.Held)
		}
		documents = append(documents, document)
	}
	return documents
}

func decodeAttachment(found attachment, limits Limits) connectors.Document {
	document := connectors.Document{
		Name:        attachmentName(found),
		ContentType: contentType(found.at.attr("mimeCode")),
	}
	if base64.StdEncoding.DecodedLen(len(found.at.text)) > limits.Attachment+1024 {
		document.Held = fmt.Sprintf("larger than %d bytes", limits.Attachment)
		return document
	}
	content, err := decodeBase64(found.at.text)
	if err != nil {
		document.Held = connectors.HoldReason([]byte(found.at.text)) // written plain instead of in base64
		if document.Held == "" {
			document.Held = "its content is not base64"
		}
		return document
	}
	document.Content = content
	document.Held = held(content)
	return document
}

// held says why content must not be shown; content that is base64 once more
// is looked into.
func held(content []byte) string {
	if reason := connectors.HoldReason(content); reason != "" {
		return reason
	}
	if len(content) < 4096 {
		if inner, err := decodeBase64(string(content)); err == nil {
			return connectors.HoldReason(inner)
		}
	}
	return ""
}

// decodeBase64 accepts white space anywhere and missing padding.
func decodeBase64(text string) ([]byte, error) {
	compact := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, text)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(compact, "="))
}

func attachmentName(found attachment) string {
	name := found.at.attr("filename")
	if name == "" {
		name = found.name.value()
	}
	if name == "" {
		return "attachment"
	}
	return baseName(name)
}

// contentType keeps a well-formed media type and calls everything else bytes.
func contentType(code string) string {
	kind, _, err := mime.ParseMediaType(code)
	if err != nil || !strings.Contains(kind, "/") || len(kind) > 120 {
		return "application/octet-stream"
	}
	return kind
}
