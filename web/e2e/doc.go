// Package e2e holds tests that run the real binary as a process, in both sizes,
// against real peers: a mail server, webhook receivers, Redis, PostgreSQL and a
// browser. It ships nothing.
package e2e
