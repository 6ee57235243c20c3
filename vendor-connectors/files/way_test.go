package files

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// way is the network to a server, which may fail. A call is a connection.
type way struct {
	server *server
	lock   sync.Mutex
	queue  []connectortest.Trouble
	count  int
}

func (w *way) calls() int {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.count
}

// misbehave takes what can happen to a connection.
func (w *way) misbehave(troubles []connectortest.Trouble) bool {
	for _, trouble := range troubles {
		if trouble == connectortest.Throttled || trouble == connectortest.Expired {
			return false
		}
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	w.queue = append([]connectortest.Trouble{}, troubles...)
	return true
}

func (w *way) next() connectortest.Trouble {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.count++
	if len(w.queue) == 0 {
		return connectortest.Fine
	}
	trouble := w.queue[0]
	w.queue = w.queue[1:]
	return trouble
}

func (w *way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	trouble := w.next()
	if trouble == connectortest.Revoked {
		w.server.closed.Store(true)
	}
	if trouble == connectortest.Broken || trouble == connectortest.LostRequest {
		return nil, errors.New("connection refused")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	switch trouble {
	case connectortest.LostAnswer, connectortest.BrokenLate:
		return broken(conn, 12_000), nil // in the middle of a file
	case connectortest.Cut:
		return broken(conn, 2_000), nil // while signing in, or soon after
	case connectortest.Nonsense:
		return nonsense{conn}, nil
	case connectortest.Silent:
		return silent{conn}, nil
	}
	return conn, nil
}

// cut ends a connection after some bytes.
type cut struct {
	net.Conn
	left *atomic.Int64
}

func broken(conn net.Conn, after int64) net.Conn {
	c := cut{conn, &atomic.Int64{}}
	c.left.Store(after)
	return c
}

func (c cut) Read(p []byte) (int, error) {
	if c.left.Load() <= 0 {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p)
	c.left.Add(-int64(n))
	return n, err
}

// nonsense says what no server says.
type nonsense struct{ net.Conn }

func (n nonsense) Read(p []byte) (int, error) {
	read, err := n.Conn.Read(p)
	for i := range read {
		p[i] ^= 0x2a
	}
	return read, err
}

// silent never says anything.
type silent struct{ net.Conn }

func (s silent) Read(p []byte) (int, error) {
	for {
		if _, err := s.Conn.Read(p); err != nil {
			return 0, err
		}
	}
}
