package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1022 = &lint.Rule{
	Code: "PL1022", Title: "credentials in a URL or a flag", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"docker-bench:4.10"},
	Source:  "https://docs.docker.com/build/building/secrets/",
	Why: "A user and a password in a URL, or in a flag such as `curl --user`, stand in the Dockerfile, in the history of the image, and mostly in a file such as " +
		"`.git/config` too. A build argument is no better: the history shows its value at each RUN. A secret that is mounted (`RUN " +
		"--mount=type=secret`) is in none of them.",
	Bad:  "FROM debian:12\nRUN git clone https://me:s3cr3t@git.example.com/app.git",
	Good: "FROM debian:12\nRUN --mount=type=secret,id=netrc,target=/root/.netrc git clone https://git.example.com/app.git",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for i, in := range s.Instructions {
			for in.Inner != nil {
				in = in.Inner
			}
			switch in.Keyword {
			case "ADD", "ENV", "ARG":
				for _, w := range in.Args.Words(p.File.Escape) {
					reportURL(p, s, i, in, w)
				}
			}
		}
		for _, run := range s.Runs() {
			eachScript(run.Scripts, func(script *shellscript.Script) {
				for _, c := range script.Commands {
					plain := unwrap(c)
					if runsProgram(plain, "sed", "perl", "awk", "grep") {
						continue // an expression may have its delimiters around parts of URLs
					}
					if w, ok := givenPassword(plain); ok && !onlyLocal(plain) {
						p.Report(lint.At(w.Text), "the password that %s gets is in the image's history for everybody who has it: mount a secret with RUN --mount=type=secret", plain.Base())
					}
					for _, w := range c.Words {
						if strings.Contains(w.S, "://") && !isScriptWord(script, w) {
							reportURL(p, s, indexOf(s, run.In), run.In, w.Text)
						}
					}
				}
			})
		}
	},
}

// indexOf is the place of an instruction in its stage, or of the ONBUILD that triggers it.
func indexOf(s *lint.Stage, in *syntax.Instruction) int {
	for i, have := range s.Instructions {
		if have.Start <= in.Start && in.Start < have.End {
			return i
		}
	}
	return 0
}

func reportURL(p *lint.Pass, s *lint.Stage, index int, in *syntax.Instruction, word syntax.Text) {
	i := strings.Index(word.S, "://")
	if i < 0 || !strings.Contains(word.S, "@") {
		return
	}
	end := userEnd(word.S, i+3)
	if end < 0 || isLocalHost(word.S[end:]) {
		return
	}
	user, password, has := cutUser(word.S[i+3 : end])
	at := lint.At(word.Slice(i+3, end))
	if has && password != "" && password != "x-oauth-basic" {
		user = password
	} else {
		has = has && password == "x-oauth-basic"
	}
	name, isVariable := onlyVariable(user)
	switch {
	case isVariable:
		if !has && !namesSecret(name) || hasSecretEnv(in, name) {
			return
		}
		state := s.Before(index)
		if _, ok := state.Env[name]; ok {
			return // whoever set it is to blame
		}
		if _, ok := state.Args[name]; ok && in.Keyword != "ARG" {
			p.Report(at, "the build argument %s in a URL ends in the history of the image: mount a secret with RUN --mount=type=secret", name)
		}
	case strings.ContainsAny(user, "$`<>{}*") || isDummy(user) || isDummyLogin(word.S[i+3:end]):
	case has || isToken(user):
		p.Report(at, "credentials in a URL are in the image's history for everybody who has it: mount a secret with RUN --mount=type=secret")
	}
}

// givenPassword finds the word with which curl, wget or a client of a registry gets a password as it is: -u me:secret, --password=secret,
// -H 'Authorization: Bearer secret'.
func givenPassword(c *shellscript.Command) (at shellscript.Word, found bool) {
	var password string
	switch {
	case runsProgram(c, "curl"):
		_, w, ok := letterFlag(c, 'u', curlValued)
		if !ok {
			w, _ = c.FlagValue("--user")
		}
		at = w
		_, password, _ = strings.Cut(w.S, ":")
	case runsProgram(c, "wget", "wget2"):
		at, _ = c.FlagValue("--password", "--http-password", "--ftp-password")
		password = at.S
	case runsProgram(c, "docker", "podman", "buildah", "skopeo", "helm") && c.Has("login"):
		at, _ = c.FlagValue("-p", "--password")
		password = at.S
	default:
		return at, false
	}
	if isPassword(password) && at.Literal {
		return at, true
	}
	for _, w := range c.Args() {
		if i := indexFold(w.S, "Authorization:"); i >= 0 && w.Literal {
			words := strings.Fields(w.S[i+len("Authorization:"):])
			// registries take a short one for nobody: Bearer QQ==
			if len(words) == 2 && len(words[1]) >= 8 && isPassword(words[1]) {
				return w, true
			}
		}
	}
	return at, false
}

// isPassword says whether a word may be a password, not a variable or what stands for one.
func isPassword(s string) bool {
	return s != "" && !strings.ContainsAny(s, "$`<>{}*") && !isDummy(s) && s != "pass" && s != "password"
}

// userEnd is the place of the @ behind the user of a URL that begins at from, -1 for none.
func userEnd(s string, from int) int {
	at, depth := -1, 0
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case depth > 0:
		case c == '@':
			at = i
		case strings.IndexByte("/?# \t\"'|,;", c) >= 0:
			return at
		}
	}
	return at
}

// cutUser splits user:password at the first colon that is in no ${…}.
func cutUser(s string) (user, password string, has bool) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{', '(':
			depth++
		case '}', ')':
			depth--
		case ':':
			if depth == 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

// onlyVariable gives the name of the variable that a word is.
func onlyVariable(s string) (string, bool) {
	names := lint.Variables(s)
	if len(names) == 1 && (s == "$"+names[0] || strings.HasPrefix(s, "${"+names[0])) {
		return names[0], true
	}
	return "", false
}

// hasSecretEnv says whether a RUN gets a variable from a secret.
func hasSecretEnv(in *syntax.Instruction, name string) bool {
	for _, f := range in.Flags {
		if f.Name == "mount" && lint.MountType(f) == "secret" {
			env, ok := lint.MountOption(f, "env")
			id, _ := lint.MountOption(f, "id")
			if ok && (env == name || env == "" && id == name) {
				return true
			}
		}
	}
	return false
}

// isDummy says whether a password is there for the form only.
func isDummy(s string) bool {
	s = strings.ToLower(s)
	switch s {
	case "example", "guest", "xxx", "xxxx", "xxxxx", "fake", "none", "anonymous":
		return true
	}
	return strings.Contains(s, "dummy") || strings.Contains(s, "placeholder") || strings.Contains(s, "changeme")
}

// isDummyLogin says whether a user and a password are the words for them.
func isDummyLogin(s string) bool {
	s = strings.ToLower(s)
	return s == "user:pass" || strings.HasSuffix(s, "user:password") || s == "username:password"
}

// isToken says whether a word begins as the access tokens of well-known hosts do.
func isToken(s string) bool {
	for _, prefix := range []string{"ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "gldt-", "npm_", "pypi-"} {
		if strings.HasPrefix(s, prefix) && len(s) > len(prefix)+10 {
			return true
		}
	}
	return false
}

// namesSecret says whether a variable of that name holds a secret itself, not a file or a name of one.
func namesSecret(name string) bool {
	if slices.ContainsFunc(nameWords(name), func(w string) bool { return slices.Contains(notSecret, w) }) {
		return false
	}
	name = "_" + strings.ToUpper(name)
	for _, end := range []string{"_TOKEN", "_PASSWORD", "_PASSWD", "_SECRET", "_API_KEY", "_APIKEY", "_PRIVATE_KEY", "_ACCESS_KEY", "_SECRET_KEY", "_SSH_KEY", "_PAT", "_CREDENTIALS", "_DB_PASS", "_ROOT_PASS", "_USER_PASS", "_PASSPHRASE", "_PRV_KEY"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
