package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// hostPort is an allowed host; the port is "" when any port is.
type hostPort struct{ host, port string }

// allowList is what SHEAF_ALLOW_PRIVATE_HOSTS says.
type allowList struct {
	hosts    map[hostPort]bool
	networks []netip.Prefix
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func parseAllowList(entries []string) (allowList, error) {
	allow := allowList{hosts: make(map[hostPort]bool, len(entries))}
	for _, entry := range entries {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if strings.Contains(entry, "/") {
			network, err := netip.ParsePrefix(entry)
			if err != nil || network.Addr().Zone() != "" {
				return allowList{}, fmt.Errorf("the allowed private network %q is not one: write it like 10.1.0.0/16 or fd00::/8, and hosts without a scheme or path", entry)
			}
			allow.networks = append(allow.networks, network.Masked())
			continue
		}
		host, port := entry, ""
		if h, p, err := net.SplitHostPort(entry); err == nil {
			if number, err := strconv.ParseUint(p, 10, 16); err != nil || number == 0 {
				return allowList{}, fmt.Errorf("the allowed private host %q has no usable port: write it like erp.internal:8080", entry)
			}
			host, port = h, p
		}
		host = canonicalHost(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
		if _, err := netip.ParseAddr(host); err != nil && badHostName(host) {
			return allowList{}, fmt.Errorf("the allowed private host %q is not a host name, an address or a network", entry)
		}
		allow.hosts[hostPort{host, port}] = true
	}
	return allow, nil
}

// named reports whether the host was allowed by its own name.
func (a allowList) named(host, port string) bool {
	host = canonicalHost(host)
	return a.hosts[hostPort{host, ""}] || a.hosts[hostPort{host, port}]
}

// within reports whether the address is in an allowed network.
func (a allowList) within(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, network := range a.networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// dialer dials what the list and the guard allow. The guard is asked with the
// resolved address, once per address that a name resolves to. A plain
// connection goes to allowed hosts and networks alone, wherever the name leads.
func (a allowList) dialer(resolver *net.Resolver, plain bool) dialFunc {
	guard := ssrf.New(ssrf.WithAnyPort(), a.prefixes4(), a.prefixes6())
	control := guard.Safe
	if plain {
		control = func(_, address string, _ syscall.RawConn) error {
			resolved, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", ssrf.ErrInvalidHostPort, address)
			}
			if !a.within(resolved.Addr()) {
				return fmt.Errorf("%w: plain HTTP is only allowed to named private hosts", ErrAddress)
			}
			return nil
		}
	}
	guarded := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: resolver, Control: control}
	free := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: resolver}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && a.named(host, port) {
			return free.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
}

func (a allowList) prefixes4() ssrf.Option { return ssrf.WithAllowedV4Prefixes(a.family(true)...) }
func (a allowList) prefixes6() ssrf.Option { return ssrf.WithAllowedV6Prefixes(a.family(false)...) }

func (a allowList) family(four bool) []netip.Prefix {
	var chosen []netip.Prefix
	for _, network := range a.networks {
		if network.Addr().Is4() == four {
			chosen = append(chosen, network)
		}
	}
	return chosen
}

// canonicalHost is one spelling per host: lower case, no final dot, addresses
// as netip prints them.
func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String()
	}
	return host
}
