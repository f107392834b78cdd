package rules

import (
	"path"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2004 = &lint.Rule{
	Code: "PL2004", Title: "System packages installed after the code was copied", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/cache/optimize/#order-your-layers",
	Why: "A step is built again when anything before it has changed. Code changes more often than the system packages that it needs: with them behind it, each change " +
		"of the code downloads and installs the packages again.",
	Bad:  "FROM debian:12\nCOPY . /app\nRUN apt-get update && apt-get install -y --no-install-recommends git",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y --no-install-recommends git\nCOPY . /app",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			packagesAfterCode(p, steps)
		}
	},
}

func packagesAfterCode(p *lint.Pass, steps []step) {
	what, line := "", 0
	for _, st := range steps {
		if c, ok := copyOf(st.in); ok && what == "" && c.from == "" {
			if _, whole := wholeContext(st.in); whole {
				what, line = "the whole context", st.in.Line
			}
			for _, source := range c.sources {
				if what == "" && codeFolders[path.Base(path.Clean(source.S))] {
					what, line = source.S, st.in.Line
				}
			}
		}
		if st.run == nil || what == "" {
			continue
		}
		if setsUpPackages(st.run) {
			return
		}
		for _, c := range st.run.Commands() {
			c = unwrap(c)
			tool, packages, ok := systemInstall(c)
			if !ok || len(packages) == 0 || !literalOnly(packages) || hasMount(st.run, "cache") {
				continue
			}
			p.Report(commandSpan(c), "%s installs %s after %s was copied (line %d): each change of it installs the packages again; move this before it",
				tool, list(packages), what, line)
			return
		}
	}
}

// setsUpPackages says whether a step configures where packages come from: it may need what was copied.
func setsUpPackages(r *lint.Run) (yes bool) {
	r.Each(func(c *shellscript.Command) {
		switch c.Base() {
		case "apt-key", "add-apt-repository", "rpm", "dpkg", "yum-config-manager", "zypper-add", "update-ca-certificates":
			yes = true
		}
		for _, w := range c.Words {
			for _, folder := range packageFolders {
				yes = yes || strings.Contains(w.S, folder)
			}
		}
	})
	return yes
}

// packageFolders are where the configuration of package managers lies.
var packageFolders = []string{"/etc/apt", "/etc/yum", "/etc/apk", "/etc/dnf", "/etc/zypp", "/usr/share/keyrings"}
