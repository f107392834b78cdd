package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2011 = &lint.Rule{
	Code: "PL2011", Title: "Clean-up in a RUN of its own does not make the image smaller", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#apt-get",
	Why: "Lists, caches and packages are in the layer of the RUN that brought them. A later RUN only hides them, and the image is as large as before. " +
		"Clean up in the same RUN, or mount a cache there.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !shipped(p.Doc, s) {
			return
		}
		for _, steps := range sequences(s) {
			cleanedLater(p, s, steps)
		}
	},
}

func cleanedLater(p *lint.Pass, s *lint.Stage, steps []step) {
	dirty := map[string]int{}     // the line of a RUN that leaves files of a tool behind
	installed := map[string]int{} // the line of the RUN that installed a package
	for i, st := range steps {
		if st.run == nil {
			continue
		}
		if renewsLists(st.run, steps[i+1:]) {
			continue
		}
		fills, cleans := map[string]bool{}, map[string]bool{}
		var found []*shellscript.Command
		st.run.Each(func(c *shellscript.Command) {
			c = unwrap(c)
			if name := cleansUp(s, st, c); name != "" {
				cleans[name] = true
				found = append(found, c)
				return
			}
			if name := fillsUp(c); name != "" {
				fills[name] = true
			}
			if _, packages, ok := systemRemove(c); ok && len(packages) > 0 {
				found = append(found, c)
			}
		})
		for _, c := range found {
			name := cleansUp(s, st, c)
			if line, ok := dirty[name]; name != "" && ok && !fills[name] {
				p.Report(commandSpan(c), "%s hides what stays in the layer of the RUN in line %d: clean up there", c.Base(), line)
				delete(dirty, name)
			}
			if _, packages, ok := systemRemove(c); ok && name == "" {
				for _, w := range packages {
					if line, ok := installed[packageName(w.S)]; ok {
						p.Report(lint.At(w.Text), "%s stays in the layer of the RUN in line %d: remove it there", packageName(w.S), line)
						break
					}
				}
			}
		}
		if hasMount(st.run, "cache") || hasMount(st.run, "tmpfs") {
			fills = nil
		}
		for name := range fills {
			if _, ok := dirty[name]; !ok && !cleans[name] {
				dirty[name] = st.in.Line
			}
		}
		remember(st, installed)
	}
}

// renewsLists says whether a step cleans up for the sake of archives that it or the next step sets up.
func renewsLists(r *lint.Run, later []step) bool {
	installs := false
	r.Each(func(c *shellscript.Command) {
		_, packages, ok := systemInstall(unwrap(c))
		installs = installs || ok && len(packages) > 0
	})
	return !installs && (changesArchives(r) || len(later) > 0 && later[0].run != nil && changesArchives(later[0].run))
}

// changesArchives says whether a step says where packages come from, also by what it writes into a file.
func changesArchives(r *lint.Run) bool { return setsUpPackages(r) || anyIn(r.In, packageFolders) }

// remember notes the packages that a step installs and leaves.
func remember(st step, installed map[string]int) {
	st.run.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		if _, packages, ok := systemInstall(c); ok {
			if group, ok := c.FlagValue("-t", "--virtual"); ok && c.Base() == "apk" {
				packages = []shellscript.Word{group}
			}
			for _, w := range packages {
				if w.Literal {
					installed[packageName(w.S)] = st.in.Line
				}
			}
		}
		if _, packages, ok := systemRemove(c); ok {
			for _, w := range packages {
				delete(installed, packageName(w.S))
			}
		}
	})
}

// fillsUp is the tool whose lists or caches a command fills, "" for none.
func fillsUp(c *shellscript.Command) string {
	switch base := c.Base(); base {
	case "apt-get", "apt", "aptitude":
		if c.Has("install", "update", "upgrade", "dist-upgrade", "build-dep") {
			return "apt"
		}
	case "yum", "dnf", "microdnf":
		if c.Has("install", "update", "upgrade", "makecache", "groupinstall", "localinstall", "reinstall") {
			return "dnf"
		}
	case "apk":
		if (c.Has("add", "update", "upgrade")) && !c.HasFlag("--no-cache") {
			return base
		}
	case "npm", "yarn":
		if sub := c.Sub(); base == "yarn" && sub == "" || slices.Contains([]string{"install", "ci", "i", "add"}, sub) {
			return base
		}
	case "pip", "pip3":
		if c.Sub() == "install" && !c.HasFlag("--no-cache-dir", "--no-cache") {
			return "pip"
		}
	}
	return ""
}

// cachePaths are folders of lists and caches with the tool that fills them.
var cachePaths = map[string]string{
	"/var/lib/apt/lists": "apt", "/var/cache/apt": "apt", "/var/lib/apt": "apt", "/var/cache/yum": "dnf", "/var/cache/dnf": "dnf", "/var/cache/apk": "apk",
	"/root/.npm": "npm", "/root/.cache/pip": "pip", "/usr/local/share/.cache/yarn": "yarn",
}

// cleansUp is the tool whose lists or caches a command deletes, "" for none.
func cleansUp(s *lint.Stage, st step, c *shellscript.Command) string {
	switch base := c.Base(); base {
	case "apt-get", "apt":
		if sub := c.Sub(); sub == "clean" || sub == "autoclean" {
			return "apt"
		}
	case "yum", "dnf", "microdnf":
		if c.Sub() == "clean" {
			return "dnf"
		}
	case "npm", "yarn":
		if c.Sub() == "cache" && c.Has("clean") {
			return base
		}
	case "pip", "pip3":
		if c.Sub() == "cache" {
			return "pip"
		}
	case "rm":
		for _, w := range c.Operands() {
			name := strings.TrimRight(runPath(s, st, w), "/*")
			for folder, tool := range cachePaths {
				if within(name, folder) && !st.run.Mounted(name, "cache", "tmpfs") {
					return tool
				}
			}
		}
	}
	return ""
}
