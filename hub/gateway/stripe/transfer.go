package stripe

import (
	"context"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// group is the transfer group of one transfer alone. Without one of its own,
// Stripe puts all transfers of one charge into a group of the charge's, and each
// vendor's account would show the same id.
func group(transferID string) string { return "transfer_" + transferID }

// Transfer sends money to a vendor's account, once per key.
func (g *Gateway) Transfer(ctx context.Context, request payment.TransferRequest) (payment.TransferResult, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.TransferResult{}, err
	}
	units, err := positive(request.Amount)
	if err != nil {
		return payment.TransferResult{}, err
	}
	if request.AccountRef == "" || request.TransferID == "" {
		return payment.TransferResult{}, fmt.Errorf("%w: a transfer needs an account and an id", payment.ErrRefused)
	}
	params := &stripego.TransferParams{Params: common, Amount: &units, Currency: lower(request.Amount.Currency), Destination: &request.AccountRef,
		SourceTransaction: optional(request.SourceRef), TransferGroup: stripego.String(group(request.TransferID)),
		Metadata: map[string]string{metaTransfer: request.TransferID}}
	if request.Reference != "" {
		params.AddMetadata("reference", clip(request.Reference, 100))
	}
	transfer, err := g.api.Transfers.New(params)
	if err != nil {
		return payment.TransferResult{}, changing("send the share", err)
	}
	return transferResult(transfer)
}

// FindTransfer looks a transfer up by the group and the id that Transfer gave it,
// so that nothing but the one transfer is ever listed.
func (g *Gateway) FindTransfer(ctx context.Context, request payment.TransferRequest) (payment.TransferResult, error) {
	if request.TransferID == "" {
		return payment.TransferResult{}, payment.ErrNotFound
	}
	list := g.api.Transfers.List(&stripego.TransferListParams{ListParams: onePage(ctx, ""), TransferGroup: stripego.String(group(request.TransferID)),
		Destination: optional(request.AccountRef)})
	for list.Next() {
		if transfer := list.Transfer(); transfer.Metadata[metaTransfer] == request.TransferID {
			return transferResult(transfer)
		}
	}
	if err := list.Err(); err != nil {
		return payment.TransferResult{}, reading("look for the transfer", err)
	}
	return payment.TransferResult{}, payment.ErrNotFound
}

func transferResult(transfer *stripego.Transfer) (payment.TransferResult, error) {
	amount, err := fromUnits(transfer.Amount, transfer.Currency)
	if err != nil {
		return payment.TransferResult{}, err
	}
	reversed, err := fromUnits(transfer.AmountReversed, transfer.Currency)
	return payment.TransferResult{Ref: transfer.ID, Amount: amount, Reversed: reversed}, err
}

// Reverse takes a part of a transfer back from the vendor's account, once per key.
func (g *Gateway) Reverse(ctx context.Context, request payment.ReversalRequest) (payment.ReversalResult, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.ReversalResult{}, err
	}
	units, err := positive(request.Amount)
	if err != nil {
		return payment.ReversalResult{}, err
	}
	if request.TransferRef == "" {
		return payment.ReversalResult{}, fmt.Errorf("%w: a reversal needs a transfer", payment.ErrRefused)
	}
	reversal, err := g.api.TransferReversals.New(&stripego.TransferReversalParams{Params: common, ID: &request.TransferRef, Amount: &units,
		Metadata: map[string]string{metaReversal: request.ReversalID}})
	if err != nil {
		return payment.ReversalResult{}, changing("take the share back", err)
	}
	return reversalResult(reversal)
}

// FindReversal looks a reversal up among those of its transfer.
func (g *Gateway) FindReversal(ctx context.Context, request payment.ReversalRequest) (payment.ReversalResult, error) {
	if request.TransferRef == "" || request.ReversalID == "" {
		return payment.ReversalResult{}, payment.ErrNotFound
	}
	list := g.api.TransferReversals.List(&stripego.TransferReversalListParams{ListParams: allPages(ctx), ID: &request.TransferRef})
	for n := 0; list.Next(); n++ {
		if n == pageSize*mostPages {
			return payment.ReversalResult{}, tooMany("reversals of one transfer")
		}
		if reversal := list.TransferReversal(); reversal.Metadata[metaReversal] == request.ReversalID {
			return reversalResult(reversal)
		}
	}
	if err := list.Err(); err != nil {
		return payment.ReversalResult{}, reading("look for the reversal", err)
	}
	return payment.ReversalResult{}, payment.ErrNotFound
}

// tooMany: what was not found among so many may still be there, so this is not
// payment.ErrNotFound.
func tooMany(what string) error {
	return fmt.Errorf("there are more than %d %s at Stripe; %s", pageSize*mostPages, what, wordsLost)
}

func reversalResult(reversal *stripego.TransferReversal) (payment.ReversalResult, error) {
	amount, err := fromUnits(reversal.Amount, reversal.Currency)
	return payment.ReversalResult{Ref: reversal.ID, Amount: amount}, err
}
