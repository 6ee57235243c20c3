package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// resolverTo is a real DNS server on loopback that answers every A question
// with the next of the addresses, and then always with the last.
func resolverTo(t *testing.T, addresses ...string) (*net.Resolver, *atomic.Int64) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	asked := new(atomic.Int64)
	go func() {
		buffer := make([]byte, 512)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			question := bytes.Clone(buffer[:n])
			end := 12
			for question[end] != 0 {
				end += int(question[end]) + 1
			}
			kind := binary.BigEndian.Uint16(question[end+1:])
			answer := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end+5]...)
			if kind == 1 {
				which := min(int(asked.Add(1))-1, len(addresses)-1)
				answer[7] = 1
				four := netip.MustParseAddr(addresses[which]).As4()
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				answer = append(answer, four[:]...)
			}
			socket.WriteTo(answer, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}, asked
}

func client(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func post(t *testing.T, c *Client, target string) (Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(request)
}

func portOf(t *testing.T, raw string) string {
	t.Helper()
	parsed, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Port()
}

func TestNameThatLeadsToLoopbackIsNotCalled(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	resolver, asked := resolverTo(t, "127.0.0.1")
	c := client(t, Config{Resolver: resolver})
	target := "https://hooks.vendor.example:" + portOf(t, server.URL) + "/x"
	if err := c.CheckURL(target); err != nil {
		t.Fatalf("the text of the address is fine: %v", err)
	}
	_, err := post(t, c, target)
	if !errors.Is(err, ErrPrivate) || calls.Load() != 0 || asked.Load() == 0 {
		t.Fatalf("%v after %d calls and %d questions", err, calls.Load(), asked.Load())
	}
	if strings.Contains(err.Error(), "/x") {
		t.Errorf("the error repeats the URL: %v", err)
	}
}

// A name that is public when it is looked at and private when it is called.
func TestRebinding(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	resolver, _ := resolverTo(t, "93.184.215.14", "127.0.0.1")
	first, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.vendor.example")
	if err != nil || !public(first[0].Unmap()) {
		t.Fatalf("%v, %v", first, err)
	}
	c := client(t, Config{Resolver: resolver})
	if _, err := post(t, c, "https://rebind.vendor.example:"+portOf(t, server.URL)); !errors.Is(err, ErrPrivate) || calls.Load() != 0 {
		t.Fatalf("%v after %d calls", err, calls.Load())
	}
}

func TestDialerRefusesReservedAddresses(t *testing.T) {
	dial := allowList{}.dialer(nil, false)
	for _, address := range []string{"127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1",
		"ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1"} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		conn, err := dial(ctx, "tcp", net.JoinHostPort(address, "443"))
		cancel()
		if conn != nil {
			conn.Close()
		}
		if explained := explain("host", err); err == nil || !errors.Is(explained, ErrPrivate) {
			t.Errorf("%s: %v", address, err)
		}
		if public(netip.MustParseAddr(address)) {
			t.Errorf("%s counts as public", address)
		}
	}
	for _, address := range []string{"93.184.215.14", "8.8.8.8", "2606:4700::1111"} {
		if !public(netip.MustParseAddr(address)) {
			t.Errorf("%s counts as private", address)
		}
	}
}

func TestAllowedHosts(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Agent", r.UserAgent())
		io.WriteString(w, "taken")
	}))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	resolver, _ := resolverTo(t, "127.0.0.1")
	port, named := portOf(t, plain.URL), "http://erp.internal:"+portOf(t, plain.URL)
	for _, c := range []struct {
		allow  []string
		target string
		want   error
		status int
	}{
		{nil, plain.URL, ErrAddress, 0},
		{nil, secure.URL, ErrAddress, 0},
		{[]string{"127.0.0.0/8"}, plain.URL, nil, 200},
		{[]string{"127.0.0.1"}, plain.URL, nil, 200},
		{[]string{"127.0.0.1:" + port}, plain.URL, nil, 200},
		{[]string{"127.0.0.1:1"}, plain.URL, ErrAddress, 0},
		{[]string{"10.0.0.0/8"}, plain.URL, ErrAddress, 0},
		{[]string{"127.0.0.1"}, secure.URL, nil, 410},
		{[]string{" ERP.internal. "}, named, nil, 200},
		{[]string{"erp.internal:" + port}, named, nil, 200},
		{[]string{"erp.internal:1"}, named, ErrAddress, 0},
		{[]string{"127.0.0.0/8"}, named, nil, 200},
		{[]string{"10.0.0.0/8"}, named, ErrAddress, 0}, // leads elsewhere: plain HTTP is not for there
		{[]string{"other.internal"}, named, ErrAddress, 0},
	} {
		got, err := post(t, client(t, Config{AllowPrivate: c.allow, RootCAs: roots, Resolver: resolver}), c.target)
		if !errors.Is(err, c.want) || got.Status != c.status {
			t.Errorf("%v calling %s: %d, %v", c.allow, c.target, got.Status, err)
		}
		if got.Status == 200 && (string(got.Body) != "taken" || got.Header.Get("X-Agent") != "Sheaf") {
			t.Errorf("%s, %q", got.Body, got.Header)
		}
	}
	for _, bad := range []string{"http://erp", "10.0.0.0/33", "erp.internal:0", "erp.internal:http", "a b", "*.internal", "fe80::1%eth0/64"} {
		if _, err := New(Config{AllowPrivate: []string{bad}}); err == nil {
			t.Errorf("%q is taken as a host", bad)
		}
	}
}

func TestRedirectIsAFailure(t *testing.T) {
	var followed atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/new", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/new", func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	server := httptest.NewServer(mux)
	defer server.Close()
	got, err := post(t, client(t, Config{AllowPrivate: []string{"127.0.0.1"}}), server.URL+"/old")
	if !errors.Is(err, ErrRedirect) || got.Status != 307 || got.OK() || followed.Load() != 0 {
		t.Fatalf("%d, %v, followed %d times", got.Status, err, followed.Load())
	}
}

func TestProxyVariablesAreNotAsked(t *testing.T) {
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	resolver, _ := resolverTo(t, "127.0.0.1")
	for _, target := range []string{"http://erp.internal:9", "https://erp.internal:9"} {
		if _, err := post(t, client(t, Config{AllowPrivate: []string{"erp.internal"}, Resolver: resolver}), target); err == nil {
			t.Error("a closed port answered")
		}
	}
	if proxied.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestBodyIsBoundedAndTimeLimited(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/big":
			io.WriteString(w, strings.Repeat("x", KeptBody+1))
		case "/full":
			io.WriteString(w, strings.Repeat("x", KeptBody))
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte("as it came"))
		case "/headers":
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeader))
		case "/drip":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-release
		default:
			<-release
		}
	}))
	defer server.Close()
	defer close(release)
	c := client(t, Config{AllowPrivate: []string{"127.0.0.1"}, Timeout: 300 * time.Millisecond})
	if got, err := post(t, c, server.URL+"/big"); err != nil || len(got.Body) != KeptBody || !got.Truncated {
		t.Errorf("big: %d bytes, %v, %v", len(got.Body), got.Truncated, err)
	}
	if got, err := post(t, c, server.URL+"/full"); err != nil || len(got.Body) != KeptBody || got.Truncated {
		t.Errorf("full: %d bytes, %v, %v", len(got.Body), got.Truncated, err)
	}
	if got, err := post(t, c, server.URL+"/gzip"); err != nil || string(got.Body) != "as it came" {
		t.Errorf("gzip: %q, %v", got.Body, err)
	}
	if _, err := post(t, c, server.URL+"/headers"); err == nil {
		t.Error("unbounded headers are taken")
	}
	for _, path := range []string{"/drip", "/never"} {
		if _, err := post(t, c, server.URL+path); !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOldTLSAndUnknownCertificatesAreRefused(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	roots := x509.NewCertPool()
	roots.AddCert(old.Certificate())
	if _, err := post(t, client(t, Config{AllowPrivate: []string{"127.0.0.1"}, RootCAs: roots}), old.URL); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
	unknown := httptest.NewTLSServer(http.NotFoundHandler())
	defer unknown.Close()
	if _, err := post(t, client(t, Config{AllowPrivate: []string{"127.0.0.1"}}), unknown.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown authority: %v", err)
	}
}

func TestHTTPClientIsGuardedToo(t *testing.T) {
	guarded := client(t, Config{}).HTTP()
	guarded.CheckRedirect = nil
	for _, target := range []string{"http://vendor.example", "https://169.254.169.254/latest", "https://user:pass@vendor.example", "ftp://vendor.example"} {
		answer, err := guarded.Get(target)
		if err == nil {
			answer.Body.Close()
		}
		if !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	strict := client(t, Config{})
	for _, good := range []string{"https://hooks.vendor.example/sheaf", "https://hooks.vendor.example:8443/a?b=c", "https://8.8.8.8/x",
		"HTTPS://Hooks.Vendor.Example", "https://[2606:4700::1111]/", "https://xn--bcher-kva.example/", "https://a_b.vendor.example"} {
		if err := strict.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, words := range map[string]string{
		"": "empty", "hooks.vendor.example": "https://", "http://vendor.example": "https://", "ftp://vendor.example": "https://",
		"javascript:alert(1)": "https://", "https:vendor.example": "no host", "https://": "no host", "https:///x": "no host",
		"https://u:p@vendor.example": "user name", "https://vendor.example/#top": "#", "https://vendor.example:0": "port",
		"https://vendor.example:70000": "port", "https://vendor.example:": "port", "https://vendor.example:x": "not a URL", "https://127.0.0.1": "private",
		"https://10.1.2.3:8443": "private", "https://[::1]": "private", "https://[::ffff:10.0.0.1]": "private", "https://[fe80::1%25eth0]": "private",
		"https://localhost": "private network", "https://erp.local": "private network", "https://a.localhost": "private network", "https://intranet": "private network",
		"https://127.1": "not a host name", "https://2130706433": "not a host name", "https://0x7f.0.0.1": "not a host name", "https://vendor.0x1": "not a host name",
		"https://vendör.example": "not a host name", "https://-a.example": "not a host name", "https://a..example": "not a host name", "https://a%20b.example": "not a URL",
		"https://vendor.example/a b": "space", "https://vendor.example/\r\nX: y": "control", "https://vendor.example\\@10.0.0.1": "backslash",
		"https://vendor.example/" + strings.Repeat("x", MaxURL): "2048",
	} {
		err := strict.CheckURL(bad)
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), words) {
			t.Errorf("%.60q: %v, want words on %q", bad, err, words)
		}
	}
	open := client(t, Config{AllowPrivate: []string{"erp.internal:8080", "10.0.0.0/8", "fd00::/8"}})
	for address, ok := range map[string]bool{"http://erp.internal:8080/x": true, "http://10.2.3.4": true, "https://10.2.3.4:99": true, "http://[fd00::1]:80": true,
		"http://192.168.1.1": false, "https://192.168.1.1": false, "http://u:p@10.2.3.4": false, "http://tryton.local": true} {
		if err := open.CheckURL(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Dial is guarded as calls are: an allowed host is reached, its neighbour is not.
func TestDialIsGuardedToo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, c := range []struct {
		allow []string
		ok    bool
	}{{nil, false}, {[]string{"localhost"}, false}, {[]string{"127.0.0.1"}, true}, {[]string{"127.0.0.0/8"}, true}} {
		client, err := New(Config{AllowPrivate: c.allow})
		if err != nil {
			t.Fatal(err)
		}
		connection, err := client.Dial(t.Context(), "tcp", listener.Addr().String())
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrPrivate) {
			t.Errorf("%v: %v", c.allow, err)
		}
		if connection != nil {
			connection.Close()
		}
	}
}
