package payment

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// When the hub acts on a deadline by itself.
const (
	submitBefore = 24 * time.Hour
	remindBefore = 72 * time.Hour
)

func (c ChargebackShare) answered() bool  { return !c.EvidenceAt.IsZero() || !c.AcceptedAt.IsZero() }
func (c ChargebackShare) contested() bool { return !c.EvidenceAt.IsZero() && c.AcceptedAt.IsZero() }

// submitWhenReady makes the one answer, when every part is answered or the
// deadline is near. When nobody contests, there is nothing to send.
func (s *Service) submitWhenReady(ctx context.Context, tx bun.IDB, a answer) error {
	now := s.Now().UTC()
	near := !a.chargeback.EvidenceDueAt.IsZero() && !now.Before(a.chargeback.EvidenceDueAt.Add(-submitBefore))
	if !slices.ContainsFunc(a.parts, ChargebackShare.contested) {
		return nil
	}
	if !near && !allAnswered(a.parts) {
		return nil
	}
	id := store.NewID()
	return insertSubmission(ctx, tx, Submission{ID: id, ChargebackID: a.chargeback.ID, State: "pending", IdempotencyKey: "evidence-" + id,
		NextAttemptAt: now, CreatedAt: now, UpdatedAt: now})
}

func allAnswered(parts []ChargebackShare) bool {
	return !slices.ContainsFunc(parts, func(part ChargebackShare) bool { return !part.answered() })
}

// FollowDeadlines reminds vendors of chargebacks three days before their
// deadline, and a day before it sends what is there. It returns how many
// chargebacks are as near as that and have no answer.
func (s *Service) FollowDeadlines(ctx context.Context) (int, error) {
	const batch = 100
	found, after := 0, ""
	for {
		list, err := pressing(ctx, s.DB, s.Gateway.Name(), s.Now(), s.Now().Add(remindBefore), after, batch)
		if err != nil {
			return found, err
		}
		for _, chargeback := range list {
			if err := s.press(ctx, chargeback); err != nil {
				return found, err
			}
			found, after = found+1, chargeback.ID
		}
		if len(list) < batch {
			return found, nil
		}
	}
}

func (s *Service) press(ctx context.Context, seen Chargeback) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := lockPayment(ctx, s.DB, tx, seen.PaymentID); err != nil {
			return err
		}
		a, err := lockWhole(ctx, s.DB, tx, seen.ID)
		if err != nil || !a.chargeback.ClosedAt.IsZero() || !a.chargeback.SubmittedAt.IsZero() {
			return err
		}
		if err := s.submitWhenReady(ctx, tx, a); err != nil {
			return err
		}
		last := !s.Now().Before(a.chargeback.EvidenceDueAt.Add(-submitBefore))
		contested := slices.ContainsFunc(a.parts, ChargebackShare.contested)
		for _, part := range a.parts {
			if part.answered() {
				continue
			}
			if err := s.remindAnswer(ctx, tx, part, last); err != nil {
				return err
			}
		}
		if !last || contested || allAnswered(a.parts) {
			return nil
		}
		return s.task(ctx, tx, Task{CustomerID: a.chargeback.CustomerID, Kind: "chargeback_unanswered", SubjectID: a.chargeback.ID,
			Title: "Nobody answers a chargeback of " + money.New(a.chargeback.Amount, a.chargeback.Currency).String(),
			Text:  "No vendor gave evidence, so nothing is sent. It ends" + deadline(a.chargeback.EvidenceDueAt) + "."})
	})
}

func (s *Service) remindAnswer(ctx context.Context, tx bun.IDB, part ChargebackShare, last bool) error {
	amount := money.New(part.Amount, part.Currency).String()
	task := Task{VendorID: part.VendorID, CustomerID: part.CustomerID, Kind: "chargeback_reminder", SubjectID: part.ID,
		Title: "Answer the chargeback of " + amount + deadline(part.EvidenceDueAt),
		Text:  "You have said nothing to it yet. Send what speaks for you, or accept it. Without an answer the bank decides for the payer."}
	if last {
		task.Kind = "chargeback_unanswered"
		task.Title = "The chargeback of " + amount + " has no answer of yours"
		task.Text = "Nothing was sent for you. You can still answer" + deadline(part.EvidenceDueAt) + ", if no answer has left by then; after that the bank decides without you."
	}
	return s.task(ctx, tx, task)
}

// SendEvidence makes one attempt at giving a bank the hub's answer.
func (s *Service) SendEvidence(ctx context.Context, ref store.JobRef) error {
	if s.Disputes == nil {
		return nil
	}
	submission, err := readSubmission(ctx, s.DB, ref.ID)
	if err != nil || submission.Attempts != ref.Attempt {
		return err
	}
	chargeback, err := readChargeback(ctx, s.DB, submission.ChargebackID)
	if err != nil {
		return err
	}
	if submission.State == "pending" && !chargeback.ClosedAt.IsZero() { // decided before it left
		_, err := completeSubmission(ctx, s.DB, submission.ID, s.Now())
		return err
	}
	call := effect{table: Submissions, id: submission.ID, word: "evidence", key: submission.IdempotencyKey, state: submission.State, attempts: submission.Attempts,
		claimedUntil: submission.ClaimedUntil, keyUsedAt: submission.KeyUsedAt, insufficient: "failed"}
	return s.attempt(ctx, call, ref, hands{
		do:   func(ctx context.Context, key string) error { return s.submit(ctx, submission, chargeback, key) },
		find: func(ctx context.Context) error { return s.findSubmitted(ctx, submission, chargeback) },
	})
}

func (s *Service) submit(ctx context.Context, submission Submission, chargeback Chargeback, key string) error {
	request, err := s.evidenceRequest(ctx, chargeback)
	if err != nil {
		return err
	}
	request.Key = key
	dispute, err := s.Disputes.SendEvidence(ctx, request)
	if err == nil {
		return s.evidenceDone(ctx, submission, chargeback, dispute)
	}
	if !errors.Is(err, ErrRefused) {
		return err
	}
	// refused because it is there already: sent before, or by hand
	if found := s.findSubmitted(ctx, submission, chargeback); found == nil || !errors.Is(found, ErrNotFound) {
		return found
	}
	return errors.Join(err, s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.task(ctx, tx, Task{CustomerID: chargeback.CustomerID, Kind: "evidence_failed", SubjectID: chargeback.ID,
			Title: "The answer to a chargeback could not be sent" + deadline(chargeback.EvidenceDueAt),
			Text:  "The gateway refused it: " + err.Error() + ". Try again on the chargeback's page, or answer in the gateway's own console before the deadline."})
	}))
}

func (s *Service) findSubmitted(ctx context.Context, submission Submission, chargeback Chargeback) error {
	dispute, err := s.Disputes.LookDispute(ctx, chargeback.GatewayRef)
	if err != nil {
		return err
	}
	if !dispute.Submitted {
		return ErrNotFound
	}
	return s.evidenceDone(ctx, submission, chargeback, dispute)
}

func (s *Service) evidenceDone(ctx context.Context, submission Submission, chargeback Chargeback, dispute Dispute) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := completeSubmission(ctx, tx, submission.ID, s.Now()); err != nil {
			return err
		}
		known, err := chargebackAsOf(ctx, tx, s.Gateway.Name(), chargeback.GatewayRef)
		if err != nil {
			return err
		}
		dispute.Submitted = true
		return s.convergeDispute(ctx, tx, chargeback.PaymentID, dispute, known)
	})
}

// RetryEvidence tries an answer again that the gateway refused.
func (s *Service) RetryEvidence(ctx context.Context, actor access.Actor, chargebackID string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		missing := "There is no answer to this chargeback that failed."
		chargeback, err := readChargeback(ctx, tx, chargebackID)
		if err != nil {
			return err
		}
		submission, found, err := submissionOf(ctx, tx, chargebackID)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound, "%s", missing)
		}
		if err := reviveJob(ctx, tx, Submissions, submission.ID, s.Now(), missing); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "evidence.retried", SubjectKind: "chargeback", SubjectID: chargebackID, CustomerID: chargeback.CustomerID})
	})
}

// evidenceRequest merges what the vendors gave into the one answer. Given the
// same rows it is the same, so that a key carries one answer.
func (s *Service) evidenceRequest(ctx context.Context, chargeback Chargeback) (EvidenceRequest, error) {
	parts, err := chargebackParts(ctx, s.DB, chargeback.ID)
	if err != nil {
		return EvidenceRequest{}, err
	}
	parts = slices.DeleteFunc(parts, func(part ChargebackShare) bool { return !part.contested() })
	ids, vendorIDs := make([]string, len(parts)), make([]string, len(parts))
	for i, part := range parts {
		ids[i], vendorIDs[i] = part.ID, part.VendorID
	}
	vendors, err := s.Party.Vendors(ctx, s.DB, vendorIDs)
	if err != nil {
		return EvidenceRequest{}, err
	}
	papers, err := papersOf(ctx, s.DB, ids, true)
	if err != nil {
		return EvidenceRequest{}, err
	}
	files, left := fittingPapers(ids, papers)
	texts, logs := make([]section, len(parts)), make([]section, len(parts))
	for i, part := range parts {
		lines, err := partLines(ctx, s.DB, part)
		if err != nil {
			return EvidenceRequest{}, err
		}
		amount := money.New(part.Amount, part.Currency)
		title := vendors[part.VendorID].Name + ", " + string(amount.Currency) + " " + amount.Grouped() + invoiceWords(lines) + ":"
		texts[i] = section{title, part.Evidence}
		logs[i] = section{title, strings.TrimSpace(part.MailLog + "\n\n" + part.AccessLog)}
	}
	if len(left) > 0 {
		texts = append(texts, section{"Further papers, which we can send on request:", strings.Join(left, "\n")})
	}
	return EvidenceRequest{DisputeRef: chargeback.GatewayRef, Text: joined(texts, MostEvidenceText), AccessLog: joined(logs, MostEvidenceText), Files: files, Submit: true}, nil
}

func invoiceWords(lines []viewLine) string {
	var numbers []string
	for _, line := range lines {
		if !slices.Contains(numbers, line.Number) {
			numbers = append(numbers, line.Number)
		}
	}
	const most = 20
	if len(numbers) > most {
		numbers = append(numbers[:most], "…")
	}
	if len(numbers) == 0 {
		return ""
	}
	return " for " + strings.Join(numbers, ", ")
}

// section is what one vendor has to say in a text of the answer.
type section struct{ title, body string }

// joined writes sections under one another within a bound. What is too long in
// all is shortened where it is longest, so that nobody's words go missing.
func joined(sections []section, most int) string {
	sections = slices.DeleteFunc(slices.Clone(sections), func(s section) bool { return s.body == "" })
	wants := make([]int, len(sections))
	for i, s := range sections {
		wants[i] = utf8.RuneCountInString(s.body)
		most -= utf8.RuneCountInString(s.title) + 3 // and the line breaks around
	}
	shares := evenly(wants, max(0, most))
	texts := make([]string, len(sections))
	for i, s := range sections {
		texts[i] = s.title + "\n" + clippedRunes(s.body, shares[i])
	}
	return strings.Join(texts, "\n\n")
}

// evenly gives each what it wants, or an equal part of what is left.
func evenly(wants []int, budget int) []int {
	order := make([]int, len(wants))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return wants[a] - wants[b] })
	shares := make([]int, len(wants))
	for n, i := range order {
		shares[i] = min(wants[i], budget/(len(order)-n))
		budget -= shares[i]
	}
	return shares
}

// fittingPapers takes papers in turn, each vendor's first before anybody's
// second, as far as a bank takes them; what does not fit is named.
func fittingPapers(partIDs []string, papers []EvidencePaper) ([]EvidenceFile, []string) {
	byPart := map[string][]EvidencePaper{}
	for _, paper := range papers {
		byPart[paper.ChargebackShareID] = append(byPart[paper.ChargebackShareID], paper)
	}
	var files []EvidenceFile
	var left []string
	size := 0
	for round := range MostEvidencePapers {
		for _, id := range partIDs {
			if round >= len(byPart[id]) {
				continue
			}
			paper := byPart[id][round]
			if len(files) == MostEvidencePapers || size+len(paper.Content) > MostEvidenceBytes {
				left = append(left, paper.Name)
				continue
			}
			size += len(paper.Content)
			files = append(files, EvidenceFile{Kind: paper.Kind, Name: paper.Name, ContentType: paper.ContentType, Content: paper.Content})
		}
	}
	return files, left
}
