package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3010 = &lint.Rule{
	Code: "DL3010", Title: "An archive is copied and unpacked in two steps", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3010",
	Why: "COPY puts the archive into a layer, and there it stays even if the RUN that unpacks it deletes it. ADD unpacks a tar archive of the build context on its way " +
		"into the image: one layer, with only what is needed.",
	Bad:  "FROM debian:12\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz -C /opt && rm /tmp/app.tar.gz",
	Good: "FROM debian:12\nADD app.tar.gz /opt/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		copied := map[string]*copiedArchive{}
		runs := runsOf(s)
		for _, in := range s.Instructions {
			in = triggered(in)
			if in.Keyword == "COPY" {
				rememberArchives(copied, in)
			}
			if run := runs[in]; run != nil && len(copied) > 0 {
				run.Each(func(c *shellscript.Command) {
					for _, name := range unpacked(unwrap(c)) {
						if a := copied[name]; a != nil && !a.reported {
							a.reported = true
							p.Report(lint.At(a.source), "%s is copied here and unpacked in line %d: ADD does both in one layer", name, run.In.Line)
						}
					}
				})
			}
		}
	},
}

// copiedArchive is a COPY that puts archives into the image.
type copiedArchive struct {
	source   syntax.Text
	reported bool
}

// rememberArchives notes the names of the archives that a COPY brings from the build context. ADD can't take files from other stages.
func rememberArchives(copied map[string]*copiedArchive, in *syntax.Instruction) {
	sources, destination, ok := sourcesAndDestination(in)
	if _, from := in.Flag("from"); from || !ok {
		return
	}
	var a copiedArchive
	if name := baseName(destination); isArchiveName(name) {
		a.source = sources[0].Text
		copied[name] = &a
		return
	}
	for _, source := range sources {
		if name := baseName(source); isArchiveName(name) {
			if a.source.S == "" {
				a.source = source.Text
			}
			copied[name] = &a
		}
	}
}

// baseName is the name of a file without its folders, on Windows too.
func baseName(a copyArgument) string {
	name := strings.Trim(a.Text.S, `"'`)
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// runsOf gives the commands of the RUN steps of a stage by their instructions.
func runsOf(s *lint.Stage) map[*syntax.Instruction]*lint.Run {
	runs := map[*syntax.Instruction]*lint.Run{}
	for _, r := range s.Runs() {
		runs[r.In] = r
	}
	return runs
}

// unpacked are the names of the files that a command may unpack, without folders.
func unpacked(c *shellscript.Command) (names []string) {
	switch c.Base() {
	case "tar", "bsdtar", "gtar":
		if !tarExtracts(c) || c.HasFlag("--strip-components", "--strip", "--transform", "--xform") {
			return nil // ADD takes all of it as it is
		}
	case "gunzip", "bunzip2", "unxz", "unlzma", "uncompress", "zcat", "gzcat", "unzip", "unzstd":
	default:
		return nil
	}
	for _, w := range c.Args() {
		name := w.S
		if _, value, ok := strings.Cut(name, "="); ok {
			name = value
		}
		names = append(names, name[strings.LastIndexAny(name, `/\`)+1:])
	}
	return names
}

// tarExtracts says whether tar unpacks: -x among others, --extract, --get, or letters without a dash.
func tarExtracts(c *shellscript.Command) bool {
	for _, f := range commandFlags(c, "fCbTXLNgHVKI") {
		if f.Name == "-x" || f.Name == "--extract" || f.Name == "--get" {
			return true
		}
	}
	return len(c.Args()) > 0 && oldStyle(c.Args()[0].S)
}

func oldStyle(letters string) bool {
	return strings.Contains(letters, "x") && strings.Trim(letters, "xzjJvfpkmotwhaCZ") == ""
}
