package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl1021 = &lint.Rule{
	Code: "PL1021", Title: "secret file copied into the image", Severity: lint.Error, Family: lint.Security,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Aliases: []string{"dockle:CIS-DI-0010", "docker-bench:4.10"},
	Source:  "https://docs.docker.com/build/building/secrets/",
	Why: "A file that COPY or ADD puts into a layer stays there for everybody who can pull the image, also when a later step removes " +
		"it. A step that needs a secret mounts it (`RUN --mount=type=secret`, `--mount=type=ssh`); what the application needs is given " +
		"to the container when it starts.",
	Bad:  "FROM debian:12\nCOPY id_rsa /root/.ssh/id_rsa\nRUN git clone git@example.com:app.git",
	Good: "FROM debian:12\nRUN --mount=type=ssh git clone git@example.com:app.git",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		eachInner(s, func(in *syntax.Instruction) {
			for _, source := range copySources(in) {
				what, certain := secretFile(s, in, source.S)
				switch {
				case what == "":
				case inImage(p.Doc, s):
					p.Report(lint.At(source), "%s copies %s, %s: everybody who has the image has it, mount it with RUN --mount=type=secret or give it to the container", in.Keyword, source.S, what)
				case certain:
					p.Report(lint.At(source), "%s copies %s, %s: it stays in the cache of whoever builds, mount it with RUN --mount=type=secret", in.Keyword, source.S, what)
				}
			}
		}, "COPY", "ADD")
	},
}

// copySources are the sources of COPY or ADD, without heredocs.
func copySources(in *syntax.Instruction) (out []syntax.Text) {
	words, ok := in.JSON()
	if !ok {
		words = in.Args.Fields()
	}
	for i, w := range words {
		if i < len(words)-1 && !strings.HasPrefix(w.S, "<<") {
			out = append(out, w)
		}
	}
	return out
}

// copyTarget is the destination of COPY or ADD.
func copyTarget(in *syntax.Instruction) string {
	words, ok := in.JSON()
	if !ok {
		words = in.Args.Fields()
	}
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1].S
}

// inImage says whether the layers of a stage are in the image that the file makes.
func inImage(d *lint.Doc, s *lint.Stage) bool {
	for _, final := range d.Stages {
		if !final.Final {
			continue
		}
		for at := final; at != nil; at = at.Parent {
			if at == s {
				return true
			}
		}
	}
	return false
}

// secretFile says what secret a file of that name is, "" for none, and whether it can hardly be anything
// else. Names that are common for what is no secret count only when something else tells.
func secretFile(s *lint.Stage, in *syntax.Instruction, source string) (what string, certain bool) {
	source = strings.ToLower(strings.TrimSuffix(source, "/"))
	name, target := path.Base(source), strings.ToLower(copyTarget(in))
	for _, harmless := range []string{"example", "sample", "test", "dummy", "snakeoil", "fixture", "template"} {
		if strings.Contains(source, harmless) {
			return "", false
		}
	}
	folder := path.Base(path.Dir(source))
	switch path.Base(target) {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return "a private ssh key", true
	}
	switch name {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "identity.pem", "ssh_host_rsa_key", "ssh_host_ecdsa_key", "ssh_host_ed25519_key":
		return "a private ssh key", true
	case ".ssh":
		return "a folder of ssh keys", true
	case "master.key":
		return "the key of encrypted settings", true
	case ".netrc", "_netrc", ".pypirc", ".git-credentials", ".dockercfg", ".pgpass", ".vault-token", "kubeconfig", "credentials.json", ".s3cfg", ".boto":
		return "a file of credentials", true
	case "credentials":
		if folder == ".aws" || strings.Contains(target, ".aws/") {
			return "a file of credentials", true
		}
	case "config.json":
		if strings.Contains(target, ".docker/") {
			return "a file of credentials", true
		}
	case "config":
		if folder == ".kube" || strings.Contains(target, ".kube/") {
			return "a file of credentials", true
		}
	case ".docker":
		// a folder of that name in a project mostly holds files for the build
		if strings.HasSuffix(strings.TrimSuffix(target, "/"), "/.docker") {
			return "a folder of credentials", true
		}
	case ".aws", ".kube", ".gnupg":
		return "a folder of credentials", true
	case ".env":
		return "a file of settings that mostly holds secrets", false
	case ".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", "nuget.config", "settings.xml", ".composer", "auth.json", ".gemrc":
		if removedLater(s, in, name) {
			return "whose removal in a later step does not take it out of its layer", false
		}
	}
	what = secretExtension(name, target)
	return what, what != ""
}

// secretExtension tells private keys and stores of them by the end of the name.
func secretExtension(name, target string) string {
	stem, ext := name, path.Ext(name)
	stem = strings.TrimSuffix(stem, ext)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(stem, part) {
				return true
			}
		}
		return false
	}
	switch ext {
	case ".kdbx", ".ppk":
		return "a file of secrets"
	case ".p12", ".pfx":
		if !has("trust", "cacert", "ca-cert", "public") {
			return "a private key with its certificate"
		}
	case ".jks", ".keystore":
		if has("key", "server", "identity") && !has("trust", "cacert", "debug") || ext == ".keystore" && !has("trust", "cacert", "debug") {
			return "a store of private keys"
		}
	case ".pem", ".key":
		public := has("pub", "gpg", "apt", "rpm", "sign", "release", "trust", "repo", "archive") || strings.Contains(target, "keyring") || strings.Contains(target, "/apt/") || strings.Contains(target, "/rpm") || strings.Contains(target, "yum")
		private := has("privkey", "private") || ext == ".pem" && (stem == "key" || strings.HasSuffix(stem, "-key") || strings.HasSuffix(stem, "_key")) ||
			ext == ".key" && (has("server", "client", "tls", "ssl", "domain", "localhost", "nginx") || stem == "ca" || strings.Contains(target, "ssl") || strings.Contains(target, "tls") || strings.Contains(target, "cert"))
		if private && !public {
			return "a private key"
		}
	case ".json":
		if strings.HasPrefix(stem, "client_secret") || strings.HasSuffix(stem, "service-key") || strings.HasPrefix(stem, "service-account") || strings.HasPrefix(stem, "service_account") || strings.HasPrefix(stem, "serviceaccount") {
			return "a file of credentials"
		}
	}
	return ""
}

// removedLater says whether a step of the stage after an instruction removes a file of that name.
func removedLater(s *lint.Stage, in *syntax.Instruction, name string) bool {
	found := false
	eachUnwrapped(s, func(run *lint.Run, c *shellscript.Command) {
		if found || run.In.Start < in.Start || !runsProgram(c, "rm", "shred", "unlink") {
			return
		}
		for _, w := range c.Operands() {
			found = found || strings.EqualFold(path.Base(w.S), name)
		}
	})
	return found
}
