package stripefake

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// fileMost is the largest piece of evidence, in bytes.
const fileMost = 5 << 20

// File is an uploaded file.
type File struct {
	ID, Name, Purpose, Type string
	Content                 []byte
	Created                 time.Time
}

// multipartFile is the file of a request.
type multipartFile struct {
	name    string
	content []byte
}

// readMultipart reads a form with a file. The error is a broken connection.
func (c *call) readMultipart(r *http.Request, values url.Values) (url.Values, error) {
	reader, err := r.MultipartReader()
	if err != nil {
		values.Set("", "unreadable")
		return values, nil
	}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		if err := c.readPart(part, values); err != nil {
			return nil, err
		}
	}
}

func (c *call) readPart(part *multipart.Part, values url.Values) error {
	content, err := io.ReadAll(io.LimitReader(part, 2*fileMost))
	if err != nil {
		return err
	}
	if part.FileName() != "" && part.FormName() == "file" {
		c.body = &multipartFile{name: path.Base(part.FileName()), content: content}
		return nil
	}
	values.Add(part.FormName(), string(content))
	return nil
}

func (f *Fake) createFile(c *call) (obj, error) {
	purpose := c.p.oneOf("purpose", "dispute_evidence", "identity_document", "business_logo", "business_icon", "additional_verification", "customer_signature")
	if purpose == "" {
		c.p.need("purpose")
	}
	c.p.ignore("file_link_data")
	if c.body == nil {
		c.p.fail(invalid("file", "parameter_missing", "Missing required param: file."))
	}
	if err := c.p.done(); err != nil {
		return nil, err
	}
	kind := fileType(c.body.content)
	switch {
	case len(c.body.content) == 0:
		return nil, invalid("file", "", "The file you uploaded is empty.")
	case len(c.body.content) > fileMost:
		return nil, invalid("file", "", "The file you uploaded is too large: files with the purpose %s may have at most 5 MB.", purpose)
	case !slices.Contains([]string{"pdf", "png", "jpg"}, kind):
		return nil, invalid("file", "", "Invalid file format. The supported formats are: pdf, png, jpg.")
	}
	file := &File{ID: f.id("file"), Name: c.body.name, Purpose: purpose, Type: kind, Content: c.body.content, Created: f.now}
	f.files.add(file.ID, file)
	return f.viewFile(file), nil
}

// fileType looks at how a file begins.
func fileType(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("%PDF-")):
		return "pdf"
	case bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(content, []byte("\xff\xd8\xff")):
		return "jpg"
	}
	return strings.TrimPrefix(http.DetectContentType(content), "application/")
}

func (f *Fake) viewFile(file *File) obj {
	return obj{"id": file.ID, "object": "file", "created": file.Created.Unix(), "expires_at": nil, "filename": file.Name,
		"links": list("/v1/file_links?file="+file.ID, nil), "purpose": file.Purpose, "size": len(file.Content), "title": nil, "type": file.Type,
		"url": "https://files.stripe.com/v1/files/" + file.ID + "/contents"}
}

func (f *Fake) getFile(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	file := f.files.get(c.ids[0])
	if file == nil {
		return nil, missing("file", c.ids[0], "id")
	}
	return f.viewFile(file), nil
}

// Files lists all uploaded files, oldest first.
func (f *Fake) Files() []File { return all(f, &f.files) }
