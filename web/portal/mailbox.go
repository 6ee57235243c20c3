package portal

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Bounds of the captured mailbox's pages.
const (
	mailsPerPage = 50
	mailsLooked  = 2000 // how many a search looks through
	linksShown   = 200
)

// CapturedMails lists the mails that were kept instead of sent. Query: q, cursor.
// GET /dev/mail for everybody, where mail is captured.
func (h *Handlers) CapturedMails(c *fiber.Ctx) error {
	if h.Mailbox == nil {
		return fiber.ErrNotFound
	}
	v := MailboxView{Page: h.Kit.Page(c, ui.AreaPortal, "Captured mail"), Query: strings.TrimSpace(kit.Query(c, "q", 100))}
	list, next, err := h.searchMails(v.Query, kit.Query(c, "cursor", 300))
	if err != nil {
		return err
	}
	for _, one := range list {
		v.Mails = append(v.Mails, MailRow{URL: "/dev/mail/" + url.PathEscape(one.ID), To: addresses(one.To), Subject: orElse(one.Subject, "(no subject)"), At: one.CapturedAt})
	}
	v.Pages = kit.CursorPages(c, next)
	return kit.Render(c, fiber.StatusOK, Mailbox(v))
}

// searchMails reads a page of mails, or, with a query, the first that match.
func (h *Handlers) searchMails(query, cursor string) ([]mail.Captured, string, error) {
	if query == "" {
		return h.Mailbox.List(mailsPerPage, cursor)
	}
	find := strings.ToLower(query)
	var found []mail.Captured
	for looked := 0; looked < mailsLooked; looked += mailsPerPage {
		list, next, err := h.Mailbox.List(mailsPerPage, cursor)
		if err != nil {
			return nil, "", err
		}
		for _, one := range list {
			if strings.Contains(strings.ToLower(one.Subject+"\n"+addresses(one.To)), find) {
				found = append(found, one)
			}
		}
		if cursor = next; next == "" || len(found) >= mailsPerPage {
			break
		}
	}
	return found, cursor, nil
}

func addresses(list []mail.Address) string {
	var all []string
	for _, one := range list {
		all = append(all, one.Email)
	}
	return strings.Join(all, ", ")
}

func (h *Handlers) openMail(c *fiber.Ctx) (mail.CapturedMail, error) {
	if h.Mailbox == nil {
		return mail.CapturedMail{}, fiber.ErrNotFound
	}
	opened, err := h.Mailbox.Open(kit.Param(c, "id"))
	if errors.Is(err, mail.ErrNoMail) {
		return opened, fault.New(fault.NotFound, "There is no such mail.")
	}
	return opened, err
}

// CapturedMail is one mail. GET /dev/mail/:id for everybody, where mail is captured.
func (h *Handlers) CapturedMail(c *fiber.Ctx) error {
	opened, err := h.openMail(c)
	if err != nil {
		return err
	}
	v := MailView{Page: h.Kit.Page(c, ui.AreaPortal, opened.Subject), From: opened.From.Email, To: addresses(opened.To), Subject: orElse(opened.Subject, "(no subject)"),
		At: opened.CapturedAt, Links: linksOf(opened.Text), Text: opened.Text}
	for _, field := range opened.Header {
		if name := strings.ToLower(field.Name); strings.HasPrefix(name, "list-") || name == "message-id" || name == "reply-to" || name == "auto-submitted" {
			v.Headers = append(v.Headers, ui.Fact{Label: field.Name, Text: field.Value})
		}
	}
	if opened.HTML != "" {
		v.RawURL = "/dev/mail/" + url.PathEscape(opened.ID) + "/raw"
	}
	for i, file := range opened.Attachments {
		at := "/dev/mail/" + url.PathEscape(opened.ID) + "/attachments/" + strconv.Itoa(i+1)
		v.Files = append(v.Files, ui.FileLink{Name: file.Name, URL: at, Detail: file.ContentType + ", " + ui.Bytes(int64(len(file.Content)))})
	}
	return kit.Render(c, fiber.StatusOK, Mail(v))
}

var linkPattern = regexp.MustCompile(`https?://[^\s<>"]+`)

func linksOf(text string) []string {
	var links []string
	seen := map[string]bool{}
	for _, link := range linkPattern.FindAllString(text, linksShown) {
		link = strings.TrimRight(link, ".,;:)")
		if !seen[link] {
			seen[link] = true
			links = append(links, link)
		}
	}
	return links
}

// CapturedAttachment is one file of a mail, counted from 1, as a download. GET
// /dev/mail/:id/attachments/:number for everybody, where mail is captured.
func (h *Handlers) CapturedAttachment(c *fiber.Ctx) error {
	opened, err := h.openMail(c)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(kit.Param(c, "number"))
	if err != nil || number < 1 || number > len(opened.Attachments) {
		return fault.New(fault.NotFound, "This mail has no such file.")
	}
	file := opened.Attachments[number-1]
	c.Set(fiber.HeaderContentType, "application/octet-stream")
	c.Set(fiber.HeaderContentSecurityPolicy, documentPolicy(""))
	c.Set(fiber.HeaderContentDisposition, dispositionOf("attachment", file.Name))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(file.Content)
}

// CapturedHTML is a mail's HTML part, for the frame on its page: nothing in it
// may run, load or submit. GET /dev/mail/:id/raw for everybody, where mail is
// captured.
func (h *Handlers) CapturedHTML(c *fiber.Ctx) error {
	opened, err := h.openMail(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "SAMEORIGIN")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox")
	return c.SendString(opened.HTML)
}
