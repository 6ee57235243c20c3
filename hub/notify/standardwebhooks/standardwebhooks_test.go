package standardwebhooks

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func secretOf(t testing.TB, size int) (Secret, string) {
	t.Helper()
	key := make([]byte, size)
	for i := range key {
		key[i] = byte(i*7 + size)
	}
	text := "whsec_" + base64.StdEncoding.EncodeToString(key)
	secret, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return secret, text
}

// The vector of the specification's own documentation.
func TestSignKnownVector(t *testing.T) {
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	if err != nil {
		t.Fatal(err)
	}
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestOfficialLibraryVerifiesOurs(t *testing.T) {
	for _, size := range []int{24, 32, 64} {
		ours, text := secretOf(t, size)
		other, _ := secretOf(t, 40)
		theirs, err := official.NewWebhook(text)
		if err != nil {
			t.Fatal(err)
		}
		body := []byte(`{"id":"0199","type":"payment.settled","data":{"amount":"12.00 €"}}`)
		// Two secrets, as while rotating: the receiver may still hold either.
		header, err := Headers("019a0000-0000-7000-8000-000000000001", time.Now(), body, other, ours)
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.Verify(body, header); err != nil {
			t.Errorf("%d bytes: the official library refuses ours: %v", size, err)
		}
		if err := theirs.Verify(append(body, ' '), header); err == nil {
			t.Errorf("%d bytes: a changed body passes", size)
		}
	}
}

func TestWeVerifyOfficialLibrary(t *testing.T) {
	secret, text := secretOf(t, 32)
	old, _ := secretOf(t, 24)
	theirs, err := official.NewWebhook(text)
	if err != nil {
		t.Fatal(err)
	}
	now, body := time.Unix(1_790_000_000, 0), []byte("\x00\xff any bytes \r\n")
	signed, err := theirs.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(HeaderID, "msg_1")
	header.Set(HeaderTimestamp, "1790000000")
	header.Set(HeaderSignature, "v1a,AAAA v1,nonsense "+signed)
	if err := Verify(header, body, now, old, secret); err != nil {
		t.Fatal(err)
	}
	if err := Verify(header, body, now, old); !errors.Is(err, ErrSignature) {
		t.Fatalf("with another secret: %v", err)
	}
	if err := Verify(header, body, now); !errors.Is(err, ErrSignature) {
		t.Fatalf("without a secret: %v", err)
	}
	if err := Verify(header, body, now, Secret{}); !errors.Is(err, ErrSignature) {
		t.Fatalf("with the zero secret: %v", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	secret, _ := secretOf(t, 32)
	at, body := time.Unix(1_790_000_000, 0), []byte("{}")
	good, err := Headers("evt_1", at, body, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		now  time.Time
		set  [2]string
		want error
	}{
		{name: "as it is", now: at, want: nil},
		{name: "just in time", now: at.Add(Tolerance), want: nil},
		{name: "just early", now: at.Add(-Tolerance), want: nil},
		{name: "too old", now: at.Add(Tolerance + time.Second), want: ErrTimestamp},
		{name: "too new", now: at.Add(-Tolerance - time.Second), want: ErrTimestamp},
		{name: "far future", now: at, set: [2]string{HeaderTimestamp, "9223372036854775807"}, want: ErrTimestamp},
		{name: "overflow", now: at, set: [2]string{HeaderTimestamp, "9223372036854775808"}, want: ErrHeaders},
		{name: "negative", now: at, set: [2]string{HeaderTimestamp, "-1790000000"}, want: ErrHeaders},
		{name: "leading zero", now: at, set: [2]string{HeaderTimestamp, "01790000000"}, want: ErrHeaders},
		{name: "no timestamp", now: at, set: [2]string{HeaderTimestamp, ""}, want: ErrHeaders},
		{name: "no id", now: at, set: [2]string{HeaderID, ""}, want: ErrHeaders},
		{name: "id with a full stop", now: at, set: [2]string{HeaderID, "evt.1"}, want: ErrHeaders},
		{name: "another id", now: at, set: [2]string{HeaderID, "evt_2"}, want: ErrSignature},
		{name: "no signature", now: at, set: [2]string{HeaderSignature, ""}, want: ErrHeaders},
		{name: "other scheme", now: at, set: [2]string{HeaderSignature, "v2," + good.Get(HeaderSignature)[3:]}, want: ErrSignature},
		{name: "too many", now: at, set: [2]string{HeaderSignature, strings.Repeat("v1,x ", maxSignatures) + good.Get(HeaderSignature)}, want: ErrHeaders},
	} {
		header := good.Clone()
		if c.set[0] != "" {
			header.Set(c.set[0], c.set[1])
		}
		if err := Verify(header, body, c.now, secret); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestSecrets(t *testing.T) {
	text, err := NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := ParseSecret(text)
	if err != nil || len(secret.key) != 32 {
		t.Fatalf("%d bytes, %v", len(secret.key), err)
	}
	again, _ := NewSecret(rand.Reader)
	if again == text {
		t.Fatal("two secrets are equal")
	}
	for _, shown := range []string{fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, secret)} {
		if strings.Contains(shown, text[10:20]) || strings.Contains(shown, "key") {
			t.Errorf("printing shows the key: %s", shown)
		}
	}
	if _, err := NewSecret(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a source that dries up makes a secret")
	}
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", text[6:], text + "\n", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)),
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), text[:20] + "\n" + text[20:], "whsec_!!!!" + text[10:]} {
		if _, err := ParseSecret(bad); !errors.Is(err, ErrSecret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	secret, _ := secretOf(t, 32)
	at := time.Unix(1_790_000_000, 0)
	for _, id := range []string{"", "a.b", "a b", "a\nb", "ä", strings.Repeat("x", 256)} {
		if _, err := Sign(id, at, nil, secret); !errors.Is(err, ErrID) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := Sign("x", at, nil); !errors.Is(err, ErrSecret) {
		t.Errorf("without a secret: %v", err)
	}
	if _, err := Sign("x", at, nil, Secret{}); !errors.Is(err, ErrSecret) {
		t.Errorf("with the zero secret: %v", err)
	}
	if _, err := Sign("x", time.Time{}, nil, secret); !errors.Is(err, ErrHeaders) {
		t.Errorf("without a time: %v", err)
	}
}

func TestSchedule(t *testing.T) {
	var total time.Duration
	for _, step := range Schedule() {
		total += step
	}
	if want := 75*time.Hour + 35*time.Minute + 5*time.Second; total != want {
		t.Errorf("the last attempt begins after %v, want %v", total, want)
	}
	random := mathrand.NewPCG(1, 2)
	different := map[time.Duration]bool{}
	for range 500 {
		for failed, step := range Schedule() {
			wait, more := Wait(failed, random)
			if !more || wait < step || wait > step+step/10 {
				t.Fatalf("after %d failures: %v, %v", failed, wait, more)
			}
			if failed == 9 {
				different[wait] = true
			}
		}
	}
	if len(different) < 450 {
		t.Errorf("the jitter gave only %d different waits", len(different))
	}
	for _, failed := range []int{-1, Attempts, Attempts + 5} {
		if wait, more := Wait(failed, random); more || wait != 0 {
			t.Errorf("after %d failures: %v, %v", failed, wait, more)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-5": 0, "soon": 0, "1.5": 0,
		"999999999999": 24 * time.Hour, "18446744073709551616": 0,
		"Mon, 02 Nov 2026 09:01:00 GMT": time.Minute,
		"Mon, 02 Nov 2026 08:00:00 GMT": 0,
		"Sun, 02 Nov 2036 09:00:00 GMT": 24 * time.Hour,
	} {
		if got := RetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// FuzzVerify holds that Verify trusts nothing that the official library does
// not, and that whatever we sign, both trust, until one byte is changed.
func FuzzVerify(f *testing.F) {
	secret, text := secretOf(f, 32)
	theirs, err := official.NewWebhook(text)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := Sign("evt_1", time.Unix(1_790_000_000, 0), []byte("{}"), secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("evt_1", "1790000000", signed, []byte("{}"))
	f.Add("evt_1", "+1790000000", "v1a,x "+signed, []byte("{}"))
	f.Add("evt.1", "", "v1,", []byte(nil))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		header := http.Header{}
		header.Set(HeaderID, id)
		header.Set(HeaderTimestamp, stamp)
		header.Set(HeaderSignature, signature)
		at := time.Unix(1_790_000_000, 0)
		if Verify(header, body, at, secret) == nil {
			if err := theirs.VerifyIgnoringTimestamp(body, header); err != nil {
				t.Fatalf("we trust what the official library refuses: %v", err)
			}
		}
		ours, err := Headers(id, at, body, secret)
		if err != nil {
			return
		}
		if err := Verify(ours, body, at, secret); err != nil {
			t.Fatalf("our own signature fails: %v", err)
		}
		if err := theirs.VerifyIgnoringTimestamp(body, ours); err != nil {
			t.Fatalf("the official library refuses ours: %v", err)
		}
		if Verify(ours, append(bytes.Clone(body), 'x'), at, secret) == nil {
			t.Fatal("a longer body passes")
		}
	})
}
