package portal_test

import (
	"strings"
	"testing"
)

func TestATeamByInvitation(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	refused := b.post("/me/team/invitations", "email", "nonsense").want(422, "Enter an e-mail address")
	if !strings.Contains(refused.body, `value="nonsense"`) {
		t.Error("what was entered is lost")
	}
	b.post("/me/team/invitations", "email", bob).goes("/me/settings")
	b.get("/me/settings").want(200, "We have written to "+bob, "Withdraw")
	link := strings.TrimPrefix(w.letters.invitation, publicURL)
	b.get(link).want(404) // it is not hers to answer
	colleague := w.signIn(bob)
	before := colleague.get("/me")
	colleague.get(link).want(200, ann, "Join", "No, thanks")
	colleague.post(link + "/acceptance").goes("/me")
	colleague.post(link+"/acceptance").want(404, "no such open invitation")
	after := colleague.get("/me")
	if len(after.body) <= len(before.body) {
		t.Error("the colleague sees no more than before")
	}
	colleague.get("/me/settings").want(200, "Leave this team", ann)
	colleague.post("/me/team/departures").goes("/me/settings")
	colleague.get("/me/settings").want(200, "You have left the team.").without("Leave this team")
	colleague.post("/me/team/departures").want(409)
}
