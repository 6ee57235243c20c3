package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// said is a gateway's list of messages, the oldest first; it pages as Stripe
// does, by tens, and goes away after so many pages.
type said struct {
	list  []payment.Hint
	pages int // asked for so far
	quits int // the page at which it fails; 0: never
}

func (s *said) ListHints(_ context.Context, since, until time.Time, cursor string) ([]payment.Hint, string, error) {
	s.pages++
	if s.pages == s.quits {
		return nil, "", errors.New("it went away")
	}
	end := len(s.list)
	if cursor != "" {
		end, _ = strconv.Atoi(cursor)
	}
	var page []payment.Hint
	for i := end - 1; i >= 0; i-- {
		if at := s.list[i].At; at.Unix() >= since.Unix() && at.Unix() < until.Unix() {
			if len(page) == 10 {
				return page, strconv.Itoa(i + 1), nil
			}
			page = append(page, s.list[i])
		}
	}
	return page, "", nil
}

func (s *said) say(n int, from time.Time, apart time.Duration) {
	for range n {
		s.list = append(s.list, payment.Hint{EventID: fmt.Sprintf("evt_%06d", len(s.list)), Type: "balance.available", At: from})
		from = from.Add(apart)
	}
}

func TestALongListIsReadWindowByWindow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
		list := &said{}
		list.say(200, now.Add(-20*24*time.Hour), time.Minute)
		list.say(1_200, now.Add(-3*time.Hour), 5*time.Second) // a busy hour and more
		service := &payment.Service{DB: db, Gateway: &sandbox.Gateway{DB: db}, Messages: list, Now: func() time.Time { return now }}
		list.quits = 230
		first, err := service.CatchUp(t.Context())
		if err == nil || first == 0 {
			t.Fatalf("%d, %v: it should have got somewhere and failed", first, err)
		}
		before := list.pages
		second, err := service.CatchUp(t.Context())
		if err != nil || first+second != len(list.list) {
			t.Fatalf("%d and then %d of %d, %v", first, second, len(list.list), err)
		}
		t.Logf("%d messages, then %d; %d pages, then %d", first, second, before, list.pages-before)
		now = now.Add(time.Hour)
		before = list.pages
		if again, err := service.CatchUp(t.Context()); err != nil || again != 0 || list.pages-before > 2 {
			t.Errorf("%d again by %d pages, %v", again, list.pages-before, err)
		}
	})
}

func TestMoreMessagesInASecondThanARunReadsIsSaid(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	list := &said{}
	list.say(600, now.Add(-time.Hour), 0)
	db := storetest.SQLite(t)
	service := &payment.Service{DB: db, Gateway: &sandbox.Gateway{DB: db}, Messages: list, Now: func() time.Time { return now }}
	if n, err := service.CatchUp(t.Context()); err == nil || n != 500 {
		t.Fatalf("%d, %v", n, err)
	}
}
