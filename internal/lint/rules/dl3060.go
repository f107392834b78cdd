package rules

import (
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3060 = &lint.Rule{
	Code: "DL3060", Title: "yarn install leaves its cache", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3060",
	Why: "yarn keeps a copy of each package that it installs, often hundreds of megabytes. What one RUN leaves is in the image for good: a later one " +
		"only hides it. A cache mount keeps the copies for the next build and out of the image. Stages that do not get into the image may keep theirs.",
	Bad:  "FROM node:22\nRUN yarn install --frozen-lockfile",
	Good: "FROM node:22\nRUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install --frozen-lockfile",
	Check: func(p *lint.Pass) {
		for _, s := range p.Stages {
			if !shipped(p.Doc, s) {
				continue
			}
			for _, run := range s.Runs() {
				for _, c := range yarnLeaves(run, p.Options.Hadolint) {
					p.Report(commandSpan(c), "yarn leaves its cache in the image: add yarn cache clean behind it, or mount a cache")
				}
			}
		}
	},
}

// yarnLeaves are the commands that fill the cache and are not followed by one that empties it.
// hadolint knows only yarn install and yarn cache clean, and takes one before it for one in the wrong place.
func yarnLeaves(run *lint.Run, hadolint bool) (left []*shellscript.Command) {
	for _, m := range run.Mounts() {
		if t := lint.MountType(m); t == "cache" || t == "tmpfs" {
			return nil
		}
	}
	var all []*shellscript.Command
	early := false
	run.Each(func(c *shellscript.Command) {
		c = unwrap(c)
		switch c.Base() {
		case "yarn", "yarnpkg":
			ops := c.Operands("--cwd", "--network-timeout", "--registry", "--modules-folder", "--mutex", "--network-concurrency", "--prefix", "--global-folder")
			switch {
			case fillsYarnCache(c, ops) && (!hadolint || len(ops) > 0 && ops[0].S == "install"):
				left, all = append(left, c), append(all, c)
			case len(ops) > 1 && ops[0].S == "cache" && ops[1].S == "clean":
				early = early || len(all) == 0
				left = nil
			}
		case "rm":
			if !hadolint && slices.ContainsFunc(c.Args(), func(w shellscript.Word) bool {
				return strings.Contains(w.S, "yarn") || strings.Contains(w.S, ".cache")
			}) {
				left = nil
			}
		}
	})
	if hadolint && early {
		return all
	}
	return left
}

// fillsYarnCache says whether a yarn command installs packages. Without a command yarn installs.
func fillsYarnCache(c *shellscript.Command, ops []shellscript.Word) bool {
	if c.HasFlag("--version", "--help", "--cache-folder") || c.Has("-v", "-h") {
		return false
	}
	if len(ops) == 0 {
		return true
	}
	return ops[0].S == "install" || ops[0].S == "add" || ops[0].S == "global" && len(ops) > 1 && ops[1].S == "add"
}
