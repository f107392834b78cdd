package family

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plinth-build/plinth/internal/lint"
)

// said is what an image has of USER, ENV A, SHELL, HEALTHCHECK and LABEL l, with the image of the catalog that
// each value but those of ENV and LABEL is from, "-" for this file.
func said(e *lint.Effective) string {
	value := func(v lint.Value) string {
		if !v.Set {
			return "unset"
		}
		if v.From == "" {
			return v.S + "@-"
		}
		return v.S + "@" + v.From
	}
	env, label := "unset", "unset"
	if v, ok := e.Env["A"]; ok {
		env = v
	}
	if v, ok := e.Labels["l"]; ok {
		label = v
	}
	return fmt.Sprintf("user %s env %s shell %s check %s label %s", value(e.User), env, e.Shell[0], value(e.Healthcheck), label)
}

// TestEachSettingIsInherited says of each of five settings what it is in children, grandchildren, flavours,
// images of a matrix and their children, stages and the images that are made of stages.
func TestEachSettingIsInherited(t *testing.T) {
	files := map[string]string{
		"plinth.yaml": "registry: r.example/base\n",

		// a root that says all, children that say nothing, one thing each, or all of it anew
		"0000-root/Dockerfile":     "FROM scratch\nUSER 1\nENV A=root\nSHELL [\"/bin/root\"]\nHEALTHCHECK CMD [\"root\"]\nLABEL l=root\n",
		"0100-silent/Dockerfile":   "FROM r.example/base/root\n",
		"0200-grand/Dockerfile":    "FROM r.example/base/silent\n",
		"0100-user/Dockerfile":     "FROM r.example/base/root\nUSER 2\n",
		"0100-env/Dockerfile":      "FROM r.example/base/root\nENV A=env\n",
		"0100-shell/Dockerfile":    "FROM r.example/base/root\nSHELL [\"/bin/shell\"]\n",
		"0100-check/Dockerfile":    "FROM r.example/base/root\nHEALTHCHECK CMD [\"check\"]\n",
		"0100-none/Dockerfile":     "FROM r.example/base/root\nHEALTHCHECK NONE\n",
		"0100-label/Dockerfile":    "FROM r.example/base/root\nLABEL l=label\n",
		"0200-of-user/Dockerfile":  "FROM r.example/base/user\n",
		"0200-of-none/Dockerfile":  "FROM r.example/base/none\n",
		"0200-of-label/Dockerfile": "FROM r.example/base/label\nENV A=$A-child\n",

		// flavours of what says nothing itself, and of what does
		"0300-plain/Dockerfile":    "FROM r.example/base/env\n",
		"0300-plain/image.yaml":    "flavours: [thin, loud]\n",
		"flavours/thin/Dockerfile": "ARG BASE\nFROM ${BASE}\n",
		"flavours/loud/Dockerfile": "ARG BASE\nFROM ${BASE}\nUSER 9\nENV A=loud\nLABEL l=loud\nHEALTHCHECK NONE\nSHELL [\"/bin/loud\"]\n",

		// a matrix whose arguments reach all of it
		"0400-each/Dockerfile":    "FROM r.example/base/root\nARG who\nARG n\nUSER ${who}\nENV A=${who}${n}\nLABEL l=$who\nHEALTHCHECK CMD [\"/$who\"]\n",
		"0400-each/image.yaml":    "matrix: {who: [a, b], n: [\"1\"]}\n",
		"0500-of-each/Dockerfile": "FROM r.example/base/each-b-1\n",

		// stages: what one says is not the image's, unless the image stands on it
		"0600-copied/Dockerfile":    "FROM r.example/base/root AS build\nUSER 7\nENV A=build\nLABEL l=build\nFROM r.example/base/silent\nCOPY --from=build /x /x\n",
		"0600-stood/Dockerfile":     "FROM r.example/base/root AS build\nUSER 7\nENV A=build\nHEALTHCHECK CMD [\"build\"]\nFROM build AS mid\nLABEL l=mid\nFROM mid\nSHELL [\"/bin/last\"]\n",
		"0600-part/Dockerfile":      "FROM r.example/base/root AS one\nUSER 11\nFROM one AS two\nUSER 12\nENV A=two\n",
		"0600-part/image.yaml":      "target: one\n",
		"0700-of-part/Dockerfile":   "FROM r.example/base/part\n",
		"0700-triggered/Dockerfile": "FROM r.example/base/root\nONBUILD USER 13\nONBUILD ENV A=triggered\n",

		"0800-of-triggered/Dockerfile":    "FROM r.example/base/triggered\nLABEL l=$A\n",
		"0900-of-of-triggered/Dockerfile": "FROM r.example/base/of-triggered\nUSER 15\n",
		"0900-staged-trigger/Dockerfile":  "FROM r.example/base/root AS a\nONBUILD USER 16\nUSER 17\nFROM a AS b\nFROM b\nENV A=last\n",

		// what comes from elsewhere is not known, what was said since is
		"0800-up/Dockerfile":    "FROM docker.io/library/nginx@sha256:" + strings.Repeat("0", 64) + "\nENV A=up\n",
		"0900-of-up/Dockerfile": "FROM r.example/base/up\nUSER 14\n",
	}
	f := load(t, files)
	const root = "user 1@root env root shell /bin/root check CMD [\"root\"]@root label root"
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(root) }
	for _, c := range []struct{ path, target, want string }{
		{"0000-root", "root", replace("@root", "@-")},
		{"0100-silent", "silent", root},
		{"0200-grand", "grand", root},
		{"0100-user", "user", replace("user 1@root", "user 2@-")},
		{"0200-of-user", "of-user", replace("user 1@root", "user 2@user")},
		{"0100-env", "env", replace("env root", "env env")},
		{"0100-shell", "shell", replace("/bin/root", "/bin/shell")},
		{"0100-check", "check", replace("CMD [\"root\"]@root", "CMD [\"check\"]@-")},
		{"0100-none", "none", replace("CMD [\"root\"]@root", "NONE@-")},
		{"0200-of-none", "of-none", replace("CMD [\"root\"]@root", "NONE@none")},
		{"0100-label", "label", replace("label root", "label label")},
		{"0200-of-label", "of-label", replace("label root", "label label", "env root", "env root-child")},
		{"0300-plain", "plain", replace("env root", "env env")},
		{"flavours/thin", "plain-thin", replace("env root", "env env")},
		{"flavours/loud", "plain-loud", "user 9@- env loud shell /bin/loud check NONE@- label loud"},
		{"0400-each", "each-a-1", "user a@- env a1 shell /bin/root check CMD [\"/$who\"]@- label a"},
		{"0400-each", "each-b-1", "user b@- env b1 shell /bin/root check CMD [\"/$who\"]@- label b"},
		{"0500-of-each", "of-each", "user b@each-b-1 env b1 shell /bin/root check CMD [\"/$who\"]@each-b-1 label b"},
		{"0600-copied", "copied", root},
		{"0600-stood", "stood", "user 7@- env build shell /bin/last check CMD [\"build\"]@- label mid"},
		{"0600-part", "part", replace("user 1@root", "user 11@-")},
		{"0700-of-part", "of-part", replace("user 1@root", "user 11@part")},
		{"0700-triggered", "triggered", root},
		{"0800-of-triggered", "of-triggered", "user 13@triggered env triggered shell /bin/root check CMD [\"root\"]@root label triggered"},
		{"0900-of-of-triggered", "of-of-triggered", "user 15@- env triggered shell /bin/root check CMD [\"root\"]@root label triggered"},
		{"0900-staged-trigger", "staged-trigger", replace("user 1@root", "user 16@-", "env root", "env last")},
		{"0800-up", "up", "user unset env up shell /bin/sh check unset label unset"},
		{"0900-of-up", "of-up", "user 14@- env up shell /bin/sh check unset label unset"},
	} {
		if got := said(after(t, f, c.path+"/Dockerfile", c.target)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.target, got, c.want)
		}
	}
}
