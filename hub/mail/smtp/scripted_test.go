package smtp

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

// scripted is a server for what the real one in mailtest cannot be brought to:
// it answers each command with what the script says for its verb ("" drops the
// connection, "." answers the final dot, "<" is the greeting).
func scripted(t *testing.T, script map[string]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, script)
		}
	}()
	return "smtp://" + listener.Addr().String()
}

func serve(conn net.Conn, script map[string]string) {
	defer conn.Close()
	reply := func(verb string) bool {
		answer, planned := script[verb]
		if !planned {
			answer = map[string]string{"<": "220 hello", "DATA": "354 go", "EHLO": "250 hello"}[verb]
			if answer == "" {
				answer = "250 fine"
			}
		}
		if answer == "silence" {
			time.Sleep(time.Second)
			return false
		}
		if answer == "" {
			return false
		}
		_, err := conn.Write([]byte(answer + "\r\n"))
		return err == nil
	}
	if !reply("<") {
		return
	}
	lines, inData := bufio.NewScanner(conn), false
	for lines.Scan() {
		verb, _, _ := strings.Cut(lines.Text(), " ")
		if inData {
			if lines.Text() != "." {
				continue
			}
			inData, verb = false, "."
		}
		if !reply(verb) {
			return
		}
		inData = verb == "DATA" && (script[verb] == "" || strings.HasPrefix(script[verb], "354"))
	}
}

func TestScriptedServers(t *testing.T) {
	for _, c := range []struct {
		name   string
		script map[string]string
		want   error
	}{
		{"fine", nil, nil},
		{"EHLO unknown, HELO known", map[string]string{"EHLO": "502 what"}, nil},
		{"EHLO and HELO refused", map[string]string{"EHLO": "550 no", "HELO": "550 no"}, mail.ErrDeferred},
		{"DATA 4xx", map[string]string{"DATA": "451 later"}, mail.ErrDeferred},
		{"DATA 5xx", map[string]string{"DATA": "554 no"}, mail.ErrRejected},
		{"DATA drop", map[string]string{"DATA": ""}, mail.ErrDeferred},
		{"DATA silence", map[string]string{"DATA": "silence"}, mail.ErrDeferred},
		{"DATA nonsense", map[string]string{"DATA": "hello?"}, mail.ErrDeferred},
		{"dot 250", map[string]string{".": "250 taken"}, nil},
		{"dot 421", map[string]string{".": "421 closing"}, mail.ErrDeferred},
		{"dot 552", map[string]string{".": "552 full"}, mail.ErrRejected},
		{"dot drop", map[string]string{".": ""}, mail.ErrUnknown},
		{"dot silence", map[string]string{".": "silence"}, mail.ErrUnknown},
		{"dot nonsense", map[string]string{".": "hello?"}, mail.ErrUnknown},
		{"dot half a line", map[string]string{".": "25"}, mail.ErrUnknown},
		{"QUIT drop", map[string]string{"QUIT": ""}, nil},
		{"QUIT 5xx", map[string]string{"QUIT": "500 what"}, nil},
		{"greeting silence", map[string]string{"<": "silence"}, mail.ErrDeferred},
		{"greeting of another protocol", map[string]string{"<": "SSH-2.0-x"}, mail.ErrDeferred},
		{"RCPT silence", map[string]string{"RCPT": "silence"}, mail.ErrDeferred},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			only(t, sender(t, Config{URL: scripted(t, c.script), SendTimeout: 300 * time.Millisecond}).Send(t.Context(), digest()), c.want)
		})
	}
}

// A server that stops reading inside the message has surely not taken it.
func TestBreakInsideTheMessageIsDeferred(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, reset := range []bool{true, false} {
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lines := bufio.NewReader(conn)
			conn.Write([]byte("220 hello\r\n"))
			for _, answer := range []string{"250 hello", "250 fine", "250 fine", "354 go"} {
				lines.ReadString('\n')
				conn.Write([]byte(answer + "\r\n"))
			}
			if reset {
				lines.ReadString('\n')
				conn.(*net.TCPConn).SetLinger(0)
			} else {
				time.Sleep(700 * time.Millisecond)
			}
			conn.Close()
		}()
		message := digest()
		message.Text = strings.Repeat("a line of some length\n", 400_000)
		s := sender(t, Config{URL: "smtp://" + listener.Addr().String(), SendTimeout: 400 * time.Millisecond})
		only(t, s.Send(t.Context(), message), mail.ErrDeferred)
	}
}

func TestCheckNamesASilentServer(t *testing.T) {
	s := sender(t, Config{URL: scripted(t, map[string]string{"<": "silence"}), SendTimeout: 100 * time.Millisecond})
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("%v", err)
	}
	s = sender(t, Config{URL: scripted(t, map[string]string{"NOOP": "421 closing"})})
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "421") {
		t.Errorf("%v", err)
	}
}
