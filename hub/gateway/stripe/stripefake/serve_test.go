package stripefake_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"
)

func serve(t *testing.T, w *world) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(w)
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server
}

// sleeper tells that somebody sleeps, and wakes when told.
func sleeper(sleeping chan<- struct{}, wake <-chan struct{}) func(context.Context, time.Duration) error {
	return func(ctx context.Context, _ time.Duration) error {
		sleeping <- struct{}{}
		select {
		case <-wake:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Second):
			return context.DeadlineExceeded
		}
	}
}
