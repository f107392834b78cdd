package rules

import "github.com/plinth-build/plinth/internal/lint"

var pl2006 = &lint.Rule{
	Code: "PL2006", Title: "Files deleted in a later step stay in the image", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#run",
	Why: "What one step has put into a layer stays there: deleting it in a later step only hides it. Files that are needed for a step alone are mounted " +
		"(`RUN --mount=type=bind`), and downloads are deleted in the RUN that made them.",
	Bad:  "FROM debian:12\nCOPY tool.deb /tmp/tool.deb\nRUN dpkg -i /tmp/tool.deb\nRUN rm /tmp/tool.deb",
	Good: "FROM debian:12\nRUN --mount=type=bind,source=tool.deb,target=/tmp/tool.deb dpkg -i /tmp/tool.deb",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		deletedLater(p, s, func(m made, d deletion) {
			if isSecretFile(m.path) {
				return // PL2007 says it
			}
			if m.fetched {
				p.Report(lint.At(d.word.Text), "%s is in the layer of the %s in line %d and stays in the image; download it in the RUN that needs it, or with ADD into another stage", m.path, m.what, m.st.in.Line)
				return
			}
			if m.st.run == nil {
				p.Report(lint.At(d.word.Text), "%s is in the layer of the %s in line %d and stays in the image; mount it with RUN --mount=type=bind instead", m.path, m.what, m.st.in.Line)
				return
			}
			p.Report(lint.At(d.word.Text), "%s is in the layer of the RUN in line %d (%s) and stays in the image; delete it in that RUN", m.path, m.st.in.Line, m.what)
		})
	},
}

// deletedLater calls found for each file that one step makes and a later one deletes, in stages whose
// layers are in the image.
func deletedLater(p *lint.Pass, s *lint.Stage, found func(made, deletion)) {
	if !shipped(p.Doc, s) {
		return
	}
	for _, steps := range sequences(s) {
		var files []made
		for _, st := range steps {
			if st.run == nil {
				files = append(files, madeByCopy(s, st)...)
				continue
			}
			var gone []deletion
			for _, d := range deletions(s, st) {
				if inTemp(p.Doc, d.path) || st.run.Mounted(d.path, "cache", "bind", "tmpfs", "secret") {
					continue
				}
				gone = append(gone, d)
				left := files[:0:0]
				reported := false
				for _, m := range files {
					switch {
					case !d.removes(m.path):
						left = append(left, m)
					case !reported && !inTemp(p.Doc, m.path):
						found(m, d)
						reported = true
					}
				}
				files = left
			}
			for _, m := range madeByRun(s, st) {
				if !removed(m.path, gone) && !st.run.Mounted(m.path, "cache", "tmpfs") {
					files = append(files, m)
				}
			}
		}
	}
}

func removed(name string, gone []deletion) bool {
	for _, d := range gone {
		if d.removes(name) {
			return true
		}
	}
	return false
}
