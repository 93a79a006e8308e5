// Drives the flows of the page in package signin against the service in os.Args.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"example.com/app/signin"
)

var (
	service = os.Args[1]
	ctx     = context.Background()
	sixes   = regexp.MustCompile(`\b\d{6}\b`)
)

func demand(holds bool, what string) {
	if !holds {
		log.Fatal(what)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func refusedFor(err error, reason string) bool {
	return errors.Is(err, &signin.Refused{Reason: reason})
}

func mailedCode(email string) string {
	answer := must(http.Get(service + "/dev/outbox"))
	defer answer.Body.Close()
	var box struct{ Messages []struct{ To, Text string } }
	if err := json.NewDecoder(answer.Body).Decode(&box); err != nil {
		log.Fatal(err)
	}
	found := ""
	for _, message := range box.Messages {
		if message.To == email {
			found = sixes.FindString(message.Text)
		}
	}
	demand(found != "", "no code was mailed")
	return found
}

func another(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// approve says yes at GitHub: the query with which the browser comes back.
func approve(at string) url.Values {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	answer := must(client.Get(at))
	answer.Body.Close()
	return must(answer.Location()).Query()
}

func password() {
	email, secret := "password.go@example.com", "correct horse battery"
	pair := must(signin.Register(ctx, email, secret))
	demand(pair.Access.Token != "", "no token")
	_, err := signin.Register(ctx, email, secret)
	demand(refusedFor(err, "EMAIL_TAKEN"), "registered twice")
	_, err = signin.Register(ctx, "b"+email, "short")
	demand(signin.Tell(err) == "The password needs at least 8 characters.", signin.Tell(err))
	_, err = signin.SignIn(ctx, email, "wrong horse battery")
	demand(refusedFor(err, "INVALID_CREDENTIALS"), "a wrong password")
	demand(strings.Contains(signin.Tell(err), "password is not right"), signin.Tell(err))
	must(signin.SignIn(ctx, email, secret))
}

func confirm() {
	email, secret := "confirm.go@example.com", "correct horse battery"
	pair := must(signin.Register(ctx, email, secret))
	demand(pair == nil, "registered before the code came back")
	code := mailedCode(email)
	_, err := signin.Confirm(ctx, email, another(code), secret)
	demand(refusedFor(err, "INVALID_CODE"), "a wrong code")
	must(signin.Confirm(ctx, email, code, secret))
	must(signin.SignIn(ctx, email, secret))
}

func mailed() {
	email := "code.go@example.com"
	demand(signin.SendCode(ctx, email) == nil, "no code was sent")
	code := mailedCode(email)
	demand(must(signin.SignInWithCode(ctx, email, another(code))) == nil, "a wrong code")
	demand(must(signin.SignInWithCode(ctx, email, code)).Access.Token != "", "no token")
	for range [4]int{} {
		signin.SendCode(ctx, email)
	}
	waits := signin.Tell(signin.SendCode(ctx, email))
	demand(strings.HasPrefix(waits, "Please try again in "), waits)
}

func github() {
	at, kept, err := signin.BeginGitHub(ctx)
	demand(err == nil, "GitHub was not begun")
	back := approve(at)
	_, err = signin.FinishGitHub(ctx, signin.Kept{}, back)
	demand(errors.Is(err, signin.ErrNotBegunHere), "another visitor brought it")
	welcome := must(signin.FinishGitHub(ctx, kept, back))
	demand(welcome.Username == "grace" && welcome.Token.Access.Token != "", "no welcome")
	_, err = signin.FinishGitHub(ctx, kept, back)
	demand(refusedFor(err, "INVALID_STATE"), "a state worked twice")
	_, err = signin.FinishGitHub(ctx, kept, url.Values{
		"state": {kept.State}, "error": {"access_denied"},
	})
	demand(errors.Is(err, signin.ErrDeclined), "she said no")
}

func session() {
	first := must(signin.Register(ctx, "session.go@example.com", "correct horse battery"))
	second := must(signin.Renew(ctx, *first, "a key"))
	demand(second.Refresh.Token != first.Refresh.Token, "no successor")
	again := must(signin.Renew(ctx, *first, "a key"))
	demand(again.Refresh.Token == second.Refresh.Token, "the answer was lost for good")
	demand(signin.SignOut(ctx, *second) == nil, "not signed out")
	_, err := signin.Renew(ctx, *second, "another key")
	demand(errors.Is(err, signin.ErrOver), "the session lived on")
}

func main() {
	if os.Args[2] == "confirm" {
		confirm()
		return
	}
	password()
	mailed()
	github()
	session()
}
