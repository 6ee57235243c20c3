package access

import (
	"context"
	"time"
)

// How long what is dead is kept, so that a late visitor is told why it no
// longer works rather than that it never was.
const (
	keepLinks       = 24 * time.Hour
	keepSessions    = 7 * 24 * time.Hour
	keepDigestLinks = 90 * 24 * time.Hour
)

const (
	purgeBatch   = 500
	purgeBatches = 40 // a table, a run
)

// Purged counts what PurgeExpired deleted.
type Purged struct{ SignInLinks, Sessions, DigestLinks int }

// PurgeExpired deletes links and sessions that have been dead for a while, in
// small batches and at most 20,000 of each: the next run goes on.
func (s *Service) PurgeExpired(ctx context.Context) (Purged, error) {
	now := s.now()
	var purged Purged
	for _, task := range []struct {
		count  *int
		table  string
		dead   string
		before time.Time
	}{
		{&purged.SignInLinks, "sign_in_links", "expires_at < ?", now.Add(-keepLinks)},
		{&purged.Sessions, "sessions", "(expires_at < ? OR revoked_at < ?)", now.Add(-keepSessions)},
		{&purged.DigestLinks, "digest_links", "(expires_at < ? OR revoked_at < ?)", now.Add(-keepDigestLinks)},
	} {
		for range purgeBatches {
			n, err := deleteDead(ctx, s.DB, task.table, task.dead, task.before, purgeBatch)
			*task.count += n
			if err != nil {
				return purged, err
			}
			if n < purgeBatch {
				break
			}
		}
	}
	return purged, nil
}
