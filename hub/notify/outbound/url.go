package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"code.dny.dev/ssrf"
)

// MaxURL is the longest address that a vendor can save, in bytes.
const MaxURL = 2048

// CheckURL says whether a vendor may save this address as an endpoint. The
// error wraps ErrAddress and is written for the person who typed it. It looks
// at the text alone: where a name leads is decided whenever it is called.
func (c *Client) CheckURL(raw string) error {
	if raw == "" {
		return refuse("it is empty")
	}
	if len(raw) > MaxURL {
		return refuse("it has %d characters, and %d are allowed", len(raw), MaxURL)
	}
	for i, r := range raw {
		if r <= ' ' || r == 0x7f || r == '\\' {
			return refuse("character %d is a space, a backslash or a control character", i+1)
		}
	}
	if strings.Contains(raw, "#") {
		return refuse("the part from # on is never sent: leave it out")
	}
	parsed, err := url.Parse(raw)
	if err != nil {
		return refuse("it is not a URL: write it like https://hooks.vendor.example/sheaf")
	}
	return c.checkURL(parsed)
}

func (c *Client) checkURL(parsed *url.URL) error {
	host, port := parsed.Hostname(), parsed.Port()
	if parsed.Scheme != "https" && parsed.Scheme != "http" {
		return refuse("it must begin with https://")
	}
	if parsed.Opaque != "" || host == "" {
		return refuse("it has no host: write it like https://hooks.vendor.example/sheaf")
	}
	if parsed.User != nil {
		return refuse("it holds a user name or password: leave that out, the webhook's signature proves who sends it")
	}
	if parsed.Fragment != "" || parsed.RawFragment != "" {
		return refuse("the part from # on is never sent: leave it out")
	}
	if strings.HasSuffix(parsed.Host, ":") {
		return refuse("there is no port number after the colon")
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 || strconv.FormatUint(number, 10) != port {
		return refuse("the port %s is not a number from 1 to 65535", port)
	}
	if c.allow.named(host, port) {
		return nil
	}
	return c.checkHost(parsed.Scheme, host)
}

// checkHost judges a host that was not allowed by its own name.
func (c *Client) checkHost(scheme, host string) error {
	if address, err := netip.ParseAddr(host); err == nil {
		if c.allow.within(address) {
			return nil
		}
		if scheme != "https" {
			return refuse("it must begin with https://")
		}
		if address.Zone() != "" || !public(address) {
			return refuse("%s is a private or reserved network address, which the hub cannot call", host)
		}
		return nil
	}
	// Without an allowed network no plain call can succeed; with one, the name
	// may lead into it, and the dialer sees.
	if scheme != "https" && len(c.allow.networks) == 0 {
		return refuse("it must begin with https://")
	}
	if badHostName(host) {
		return refuse("%q is not a host name: use the form that DNS knows, in letters, digits, dots and hyphens", host)
	}
	name := canonicalHost(host)
	if len(c.allow.networks) == 0 && (!strings.Contains(name, ".") || localName(name)) {
		return refuse("%s is a name of a private network, which the hub cannot call", host)
	}
	return nil
}

// public asks the very guard that judges when dialling.
func public(address netip.Addr) bool {
	network := "tcp6"
	if address.Is4() {
		network = "tcp4"
	}
	return ssrf.New().Safe(network, netip.AddrPortFrom(address, 443).String(), nil) == nil
}

// localName knows the names that by definition never lead to the internet.
func localName(name string) bool {
	for _, suffix := range []string{".localhost", ".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// badHostName refuses what is no DNS name, and what some resolvers read as an
// address in disguise ("127.1", "0x7f.0.0.1", "2130706433"): a real name's
// last label has a letter, and is not a hexadecimal number.
func badHostName(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "" || len(name) > 253 {
		return true
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return true
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return true
			}
		}
	}
	last := labels[len(labels)-1]
	if strings.HasPrefix(last, "0x") {
		return true
	}
	return strings.Trim(last, "0123456789") == ""
}

func refuse(format string, arguments ...any) error {
	return fmt.Errorf("%w: %s", ErrAddress, fmt.Sprintf(format, arguments...))
}
