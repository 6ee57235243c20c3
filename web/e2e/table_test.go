package e2e

import (
	"net/url"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// place says what one route needs so that it can be tried as somebody else.
type place struct {
	id      string     // whose id stands for :id, as town.id knows it; "" when there is none
	token   string     // what stands for :token: digest, sign-in, unsubscribe, other digest
	form    url.Values // a form, or with raw a body, that its own visitor may send
	raw     string     // JSON
	query   string     // what the address needs to lead anywhere
	owner   bool       // only for a vendor's owner
	public  bool       // answers anybody, and shows nothing of any tenant
	file    bool       // answers with a file instead of a page
	payer   bool       // for the customer whose payment it is, signed in or by the device that paid
	invited bool       // for who was invited by mail, and not for who invites
	harmful bool       // its own visitor does not try it: what follows needs what it ends
}

func fields(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// table names every route of the hub, by method and path. A route that is not
// here fails the test: somebody must say who may use it.
func table() map[string]place {
	all := map[string]place{}
	for _, part := range []map[string]place{machinePlaces(), customerPlaces(), linkPlaces(), consolePlaces(), operatorPlaces(), apiPlaces()} {
		for route, place := range part {
			all[route] = place
		}
	}
	return all
}

func machinePlaces() map[string]place {
	return map[string]place{
		"GET /healthz":          {public: true, file: true},
		"GET /readyz":           {public: true, file: true},
		"GET /metrics":          {public: true, file: true},
		"GET /assets/:name":     {public: true, file: true},
		"GET /api/openapi.json": {public: true, file: true},
		"GET /api/docs":         {public: true},
		"POST /webhooks/stripe": {public: true, file: true, raw: `{}`},
	}
}

func customerPlaces() map[string]place {
	email := fields("email", "nobody@third-cafe.example")
	return map[string]place{
		"GET /":                                     {public: true},
		"POST /sign-in":                             {public: true, form: email},
		"GET /sign-in/:token":                       {token: "sign-in"},
		"POST /sign-in/:token":                      {token: "sign-in", harmful: true},
		"POST /sign-out":                            {public: true, harmful: true},
		"POST /sign-out-everywhere":                 {harmful: true, form: fields()},
		"GET /me":                                   {},
		"POST /me/quotes":                           {form: fields("invoice", "{invoice}", "amount-{invoice}", "1.00")},
		"GET /me/quotes/:id":                        {id: "quote"},
		"POST /me/quotes/:id/payments":              {id: "quote", form: fields("hash", "x", "currency", "USD")},
		"POST /me/quotes/:id/charges":               {id: "quote", form: fields("hash", "x", "currency", "USD", "method", "{method}")},
		"POST /me/quotes/:id/schedules":             {id: "quote", form: fields("hash", "x", "currency", "USD", "method", "{method}", "date", "{soon}")},
		"GET /me/schedules":                         {},
		"POST /me/schedules/:id/cancellations":      {id: "schedule", harmful: true},
		"GET /me/methods":                           {},
		"POST /me/methods":                          {form: fields("consent", payment.ConsentVersion, "currency", "USD", "quote", "", "key", "from-the-table")},
		"GET /me/methods/setups/:id":                {id: "setup", payer: true},
		"GET /me/methods/:id":                       {id: "method"},
		"POST /me/methods/:id/removals":             {id: "method", harmful: true},
		"GET /sandbox/methods/:ref":                 {id: "sandbox setup", public: true},
		"POST /sandbox/methods/:ref":                {id: "sandbox setup", public: true, form: fields("outcome", "card")},
		"GET /me/invoices/:id":                      {id: "invoice"},
		"POST /me/invoices/:id/questions":           {id: "invoice", form: fields("text", "What is this?")},
		"POST /me/invoices/:id/disputes":            {id: "invoice", form: fields("reason", "damaged", "amount", "1.00", "note", "It broke.")},
		"POST /me/invoices/:id/promises":            {id: "invoice", form: fields("date", "{soon}", "note", "")},
		"POST /me/invoices/:id/notices":             {id: "invoice", form: fields("method", "cheque", "number", "77", "date", "{today}", "address", "")},
		"POST /me/invoices/:id/plans":               {id: "invoice", form: fields("on-0", "{soon}", "amount-0", "1000.00", "on-1", "{later}", "amount-1", "250.40", "note", "")},
		"GET /me/documents/:id":                     {id: "document", file: true},
		"GET /me/cases":                             {},
		"GET /me/cases/:id":                         {id: "case"},
		"POST /me/cases/:id/messages":               {id: "case", form: fields("text", "And?")},
		"POST /me/cases/:id/withdrawal":             {id: "case", harmful: true},
		"POST /me/vendors":                          {form: fields("answer", "all-mine")},
		"POST /me/vendors/:id":                      {id: "vendor", form: fields("answer", "mine")},
		"GET /me/payments":                          {},
		"GET /me/payments/:id":                      {id: "payment"},
		"GET /me/payments/:id/receipt.pdf":          {id: "payment", file: true},
		"GET /me/statement.pdf":                     {file: true},
		"GET /me/invoices.csv":                      {file: true},
		"GET /me/due.ics":                           {file: true},
		"GET /me/settings":                          {},
		"POST /me/settings/digest":                  {form: fields("day", "tuesday", "hour", "9", "zone", "UTC")},
		"POST /me/settings/unsubscribe":             {},
		"POST /me/settings/resubscribe":             {},
		"POST /me/settings/devices/sign-out":        {harmful: true},
		"POST /me/settings/devices/:id/sign-out":    {id: "session", harmful: true},
		"POST /me/team/invitations":                 {form: fields("email", "late@harbour-cafe.example")},
		"POST /me/team/invitations/:id/withdrawals": {id: "invitation", harmful: true},
		"POST /me/settings/links/revocations":       {harmful: true},
		"GET /me/team/invitations/:id":              {id: "invitation", invited: true},
		"POST /me/team/invitations/:id/acceptance":  {id: "invitation", invited: true, harmful: true},
		"POST /me/team/invitations/:id/refusal":     {id: "invitation", invited: true, harmful: true},
		"POST /me/team/departures":                  {harmful: true},
		"GET /pay/:id":                              {id: "payment", payer: true},
		"GET /pay/:id/receipt.pdf":                  {id: "payment", payer: true, file: true},
		"GET /pay/:id/continue":                     {id: "payment", payer: true, file: true},
		"POST /pay/:id/cancel":                      {id: "payment", payer: true},
		"GET /sandbox/checkout/:ref":                {id: "checkout", public: true},
		"POST /sandbox/checkout/:ref":               {id: "checkout", public: true, form: fields("outcome", "succeed")},
		"GET /dev/mail":                             {public: true},
		"GET /dev/mail/:id":                         {public: true},
		"GET /dev/mail/:id/raw":                     {public: true},
		"GET /dev/mail/:id/attachments/:number":     {public: true},
	}
}

func linkPlaces() map[string]place {
	return map[string]place{
		"GET /d/:token":                      {token: "digest"},
		"GET /d/:token/invoices/:id":         {token: "digest", id: "invoice"},
		"GET /d/:token/documents/:id":        {token: "digest", id: "document", file: true},
		"POST /d/:token/quotes":              {token: "digest", form: fields("invoice", "{invoice}", "amount-{invoice}", "1.00")},
		"GET /d/:token/quotes/:id":           {token: "digest", id: "quote"},
		"POST /d/:token/quotes/:id/payments": {token: "digest", id: "quote", form: fields("hash", "x", "currency", "USD")},
		"GET /u/:token":                      {token: "unsubscribe"},
		"POST /u/:token":                     {token: "unsubscribe"},
		"POST /u/:token/resubscribe":         {token: "unsubscribe"},
	}
}

func consolePlaces() map[string]place {
	return map[string]place{
		"GET /vendor/sign-in":                        {public: true},
		"POST /vendor/sign-in":                       {public: true, form: fields("email", "nobody@third-cafe.example")},
		"GET /vendor":                                {},
		"GET /vendor/switch":                         {},
		"POST /vendor/switch":                        {form: fields("staff", "{staff}"), harmful: true},
		"GET /vendor/invoices":                       {},
		"GET /vendor/invoices/:id":                   {id: "invoice"},
		"POST /vendor/invoices/:id/holds":            {id: "invoice", form: fields("until", "{soon}")},
		"POST /vendor/invoices/:id/releases":         {id: "invoice"},
		"GET /vendor/documents/:id":                  {id: "document", file: true},
		"GET /vendor/unreachable":                    {},
		"GET /vendor/preview":                        {},
		"GET /vendor/preview/mail":                   {query: "account={account}&contact={contact}", file: true},
		"GET /vendor/payments.csv":                   {file: true},
		"GET /vendor/payments":                       {},
		"GET /vendor/payments/:id":                   {id: "share"},
		"GET /vendor/payments/:id/remittance.pdf":    {id: "share", file: true},
		"GET /vendor/payments/:id/remittance.csv":    {id: "share", file: true},
		"GET /vendor/payments/:id/remittance.xml":    {id: "share", file: true},
		"GET /vendor/remittance":                     {file: true},
		"GET /vendor/remittance.csv":                 {file: true},
		"GET /vendor/remittance.xml":                 {file: true},
		"GET /vendor/payouts.csv":                    {file: true},
		"GET /vendor/payouts":                        {},
		"POST /vendor/payouts/onboardings":           {owner: true, form: fields("country", "DE")},
		"GET /vendor/payouts/:id":                    {id: "payout"},
		"GET /vendor/payouts/:id/lines.csv":          {id: "payout", file: true},
		"POST /vendor/payments/:id/refund-reviews":   {id: "share", form: fields("amount", "0.01", "reason", "Sent back", "key", "k")},
		"POST /vendor/payments/:id/refunds":          {id: "share", form: fields("amount", "0.01", "reason", "Sent back", "key", "table")},
		"GET /vendor/refunds/:id":                    {id: "refund"},
		"POST /vendor/refunds/:id/retries":           {id: "refund"},
		"POST /vendor/refunds/:id/ends":              {id: "refund"},
		"GET /vendor/chargebacks":                    {},
		"GET /vendor/chargebacks/:id":                {id: "chargeback part"},
		"POST /vendor/chargebacks/:id/evidence":      {id: "chargeback part", form: fields("text", "It was delivered.", "keep", "019ae000-0000-7000-8000-000000000004")},
		"POST /vendor/chargebacks/:id/acceptances":   {id: "chargeback part", harmful: true},
		"POST /vendor/chargebacks/:id/bookings":      {id: "chargeback part"},
		"GET /vendor/evidence/:id":                   {id: "evidence", file: true},
		"GET /vendor/cases":                          {},
		"GET /vendor/cases/:id":                      {id: "case"},
		"POST /vendor/cases/:id/messages":            {id: "case", form: fields("text", "Delivery 12.")},
		"POST /vendor/cases/:id/resolution":          {id: "case", form: fields("outcome", "answered", "note", "See above."), harmful: true},
		"GET /vendor/tasks":                          {},
		"POST /vendor/tasks/:id/completions":         {id: "task", harmful: true},
		"GET /vendor/deliveries":                     {},
		"GET /vendor/deliveries/:id":                 {id: "delivery"},
		"POST /vendor/deliveries/:id/replays":        {id: "delivery"},
		"GET /vendor/webhooks":                       {},
		"POST /vendor/webhooks":                      {owner: true, form: fields("url", "http://127.0.0.1:9/hooks", "events", "*")},
		"POST /vendor/webhooks/:id/secrets":          {id: "endpoint", owner: true},
		"POST /vendor/webhooks/:id/disablings":       {id: "endpoint", owner: true, harmful: true},
		"GET /vendor/imports":                        {},
		"GET /vendor/imports/:id":                    {id: "sync"},
		"GET /vendor/connections/new":                {},
		"GET /vendor/connections/new/:kind":          {},
		"POST /vendor/connections/new/:kind":         {owner: true, harmful: true, form: fields("set-url", "https://books.example")},
		"GET /vendor/connections/:id":                {id: "connection"},
		"POST /vendor/connections/:id/syncs":         {id: "connection", harmful: true},
		"POST /vendor/connections/:id/starts":        {id: "connection", owner: true, harmful: true},
		"POST /vendor/connections/:id/write-back":    {id: "connection", owner: true, harmful: true, form: fields("write_back", "tell")},
		"POST /vendor/connections/:id/limits":        {id: "connection", owner: true, harmful: true, form: fields("stale_days", "3")},
		"POST /vendor/connections/:id/settings":      {id: "connection", owner: true, harmful: true},
		"POST /vendor/connections/:id/removals":      {id: "connection", owner: true, harmful: true},
		"POST /vendor/connections/:id/confirmations": {id: "connection", harmful: true},
		"GET /vendor/keys":                           {},
		"POST /vendor/keys":                          {owner: true, form: fields("name", "another")},
		"POST /vendor/keys/:id/revocations":          {id: "key", owner: true, harmful: true},
		"GET /vendor/staff":                          {},
		"POST /vendor/staff":                         {owner: true, form: fields("email", "new@alderstone.example", "name", "New", "role", "member")},
		"POST /vendor/staff/:id/disablings":          {id: "staff", owner: true, harmful: true},
		"GET /vendor/incentives":                     {},
		"POST /vendor/incentives":                    {owner: true, form: fields("debit_rate", "1", "debit_most", "EUR 5.00")},
		"GET /vendor/profile":                        {},
		"POST /vendor/profile":                       {owner: true, form: fields("name", "Alderstone Freight", "contact_name", "Robin", "email", "ar@alderstone.example", "phone", "", "website", "", "time_zone", "UTC")},
		"GET /vendor/audit":                          {},
	}
}

func operatorPlaces() map[string]place {
	return map[string]place{
		"GET /operator/sign-in":                              {public: true},
		"POST /operator/sign-in":                             {public: true, form: fields("email", "nobody@third-cafe.example")},
		"GET /operator":                                      {},
		"GET /operator/switch":                               {},
		"POST /operator/switch":                              {harmful: true},
		"GET /operator/vendors":                              {},
		"POST /operator/vendors":                             {form: fields("name", "Elmtree Paper", "email", "ar@elmtree.example", "phone", "", "time_zone", "UTC")},
		"GET /operator/vendors/new":                          {},
		"GET /operator/vendors/:id":                          {id: "vendor"},
		"POST /operator/vendors/:id/approvals":               {id: "vendor"},
		"POST /operator/vendors/:id/suspensions":             {id: "vendor", harmful: true},
		"GET /operator/payouts":                              {},
		"GET /operator/digests":                              {},
		"POST /operator/digests/:id/decision":                {id: "digest", form: fields("sent", "yes"), harmful: true},
		"GET /operator/dead-letters":                         {},
		"POST /operator/dead-letters/deliveries/:id/retries": {id: "delivery", harmful: true},
		"POST /operator/dead-letters/mails/:id/retries":      {id: "mail", harmful: true},
		"POST /operator/dead-letters/receipts/:id/retries":   {id: "receipt", harmful: true},
		"GET /operator/transfers":                            {},
		"POST /operator/transfers/:id/retries":               {id: "transfer", harmful: true},
		"GET /operator/refunds":                              {},
		"POST /operator/refunds/:id/retries":                 {id: "refund"},
		"POST /operator/refunds/:id/ends":                    {id: "refund"},
		"GET /operator/reversals":                            {},
		"POST /operator/reversals/:id/retries":               {id: "refund"},
		"GET /operator/chargebacks":                          {},
		"GET /operator/chargebacks/:id":                      {id: "chargeback"},
		"POST /operator/chargebacks/:id/retries":             {id: "chargeback"},
		"GET /operator/debts":                                {},
		"GET /operator/gateway-messages":                     {},
		"POST /operator/gateway-messages/retries":            {form: fields("event", "none")},
		"POST /operator/vendors/:id/fees":                    {id: "vendor", form: fields("processing", "vendor", "hub_rate", "2.5")},
		"GET /operator/tasks":                                {},
		"POST /operator/tasks/:id/completions":               {id: "operator task", harmful: true},
		"GET /operator/queues":                               {},
		"GET /operator/ledger":                               {},
		"GET /operator/ledger.csv":                           {file: true},
		"GET /operator/ledger/accounts/:account":             {},
		"GET /operator/ledger/transactions/:id":              {id: "booking"},
		"GET /operator/audit":                                {},
	}
}

func apiPlaces() map[string]place {
	return map[string]place{
		"PUT /api/v1/accounts":                 {raw: `{"accounts":[{"external_id":"NEW-1","name":"New"}]}`},
		"PUT /api/v1/invoices":                 {raw: `{"invoices":[{"external_id":"ALDX-ROW-1","account":"ALDX-ACCOUNT-7","currency":"USD","total":"1.00"}]}`, harmful: true},
		"PUT /api/v1/credits":                  {raw: `{"credits":[{"external_id":"ALDX-CREDIT-1","account":"ALDX-ACCOUNT-7","currency":"USD","total":"1.00"}]}`, harmful: true},
		"GET /api/v1/invoices":                 {file: true},
		"GET /api/v1/credits":                  {file: true},
		"GET /api/v1/payments":                 {file: true},
		"POST /api/v1/payments/:id/refunds":    {id: "share", raw: `{"amount":"0.01","reason":"Sent back","idempotency_key":"table"}`},
		"GET /api/v1/payments/:id/refunds":     {id: "share", file: true},
		"PATCH /api/v1/payments/:id":           {id: "share", raw: `{"status":"booked"}`},
		"GET /api/v1/cases":                    {file: true},
		"GET /api/v1/cases/:id":                {id: "case", file: true},
		"POST /api/v1/cases/:id/messages":      {id: "case", raw: `{"text":"Delivery 12."}`},
		"PATCH /api/v1/cases/:id":              {id: "case", raw: `{"status":"resolved","resolution":"answered"}`, harmful: true},
		"GET /api/v1/events":                   {file: true},
		"GET /api/v1/deliveries":               {file: true},
		"POST /api/v1/deliveries/:id/replay":   {id: "delivery", raw: `{}`},
		"PUT /api/v1/webhook-endpoints":        {raw: `{"url":"http://127.0.0.1:9/other","events":["*"]}`},
		"GET /api/v1/webhook-endpoints":        {file: true},
		"DELETE /api/v1/webhook-endpoints/:id": {id: "endpoint", harmful: true},
	}
}
