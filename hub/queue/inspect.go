package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Figures are one queue's numbers in Redis. Rows that are not there are not
// lost: the relay brings them again.
type Figures struct {
	Name      string
	Size      int
	Active    int
	Pending   int
	Scheduled int
	Retry     int
	Archived  int
	LatencyMS int64
	Processed int // today
	Failed    int // today
}

// Figures reads the numbers of all queues.
func (q *Queue) Figures(_ context.Context) ([]Figures, error) {
	inspector := asynq.NewInspector(q.Redis)
	defer func() { _ = inspector.Close() }()
	// a queue that never had a task, or whose Redis was emptied, is not known there
	known, err := inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("ask Redis about its queues: %w", err)
	}
	var list []Figures
	for _, name := range []string{QueueMoney, QueueNews, QueueMail} {
		if !slices.Contains(known, name) {
			list = append(list, Figures{Name: name})
			continue
		}
		info, err := inspector.GetQueueInfo(name)
		if err != nil {
			return nil, fmt.Errorf("ask Redis about queue %s: %w", name, err)
		}
		list = append(list, Figures{Name: name, Size: info.Size, Active: info.Active, Pending: info.Pending, Scheduled: info.Scheduled,
			Retry: info.Retry, Archived: info.Archived, LatencyMS: info.Latency.Milliseconds(), Processed: info.Processed, Failed: info.Failed})
	}
	return list, nil
}

// Ping asks whether Redis answers, and warns of a setting that would lose tasks.
func (q *Queue) Ping(ctx context.Context) (warning string, err error) {
	client, ok := q.Redis.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return "", errors.New("this is not a Redis client")
	}
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err != nil {
		return "", fmt.Errorf("redis does not answer: %w", err)
	}
	policy, err := client.ConfigGet(ctx, "maxmemory-policy").Result()
	if err == nil && policy["maxmemory-policy"] != "" && policy["maxmemory-policy"] != "noeviction" {
		return "maxmemory-policy is " + policy["maxmemory-policy"] + "; set it to noeviction, or Redis may drop tasks (they come again, but late)", nil
	}
	return "", nil
}
