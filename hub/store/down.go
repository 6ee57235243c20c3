package store

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun/driver/pgdriver"
)

// Down says whether an error means that the database cannot serve just now, and
// in words why: it is being restarted, cannot be reached, has no connection
// left, or has no room. Whatever was asked may be asked again.
func Down(err error) (why string, down bool) {
	var pg pgdriver.Error
	var piped *pgconn.PgError
	var network *net.OpError
	switch {
	case err == nil:
		return "", false
	case errors.As(err, &pg):
		return downPostgres(pg.Field('C'))
	case errors.As(err, &piped):
		return downPostgres(piped.Code)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return "The hub's database does not answer just now.", true
	}
	text := err.Error()
	for _, mark := range []string{"SQLITE_FULL", "database or disk is full", "disk I/O error", "no space left on device", "file too large"} {
		if strings.Contains(text, mark) {
			return "The hub has no room left on its disk.", true
		}
	}
	if strings.Contains(text, "SQLITE_BUSY") || strings.Contains(text, "database is locked") {
		return "The hub's database is busy.", true
	}
	return "", false
}

// downPostgres reads SQLSTATE classes (PostgreSQL, appendix A): 08 connection
// exceptions, 53 out of resources, 57P shutdown, crash and start.
func downPostgres(code string) (string, bool) {
	switch {
	case code == "53100":
		return "The hub's database has no room left on its disk.", true
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "53"):
		return "The hub's database does not answer just now.", true
	}
	return "", false
}
