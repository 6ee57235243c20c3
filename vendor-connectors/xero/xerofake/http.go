package xerofake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	prefix   = "/api.xro/2.0"
	keyLife  = 6 * time.Minute
	mostBody = 10 << 20
)

// Trouble is what may happen to one call of the API.
type Trouble string

// What goes wrong.
const (
	Fine        Trouble = "fine"
	Throttled   Trouble = "throttled"    // 429 with a Retry-After of a second; nothing is carried out
	Expired     Trouble = "expired"      // no access token is taken any more; one that is renewed is
	Revoked     Trouble = "revoked"      // no token is taken or given any more
	LostAnswer  Trouble = "lost answer"  // it is carried out, and the connection breaks before the answer
	LostRequest Trouble = "lost request" // the connection breaks before anything is carried out
	Silent      Trouble = "silent"       // it is carried out, and no answer comes
	Broken      Trouble = "broken"       // 500; nothing is carried out
	BrokenLate  Trouble = "broken late"  // 500 after it was carried out
	Nonsense    Trouble = "nonsense"     // 200 with another body; it is carried out
	Cut         Trouble = "cut"          // the answer ends in the middle; it is carried out
)

// answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

type obj map[string]any

// kept is what an idempotency key stands for.
type kept struct {
	request string // a hash of it
	answer  answer
	at      time.Time
}

// window counts calls.
type window struct {
	length time.Duration
	most   int // negative: no limit
	began  time.Time
	count  int
}

// take counts a call; when it is one too many it says how long to wait.
func (w *window) take(now time.Time) (time.Duration, bool) {
	if now.Sub(w.began) >= w.length || now.Before(w.began) {
		w.began, w.count = now, 0
	}
	if w.most >= 0 && w.count >= w.most {
		return w.length - now.Sub(w.began), false
	}
	w.count++
	return 0, true
}

func (w *window) left() string {
	if w.most < 0 {
		return "999999"
	}
	return strconv.Itoa(w.most - w.count)
}

func jsonAnswer(status int, body any) answer {
	text, err := json.Marshal(body)
	if err != nil {
		return answer{status: http.StatusInternalServerError, header: http.Header{}}
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: text}
}

func send(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away does not read it
}

// ServeHTTP answers for every host of Xero.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/identity/connect/authorize":
		f.authorize(w, r)
	case r.URL.Path == "/connect/token":
		f.token(w, r)
	case r.URL.Path == "/connections" || strings.HasPrefix(r.URL.Path, prefix+"/"):
		f.api(w, r)
	default:
		http.NotFound(w, r)
	}
}

// api answers one call of the API, and lets trouble befall it.
func (f *Fake) api(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody))
	if err != nil {
		return
	}
	f.mu.Lock()
	f.underWay++
	trouble, a := f.carryOut(r, body)
	watch := f.cfg.Watch
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.underWay--
		f.mu.Unlock()
	}()
	if watch != nil && trouble != LostRequest && strings.HasPrefix(r.URL.Path, prefix) {
		watch(Exchange{Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, prefix), Query: r.URL.RawQuery, Header: r.Header, Body: body,
			Status: a.status, AnswerHeader: a.header, Answer: a.body})
	}
	befall(w, r, trouble, a)
}

// befall sends an answer, or what becomes of it.
func befall(w http.ResponseWriter, r *http.Request, trouble Trouble, a answer) {
	switch trouble {
	case LostAnswer, LostRequest:
		panic(http.ErrAbortHandler)
	case Silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Nonsense:
		send(w, answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<html>Back soon</html>")})
	case Cut:
		a.header = a.header.Clone()
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
		send(w, a)
		_ = http.NewResponseController(w).Flush() // so that the half goes out
		panic(http.ErrAbortHandler)
	default:
		send(w, a)
	}
}

// carryOut judges who asks and how often, and does what is asked for. It runs under
// the lock.
func (f *Fake) carryOut(r *http.Request, body []byte) (Trouble, answer) {
	f.calls++
	trouble := Fine
	if len(f.troubles) > 0 {
		trouble, f.troubles = f.troubles[0], f.troubles[1:]
	}
	switch trouble {
	case Expired:
		clear(f.access)
	case Revoked:
		f.revoked = true
	}
	if a, fine := f.admit(r); !fine {
		return Fine, a
	}
	switch trouble {
	case Throttled:
		return trouble, f.tooMany("minute", time.Second)
	case Broken:
		return trouble, broken()
	case LostRequest:
		return trouble, answer{status: http.StatusOK, header: http.Header{}}
	}
	a := f.once(r, body, trouble)
	for name, value := range map[string]string{"X-Daylimit-Remaining": f.day.left(), "X-Minlimit-Remaining": f.minute.left(), "X-Appminlimit-Remaining": "9999"} {
		a.header[name] = []string{value}
	}
	return trouble, a
}

func broken() answer {
	return jsonAnswer(http.StatusInternalServerError, obj{"Type": nil, "Title": "An error occurred", "Status": 500, "Detail": "An error occurred in Xero. Check the API Status page."})
}

func gateway(status int, title, detail string) answer {
	return jsonAnswer(status, obj{"Type": nil, "Title": title, "Status": status, "Detail": detail, "Extensions": obj{}})
}

// admit checks the token, the tenant and the limits.
func (f *Fake) admit(r *http.Request) (answer, bool) {
	ends, known := f.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !known || f.revoked || !f.now().Before(ends) {
		return gateway(http.StatusUnauthorized, "Unauthorized", "TokenExpired: token expired"), false
	}
	if r.URL.Path == "/connections" {
		return answer{}, true
	}
	if !strings.EqualFold(r.Header.Get("xero-tenant-id"), f.tenant) {
		return gateway(http.StatusForbidden, "Forbidden", "AuthenticationUnsuccessful"), false
	}
	if f.cfg.Limits.AtOnce >= 0 && f.underWay > f.cfg.Limits.AtOnce {
		return f.tooMany("concurrent", 0), false
	}
	if wait, fine := f.minute.take(f.now()); !fine {
		return f.tooMany("minute", wait), false
	}
	if wait, fine := f.day.take(f.now()); !fine {
		return f.tooMany("day", wait), false
	}
	return answer{}, true
}

// tooMany is Xero's 429. Too many at once comes without a time to wait.
func (f *Fake) tooMany(which string, wait time.Duration) answer {
	header := http.Header{"X-Rate-Limit-Problem": {which}}
	if wait > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return answer{status: http.StatusTooManyRequests, header: header}
}

// once carries a call out, or answers a repeated write as before.
func (f *Fake) once(r *http.Request, body []byte, trouble Trouble) answer {
	key := r.Header.Get("Idempotency-Key")
	if r.Method == http.MethodGet || key == "" {
		return f.late(f.route(r, body), trouble)
	}
	if len(key) > 128 {
		return f.invalid("The Idempotency Key has more than 128 characters")
	}
	sum := sha256.Sum256([]byte(r.Method + r.URL.String() + string(body)))
	request := hex.EncodeToString(sum[:])
	if before, known := f.keys[key]; known && f.now().Sub(before.at) < keyLife {
		if before.request != request {
			return f.invalid(fmt.Sprintf("Idempotency Key %s is used with a different request", key))
		}
		return answer{status: before.answer.status, header: before.answer.header.Clone(), body: before.answer.body}
	}
	a := f.late(f.route(r, body), trouble)
	f.keys[key] = kept{request: request, answer: answer{status: a.status, header: a.header.Clone(), body: a.body}, at: f.now()}
	return a
}

func (f *Fake) late(a answer, trouble Trouble) answer {
	if trouble == BrokenLate {
		return broken()
	}
	return a
}

// invalid is Xero's answer to what it does not take.
func (f *Fake) invalid(messages ...string) answer {
	var problems []obj
	for _, message := range messages {
		problems = append(problems, obj{"Message": message})
	}
	return jsonAnswer(http.StatusBadRequest, obj{"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
		"Elements": []obj{{"ValidationErrors": problems}}})
}

func (f *Fake) missing() answer {
	return jsonAnswer(http.StatusNotFound, obj{"ErrorNumber": 404, "Type": "NotFoundException", "Message": "The resource you're looking for cannot be found"})
}

// envelope is how every list goes out.
func (f *Fake) envelope(fields obj) answer {
	fields["Id"], fields["Status"], fields["ProviderName"], fields["DateTimeUTC"] = f.id(), "OK", "Sheaf", instant(f.now())
	return jsonAnswer(http.StatusOK, fields)
}

func instant(at time.Time) string { return fmt.Sprintf("/Date(%d+0000)/", at.UnixMilli()) }

func decode(body []byte, into any) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into) == nil
}
