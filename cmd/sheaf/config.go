package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/mail/smtp"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// settings are what the environment and the same-named flags say; a flag that
// is given wins.
type settings struct {
	Addr, PublicURL, Data, DatabaseURL, RedisURL, SMTPURL, SecretKeys string
	StripeKey, StripeWebhookSecret, StripeAPIBase, StripeCurrencies   string
	AllowPrivateHosts, Folders, MailFrom, HubName, Postal, HelpURL    string
	DKIMDomain, DKIMSelector, DKIMKeyFile                             string
	TrustedProxies, OperatorEmail, LogFormat                          string
}

// setting is one of them by its names.
type setting struct {
	env, flag, fallback, help string
	value                     *string
}

func (s *settings) list() []setting {
	return []setting{
		{"SHEAF_ADDR", "addr", "127.0.0.1:8080", "address to listen on", &s.Addr},
		{"SHEAF_PUBLIC_URL", "public-url", "", "the hub's own address in links (default: http://localhost with the port of --addr)", &s.PublicURL},
		{"SHEAF_DATA", "data", "data", "folder of the embedded default: database, key, captured mail", &s.Data},
		{"SHEAF_DATABASE_URL", "database-url", "", "postgres://…; empty: SQLite in --data", &s.DatabaseURL},
		{"SHEAF_REDIS_URL", "redis-url", "", "redis://… or redis-sentinel://…; empty: in this process", &s.RedisURL},
		{"SHEAF_SMTP_URL", "smtp-url", "", "smtp://user:password@host:port; empty: mails are captured and read at /dev/mail", &s.SMTPURL},
		{"SHEAF_SECRET_KEYS", "secret-keys", "", "keys that seal credentials, base64 of 32 bytes each, separated by commas: the first seals, all open", &s.SecretKeys},
		{"STRIPE_SECRET_KEY", "stripe-secret-key", "", "pays through Stripe", &s.StripeKey},
		{"STRIPE_WEBHOOK_SECRET", "stripe-webhook-secret", "", "verifies Stripe's messages: the signing secrets of the webhook endpoints, separated by commas", &s.StripeWebhookSecret},
		{"STRIPE_API_BASE", "stripe-api-base", "", "another address for Stripe's API: a mock's", &s.StripeAPIBase},
		{"STRIPE_CURRENCIES", "stripe-currencies", "", "the currencies that the platform's account at Stripe keeps its money in, separated by commas; others are not taken; empty: all of Stripe's", &s.StripeCurrencies},
		{"SHEAF_ALLOW_PRIVATE_HOSTS", "allow-private-hosts", "", "hosts or networks, separated by commas, that outgoing calls may reach although private, over plain HTTP too", &s.AllowPrivateHosts},
		{"SHEAF_FOLDERS", "folders", "", "folder whose folders are watched for vendors' files, each named by its vendor's id; empty: none are", &s.Folders},
		{"SHEAF_MAIL_FROM", "mail-from", "", "who sends mail: Name <address> (default: reminders@ the host of the public URL)", &s.MailFrom},
		{"SHEAF_HUB_NAME", "hub-name", "Sheaf", "the hub's name on pages and in mails", &s.HubName},
		{"SHEAF_POSTAL_ADDRESS", "postal-address", "", "postal address at the end of mails, lines separated by |", &s.Postal},
		{"SHEAF_HELP_URL", "help-url", "", "where mails and pages send people for help", &s.HelpURL},
		{"SHEAF_DKIM_DOMAIN", "dkim-domain", "", "signs mail for this domain", &s.DKIMDomain},
		{"SHEAF_DKIM_SELECTOR", "dkim-selector", "", "the selector of the DKIM key", &s.DKIMSelector},
		{"SHEAF_DKIM_KEY_FILE", "dkim-key-file", "", "the DKIM private key, PEM", &s.DKIMKeyFile},
		{"SHEAF_TRUSTED_PROXIES", "trusted-proxies", "", "addresses or networks, separated by commas, of the proxies in front", &s.TrustedProxies},
		{"SHEAF_OPERATOR_EMAIL", "operator-email", "", "may sign in at /operator from the first start on", &s.OperatorEmail},
		{"SHEAF_LOG_FORMAT", "log-format", "text", "text or json", &s.LogFormat},
	}
}

func (s *settings) flags(flags *pflag.FlagSet) {
	for _, setting := range s.list() {
		fallback := setting.fallback
		if value, given := os.LookupEnv(setting.env); given {
			fallback = value
		}
		flags.StringVar(setting.value, setting.flag, fallback, setting.help+" ["+setting.env+"]")
		flags.Lookup(setting.flag).DefValue = setting.fallback // help must not show secrets of the environment
	}
}

// config is the settings, checked.
type config struct {
	settings
	public      *url.URL
	from        mail.Address
	sealer      *store.Sealer
	allow       []string
	footer      letter.Footer
	listID      string
	dkim        smtp.DKIM
	proxies     []string
	currencies  []money.Currency // that Stripe keeps for the platform; empty: any
	keyIsOnDisk bool             // the embedded default keeps its own key
}

// check reads the settings and says everything that is wrong with them at once.
func (s *settings) check() (*config, error) {
	c := &config{settings: *s}
	problems := []error{c.checkAddresses(), c.checkMail(), c.checkGateway(), c.checkKeys()}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		problems = append(problems, fmt.Errorf("SHEAF_LOG_FORMAT is %q; use text or json", c.LogFormat))
	}
	c.allow, c.proxies = listOf(c.AllowPrivateHosts), listOf(c.TrustedProxies)
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the settings are wrong:\n%w", err)
	}
	return c, nil
}

func listOf(text string) []string {
	var list []string
	for _, entry := range strings.Split(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}

func (c *config) checkAddresses() error {
	_, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("SHEAF_ADDR is %q; write host:port, such as 127.0.0.1:8080", c.Addr)
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://localhost:" + port
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	public, err := url.Parse(c.PublicURL)
	if err != nil || (public.Scheme != "http" && public.Scheme != "https") || public.Host == "" || public.Path != "" || public.RawQuery != "" {
		return fmt.Errorf("SHEAF_PUBLIC_URL is %q; write it like https://pay.hub.example, without a path", c.PublicURL)
	}
	c.public = public
	c.listID = "digest." + public.Hostname()
	if c.RedisURL != "" && !strings.Contains(c.RedisURL, "://") {
		return fmt.Errorf("SHEAF_REDIS_URL is %q; write it like redis://127.0.0.1:6379/0", c.RedisURL)
	}
	return nil
}

func (c *config) checkMail() error {
	if c.MailFrom == "" {
		host := "localhost.localdomain"
		if c.public != nil && strings.Contains(c.public.Hostname(), ".") && net.ParseIP(c.public.Hostname()) == nil {
			host = c.public.Hostname()
		}
		c.MailFrom = c.HubName + " <reminders@" + host + ">"
	}
	name, address, found := strings.Cut(c.MailFrom, "<")
	if !found {
		name, address = c.HubName, c.MailFrom
	}
	clean, err := mail.CleanAddress(strings.TrimSuffix(strings.TrimSpace(address), ">"))
	if err != nil {
		return fmt.Errorf("SHEAF_MAIL_FROM is %q; write it like Sheaf <reminders@hub.example>", c.MailFrom)
	}
	c.from = mail.Address{Name: strings.Trim(strings.TrimSpace(name), `"`), Email: clean}
	c.footer = letter.Footer{HubName: c.HubName, HelpURL: c.HelpURL}
	for _, line := range strings.Split(c.Postal, "|") {
		if line = strings.TrimSpace(line); line != "" {
			c.footer.Postal = append(c.footer.Postal, line)
		}
	}
	if c.DKIMDomain == "" && c.DKIMKeyFile == "" {
		return nil
	}
	key, err := os.ReadFile(c.DKIMKeyFile)
	if err != nil {
		return fmt.Errorf("SHEAF_DKIM_KEY_FILE cannot be read: %w", err)
	}
	c.dkim = smtp.DKIM{Domain: c.DKIMDomain, Selector: c.DKIMSelector, PrivateKeyPEM: string(key)}
	return nil
}

// checkKeys opens the keys that seal secrets. The embedded default makes its
// own and keeps it beside its database; production must bring them.
func (c *config) checkKeys() error {
	if c.SecretKeys == "" && c.DatabaseURL != "" {
		return errors.New("SHEAF_SECRET_KEYS is empty: with PostgreSQL, set at least one key (openssl rand -base64 32)")
	}
	if c.SecretKeys == "" {
		key, err := keyOnDisk(c.Data)
		if err != nil {
			return err
		}
		c.SecretKeys, c.keyIsOnDisk = key, true
	}
	sealer, err := store.NewSealer(c.SecretKeys)
	c.sealer = sealer
	return err
}

func keyOnDisk(folder string) (string, error) {
	path := filepath.Join(folder, "secret.key")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("SHEAF_DATA: %w", err)
	}
	// O_EXCL: of two processes that start at once, one writes and the other reads
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		key := store.NewSealKey()
		_, writeErr := file.WriteString(key + "\n")
		if err := errors.Join(writeErr, file.Sync(), file.Close()); err != nil {
			return "", fmt.Errorf("keep the key in %s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("SHEAF_DATA: %w", err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}
