package reminder

import (
	"context"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// Preview renders the digest that a contact would get now, and sends nothing.
// Its links lead to the page for which one signs in.
func (s *Service) Preview(ctx context.Context, email string) (letter.Rendered, error) {
	contact, err := s.Party.ContactByEmail(ctx, email)
	if err != nil {
		return letter.Rendered{}, err
	}
	bundle, err := s.gather(ctx, contact)
	if err != nil {
		return letter.Rendered{}, err
	}
	if len(bundle.lines) == 0 {
		return letter.Rendered{}, fault.New(fault.NotFound, "Nothing is open for %s, so there is nothing to remind of.", contact.Email)
	}
	return s.Letters.Digest(s.letter(contact, bundle, s.PublicURL+"/me"))
}

// PreviewForVendor renders one vendor's part of a contact's digest: what that
// vendor's customers see of it, and nothing of anybody else's.
func (s *Service) PreviewForVendor(ctx context.Context, vendorID, contactID string) (letter.Rendered, error) {
	contact, err := s.Party.Contact(ctx, contactID)
	if err != nil {
		return letter.Rendered{}, err
	}
	full, err := s.gatherUnless(ctx, contact, nil) // also what its vendor looks at before it goes live
	if err != nil {
		return letter.Rendered{}, err
	}
	own := bundle{today: full.today, vendors: full.vendors, answers: full.answers}
	for _, line := range full.lines {
		if line.item.VendorID == vendorID {
			// as it stands once the contact has said that the vendor is its own
			own.lines = append(own.lines, place(line.item, party.VendorMine, full.today))
		}
	}
	for _, credit := range full.credits {
		if credit.VendorID == vendorID {
			own.credits = append(own.credits, credit)
		}
	}
	if len(own.lines) == 0 {
		return letter.Rendered{}, fault.New(fault.NotFound, "Nothing of yours is open for this contact, so there is nothing to remind of.")
	}
	rendered := s.letter(contact, own, s.PublicURL+"/me")
	rendered.Unsubscribe = s.PublicURL + "/me/settings" // the contact's own link is not the vendor's to press
	return s.Letters.Digest(rendered)
}
