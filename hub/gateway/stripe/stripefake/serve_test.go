package stripefake_test

import (
	"net/http/httptest"
	"testing"
)

func serve(t *testing.T, w *world) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(w)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server
}
