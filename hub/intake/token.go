package intake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// tokens keeps one connection's token, sealed in its row. It implements
// connectors.TokenStore.
type tokens struct {
	service      *Service
	connectionID string
}

var _ connectors.TokenStore = tokens{}

func tokenContext(connectionID string) string { return "connection-token:" + connectionID }

// KeepToken keeps what a person got by signing in at the books, in the place of
// whatever there was. The connection is due at once.
func (s *Service) KeepToken(ctx context.Context, actor access.Actor, vendorID, connectionID string, token connectors.Token) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, err := s.lockOwn(ctx, tx, vendorID, connectionID)
		if err != nil {
			return err
		}
		if connection.Token, err = (tokens{s, connectionID}).sealed(token); err != nil {
			return err
		}
		connection.NextSyncAt, connection.UpdatedAt = s.now(), s.now()
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "connection.signed_in", SubjectKind: "connection", SubjectID: connection.ID, VendorID: vendorID})
	})
}

// Token implements connectors.TokenStore.
func (t tokens) Token(ctx context.Context) (connectors.Token, error) {
	connection, found, err := readConnection(ctx, t.service.DB, t.connectionID)
	if err != nil {
		return connectors.Token{}, err
	}
	if !found {
		return connectors.Token{}, noSuch("connection")
	}
	return t.opened(connection)
}

// Replace implements connectors.TokenStore.
func (t tokens) Replace(ctx context.Context, was, next connectors.Token) (connectors.Token, error) {
	kept := next
	err := t.service.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		connection, found, err := lockConnection(ctx, t.service.DB, tx, t.connectionID)
		if err != nil {
			return err
		}
		if !found || !connection.DisabledAt.IsZero() {
			return noSuch("connection")
		}
		if kept, err = t.opened(connection); err != nil || !same(kept, was) {
			return err
		}
		kept = next
		if connection.Token, err = t.sealed(next); err != nil {
			return err
		}
		return updateConnection(ctx, tx, connection)
	})
	return kept, err
}

// same compares moments, not their spelling.
func same(a, b connectors.Token) bool {
	return a.Access == b.Access && a.Refresh == b.Refresh && a.ExpiresAt.Equal(b.ExpiresAt)
}

func (t tokens) opened(connection Connection) (connectors.Token, error) {
	var token connectors.Token
	if connection.Token == "" {
		return token, fmt.Errorf("%w: sign in there first", connectors.ErrCredentials)
	}
	plain, err := t.service.Sealer.Open(connection.Token, tokenContext(connection.ID))
	if err != nil {
		return token, err
	}
	if err := json.Unmarshal([]byte(plain), &token); err != nil {
		return token, fmt.Errorf("decode a token: %w", err)
	}
	return token, nil
}

func (t tokens) sealed(token connectors.Token) (string, error) {
	encoded, err := json.Marshal(token)
	if err != nil {
		return "", fmt.Errorf("encode a token: %w", err)
	}
	return t.service.Sealer.Seal(string(encoded), tokenContext(t.connectionID))
}
