package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2009 = &lint.Rule{
	Code: "PL2009", Title: "Temporary files and caches stay in the image", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/cache/optimize/#use-cache-mounts",
	Why: "What a tool downloads into its cache is of no use in the image, and neither is an archive in /tmp. A cache mount keeps both out of all layers, and the next build finds the cache there. " +
		"In a catalog, `temp:` names paths that never reach a layer.",
	Bad:  "FROM node:22\nCOPY package.json ./\nRUN npm ci",
	Good: "FROM node:22\nCOPY package.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !shipped(p.Doc, s) {
			return
		}
		for _, steps := range sequences(s) {
			for i, st := range steps {
				if st.run != nil {
					cacheStays(p, s, st)
					temporaryStays(p, s, steps, i)
				}
			}
		}
	},
}

// cacheStays reports the first command of a step that leaves each cache behind.
func cacheStays(p *lint.Pass, s *lint.Stage, st step) {
	var seen []string
	st.run.Each(func(c *shellscript.Command) {
		plain := unwrap(c)
		tool := fillsCache(plain)
		if tool == "" || slices.Contains(seen, tool) {
			return
		}
		seen = append(seen, tool)
		cache := toolCaches[tool]
		if cache.moved(s.Before(st.index), plain) || cache.clears(p.Doc, tool, st.run) || cache.needed && (runsTool(p.Doc, tool) || forBuilding(p.Doc)) {
			return
		}
		p.Report(commandSpan(plain), "%s %s leaves its cache in the image (%s): mount one there with RUN --mount=type=cache", plain.Base(), plain.Sub(), cache.folder)
	})
}

// runsTool says whether the image's process is a tool.
func runsTool(d *lint.Doc, tool string) bool {
	for _, s := range d.Stages {
		if s.Final {
			e := s.After()
			return strings.Contains(e.Cmd.S, tool) || strings.Contains(e.Entrypoint.S, tool)
		}
	}
	return false
}

// temporaryStays reports downloads to a folder of temporary files that no step deletes.
func temporaryStays(p *lint.Pass, s *lint.Stage, steps []step, i int) {
	st := steps[i]
	files := madeByRun(s, st)
	if len(files) == 0 {
		return
	}
	var gone []deletion
	for _, later := range steps[i:] {
		if later.run == nil {
			continue
		}
		if deletesUnknown(s, later) {
			return
		}
		gone = append(gone, deletions(s, later)...)
	}
	for _, m := range files {
		if !within(m.path, "/tmp") && !within(m.path, "/var/tmp") || inTemp(p.Doc, m.path) || removed(m.path, gone) || st.run.Mounted(m.path, "cache", "tmpfs", "bind") {
			continue
		}
		p.Report(m.span, "%s leaves %s in the image: delete it in this RUN, or mount a cache there", m.what, m.path)
	}
}

// deletesUnknown says whether a step deletes or moves something and it is not known what.
func deletesUnknown(s *lint.Stage, st step) (yes bool) {
	st.run.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		switch c.Base() {
		case "find", "mv":
			yes = true
		case "rm", "unlink":
			for _, w := range c.Operands() {
				yes = yes || runPath(s, st, w) == ""
			}
		}
	})
	return yes
}
