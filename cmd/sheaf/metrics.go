package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// metrics are this process's figures, and the counts of rows that wait.
type metrics struct {
	registry *prometheus.Registry
	tasks    *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	hooks    *prometheus.CounterVec
}

func newMetrics(db *store.DB, now func() time.Time) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), tasks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sheaf_task_seconds", Help: "How long handled tasks took, by task and result.", Buckets: []float64{.005, .02, .1, .5, 2, 10, 40}}, []string{"task", "result"}), requests: requestHistogram(), hooks: hookCounter()}
	m.registry.MustRegister(m.tasks, m.requests, m.hooks, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &waiting{db: db, now: now})
	return m
}

func (m *metrics) task(task string, failed bool, took time.Duration) {
	result := "ok"
	if failed {
		result = "failed"
	}
	m.tasks.WithLabelValues(task, result).Observe(took.Seconds())
}

// waiting counts rows by state when it is asked.
type waiting struct {
	db  *store.DB
	now func() time.Time
}

var waitingRows = prometheus.NewDesc("sheaf_rows", "Rows of effects on the outside, by table and state; done ones are left out.", []string{"table", "state"}, nil)

// Describe implements prometheus.Collector.
func (w *waiting) Describe(out chan<- *prometheus.Desc) { out <- waitingRows }

// Collect implements prometheus.Collector. A database that does not answer
// gives no figures, which is what an alert on absence is for.
func (w *waiting) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, table := range []store.JobTable{outbox.Deliveries, outbox.Mails, payment.Transfers, reminder.Digests} {
		counts, err := w.db.CountJobs(ctx, table)
		if err != nil {
			out <- prometheus.NewInvalidMetric(waitingRows, err)
			continue
		}
		for state, n := range counts {
			out <- prometheus.MustNewConstMetric(waitingRows, prometheus.GaugeValue, float64(n), string(table), state)
		}
	}
}
