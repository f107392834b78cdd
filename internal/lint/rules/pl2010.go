package rules

import (
	"path"
	"slices"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl2010 = &lint.Rule{
	Code: "PL2010", Title: "VOLUME changed after it was declared", Severity: lint.Warning, Family: lint.Practice,
	Profiles: lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/reference/dockerfile/#notes-about-specifying-volumes",
	Why: "What a step changes below a VOLUME is dropped by some builders and kept by others: BuildKit keeps it, the old builder and some of the others don't. " +
		"Nor does a VOLUME keep temporary files out of layers. Declare it behind the steps that fill it.",
	Bad:  "FROM debian:12\nVOLUME /data\nRUN mkdir -p /data/db",
	Good: "FROM debian:12\nRUN mkdir -p /data/db\nVOLUME /data",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		for _, steps := range sequences(s) {
			for i, st := range steps {
				if st.in.Keyword == "VOLUME" {
					temporaryVolume(p, s, st, steps[i+1:])
				}
				if st.run != nil {
					changesVolume(p, s, st)
				}
			}
		}
	},
}

// temporaryVolume reports a VOLUME for temporary files that steps come behind which may have some.
func temporaryVolume(p *lint.Pass, s *lint.Stage, st step, later []step) {
	for _, word := range volumeWords(st.in) {
		name := stagePath(s, st, word.S)
		if isTemporary(name) && slices.ContainsFunc(later, func(l step) bool { return l.run != nil && usesFolder(l, name) }) {
			p.Report(lint.At(word), "VOLUME %s keeps nothing of the steps behind it out of the layers: use RUN --mount=type=tmpfs or type=cache", name)
		}
	}
}

// usesFolder says whether a step has something to do with a folder of temporary files: it names it, or installs
// or builds something, which leaves files in such folders.
func usesFolder(st step, folder string) (yes bool) {
	if anyIn(st.in, []string{folder}) {
		return true
	}
	st.run.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		yes = yes || mayCompile(c) || fillsUp(c) != "" || fillsCache(c) != ""
	})
	return yes
}

func isTemporary(name string) bool {
	switch name {
	case "/tmp", "/var/tmp", "/var/cache", "/var/cache/apt", "/var/lib/apt", "/var/lib/apt/lists", "/root/.cache", "/root/.m2", "/root/.npm", "/root/.gradle":
		return true
	}
	return false
}

func volumeWords(in *syntax.Instruction) []syntax.Text {
	if words, ok := in.JSON(); ok {
		return words
	}
	return in.Args.Fields()
}

// changesVolume reports the first word of a step that is a path below a volume and is written to.
func changesVolume(p *lint.Pass, s *lint.Stage, st step) {
	var volumes []string
	for _, v := range s.Before(st.index).Volumes {
		if name := stagePath(s, st, v); name != "" && !isTemporary(name) {
			volumes = append(volumes, path.Clean(name))
		}
	}
	if len(volumes) == 0 {
		return
	}
	done := false
	st.run.Each(func(c *shellscript.Command) {
		for _, w := range writes(unwrap(c)) {
			name := runPath(s, st, w)
			if name == "" || done || st.run.Mounted(name, "cache", "tmpfs", "bind") {
				continue
			}
			for _, v := range volumes {
				if within(name, v) {
					p.Report(lint.At(w.Text), "%s is below VOLUME %s, which was declared before: some builders drop this change; move VOLUME behind it", name, v)
					done = true
					return
				}
			}
		}
	})
}

// writes are the words of a command that are paths it makes or changes.
func writes(c *shellscript.Command) (out []shellscript.Word) {
	words := c.Operands("-m", "-t", "-o", "-g", "--mode", "--owner", "--group")
	switch c.Base() {
	case "mkdir", "touch", "tee", "truncate", "mkfifo":
		out = words
	case "chown", "chmod", "chgrp":
		out = words[min(1, len(words)):]
	case "setfacl":
		out = c.Operands("-m", "-x", "-M", "-X", "--modify", "--remove", "--modify-file", "--remove-file")
	case "cp", "mv", "ln", "install", "rsync":
		if len(words) > 0 {
			out = words[len(words)-1:]
		}
		if c.Base() == "install" && c.HasFlag("-d") {
			out = words
		}
	case "tar":
		if dir, ok := c.FlagValue("-C", "--directory"); ok {
			out = append(out, dir)
		}
	case "unzip":
		if dir, ok := c.FlagValue("-d"); ok {
			out = append(out, dir)
		}
	}
	if to := redirectedTo(c); to.S != "" {
		out = append(out, to)
	}
	return out
}
