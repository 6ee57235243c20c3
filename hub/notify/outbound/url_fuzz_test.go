package outbound

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// FuzzCheckURL holds that whatever a vendor may save is an HTTPS address that
// net/http reads the same way: no credentials, no fragment, no private address.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://hooks.vendor.example/x?y=z", "https://127.0.0.1", "https://[::ffff:10.0.0.1]:443/", "https://a@b.example#c",
		"https://2130706433/", "http://vendor.example", "https://vendor.example:443.", "https:\\\\10.0.0.1", "https://0x7f.1/", "//vendor.example"} {
		f.Add(seed)
	}
	strict, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strict.CheckURL(raw) != nil {
			return
		}
		request, err := http.NewRequest(http.MethodPost, raw, nil)
		if err != nil {
			t.Fatalf("%q is accepted, and cannot be called: %v", raw, err)
		}
		host := request.URL.Hostname()
		if request.URL.Scheme != "https" || request.URL.User != nil || request.URL.Fragment != "" || host == "" || len(raw) > MaxURL {
			t.Fatalf("%q is accepted", raw)
		}
		if address, err := netip.ParseAddr(host); err == nil {
			if !public(address) {
				t.Fatalf("%q is accepted, and %s is private", raw, address)
			}
			return
		}
		if !strings.Contains(strings.TrimSuffix(host, "."), ".") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
			t.Fatalf("%q is accepted, and %s is a private name", raw, host)
		}
	})
}
