package example

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Fetch is connectors.Connector.Fetch. Papers are fetched when somebody opens one:
// a pull that carried them all would be slow and large.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	if ref == "" || ref == "." || strings.ContainsAny(ref, "/\\?#") || strings.Contains(ref, "..") {
		return connectors.Document{}, fmt.Errorf("%w: %q is not a paper of the ledger", connectors.ErrGone, ref)
	}
	var paper wirePaper
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/papers/" + url.PathEscape(ref)}, &paper); err != nil {
		return connectors.Document{}, err // 404 is ErrGone
	}
	if len(paper.Content) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: the paper is empty", connectors.ErrGone)
	}
	return connectors.Document{Name: paper.Name, ContentType: paper.ContentType, Content: paper.Content, Held: connectors.HoldReason(paper.Content)}, nil
}
