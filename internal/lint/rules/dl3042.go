package rules

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3042 = &lint.Rule{
	Code: "DL3042", Title: "pip keeps its cache", Severity: lint.Warning, Family: lint.Hadolint,
	Profiles: lint.HadolintProfile | lint.Recommended | lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3042",
	Why: "pip keeps each package that it fetches or builds in ~/.cache/pip, so the layer has it twice. Nothing is installed from that cache afterwards. " +
		"A cache mount keeps it for the next build without putting it into the image.",
	Bad:  "FROM python:3.12\nRUN pip install django==5.1",
	Good: "FROM python:3.12\nRUN pip install --no-cache-dir django==5.1",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !p.Options.Hadolint && !shipped(p.Doc, s) {
			return // what others only copy files from may be as large as it likes
		}
		for _, run := range s.Runs() {
			caching := pipInstalls(run)
			if len(caching) == 0 || pipCacheMounted(run) || inTemp(p.Doc, "/root/.cache/pip") || cacheOffByEnv(s, run) {
				continue
			}
			caching = keep(caching, func(v *invocation) bool {
				return !v.unknown && !v.has("--no-cache-dir", "--no-cache") && !cacheOffInScript(v.program)
			})
			// hadolint takes no step that deletes the cache for a reason to be silent
			if len(caching) == 0 || !p.Options.Hadolint && pipCacheDeleted(run) {
				continue
			}
			f := p.Report(caching[0].span(), "pip install leaves its cache in the image: add --no-cache-dir")
			addFlag(f, caching, "--no-cache-dir")
		}
	},
}

const noCacheDir = "PIP_NO_CACHE_DIR"

// switchesOff says whether a value of PIP_NO_CACHE_DIR is meant to switch the cache off. "off" is read
// by pip, and meant by those who write it, as the state of the cache.
func switchesOff(value string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on", "y", "t", "off"}, strings.ToLower(strings.Trim(value, `"'`)))
}

// cacheOffByEnv says whether ENV or ARG before a step switches the cache off. To hadolint, ARG is none of that.
func cacheOffByEnv(s *lint.Stage, run *lint.Run) bool {
	e := effective(s, run)
	if e == nil {
		return false
	}
	value, ok := e.Lookup(noCacheDir)
	if s.Options().Hadolint {
		value, ok = e.Env[noCacheDir]
	}
	return ok && switchesOff(value)
}

// cacheOffInScript says whether a script switches the cache off for a program: before its name, or
// anywhere before it for all that follows.
func cacheOffInScript(p program) bool {
	for _, w := range p.command.Words {
		if value, ok := strings.CutPrefix(w.S, noCacheDir+"="); ok && switchesOff(value) {
			return true // env PIP_NO_CACHE_DIR=1 pip install
		}
	}
	script := p.command.Script
	if p.command.Call == nil || !strings.Contains(script.Text.S, noCacheDir) {
		return false
	}
	off := false
	syntax.Walk(script.Tree, func(n syntax.Node) bool {
		if n == nil || n.Pos().Offset() > p.command.Call.Pos().Offset() {
			return false
		}
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && c != p.command.Call {
			return false
		}
		if a, ok := n.(*syntax.Assign); ok && a.Name != nil && a.Name.Value == noCacheDir && a.Value != nil {
			off = switchesOff(script.Span(a.Value).S)
		}
		return true
	})
	return off
}

// pipCacheMounted says whether a mount holds the cache, whoever's it is.
func pipCacheMounted(run *lint.Run) bool {
	return slices.ContainsFunc(run.Mounts(), func(f dockerfile.Flag) bool {
		kind, target := lint.MountType(f), strings.TrimSuffix(lint.MountTarget(f), "/")
		return (kind == "cache" || kind == "tmpfs") && (strings.HasSuffix(target, "/.cache") || strings.Contains(target, "pip"))
	})
}

// pipCacheDeleted says whether a step deletes the cache itself.
func pipCacheDeleted(run *lint.Run) bool {
	for c := range programs(run) {
		switch name := c.name(); {
		case name == "rm":
			if c.recursive() && slices.ContainsFunc(c.words[1:], isPipCache) {
				return true
			}
		case isVersioned(name, "pip"):
			if v := pip.parse(c); v.is("cache") && len(v.args) > 0 && v.args[0].S == "purge" {
				return true
			}
		}
	}
	return false
}

func isPipCache(w shellscript.Word) bool {
	dir := strings.TrimRight(w.S, "/*")
	return strings.HasSuffix(dir, "/.cache") || strings.HasSuffix(dir, "/.cache/pip")
}
