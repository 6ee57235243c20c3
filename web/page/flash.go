package page

import (
	"encoding/base64"
	"encoding/json"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/web/ui"
)

const flashCookie = "sheaf_flash"

// Flash says on the next page what this action did. Its text is escaped there
// like any other.
func (k *Kit) Flash(c *fiber.Ctx, flash ui.Flash) {
	encoded, err := json.Marshal(flash)
	if err != nil || len(encoded) > 2000 {
		return
	}
	c.Cookie(&fiber.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(encoded), Path: "/", HTTPOnly: true,
		Secure: k.Secure, SameSite: fiber.CookieSameSiteLaxMode, MaxAge: 120})
}

// Done flashes success and redirects (303).
func (k *Kit) Done(c *fiber.Ctx, to, title string) error {
	k.Flash(c, ui.Flash{Tone: ui.ToneGood, Title: title})
	return c.Redirect(to, fiber.StatusSeeOther)
}

func (k *Kit) takeFlash(c *fiber.Ctx) *ui.Flash {
	raw, err := base64.RawURLEncoding.DecodeString(c.Cookies(flashCookie))
	if err != nil || len(raw) == 0 {
		return nil
	}
	k.clearCookie(c, flashCookie)
	var flash ui.Flash
	if json.Unmarshal(raw, &flash) != nil || flash.LinkURL != "" && flash.LinkURL[0] != '/' {
		return nil
	}
	return &flash
}
