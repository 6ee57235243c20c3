package api

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/web/page"
)

// GetCase is GET /api/v1/cases/:id: one case with its thread.
func (h *Handlers) GetCase(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	ctx, cancel := deadline(c, readTimeout)
	defer cancel()
	return h.answerCase(ctx, c, actor, fiber.StatusOK)
}

// PostCaseMessage is POST /api/v1/cases/:id/messages {"text":…}: the vendor's
// words, mailed to who asked. It answers the case with its thread, 201.
func (h *Handlers) PostCaseMessage(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	var form struct {
		Text string `json:"text" validate:"required"`
	}
	if err := decode(c, &form); err != nil {
		return err
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	if _, err := h.Cases.Answer(ctx, actor, actor.VendorID, page.Param(c, "id"), form.Text); err != nil {
		return repoint(err, map[string]string{"text": "/text"})
	}
	return h.answerCase(ctx, c, actor, fiber.StatusCreated)
}

// PatchCase is PATCH /api/v1/cases/:id {"status":"resolved","resolution":…,"note":…}:
// it ends a case with an outcome that its customer is told.
func (h *Handlers) PatchCase(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	var form struct {
		Status     string `json:"status" validate:"required,oneof=resolved"`
		Resolution string `json:"resolution" validate:"required"`
		Note       string `json:"note"`
	}
	if err := decode(c, &form); err != nil {
		return err
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	_, err = h.Cases.Resolve(ctx, actor, actor.VendorID, page.Param(c, "id"), cases.Resolution{Outcome: form.Resolution, Note: form.Note})
	if err != nil {
		return repoint(err, map[string]string{"outcome": "/resolution", "note": "/note"})
	}
	return h.answerCase(ctx, c, actor, fiber.StatusOK)
}

func (h *Handlers) answerCase(ctx context.Context, c *fiber.Ctx, actor access.Actor, status int) error {
	thread, err := h.Cases.VendorCase(ctx, actor.VendorID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	return c.Status(status).JSON(thread.View())
}
