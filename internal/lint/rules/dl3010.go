package rules

import (
	"path"
	"slices"
	"strings"

	dockerfile "github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var dl3010 = &lint.Rule{
	Code: "DL3010", Title: "An archive is copied and unpacked in two steps", Severity: lint.Info, Family: lint.Hadolint,
	Profiles: byDefault, Since: "0.1.0",
	Source: "https://github.com/hadolint/hadolint/wiki/DL3010",
	Why: "COPY puts the archive into a layer of its own, where it stays though a later RUN unpacks and deletes it. ADD unpacks a local tar archive " +
		"on its way into the image, which is one layer with the files and nothing else.",
	Bad:  "FROM debian:12\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz -C /opt",
	Good: "FROM debian:12\nADD app.tar.gz /opt/",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !slices.ContainsFunc(s.Instructions, mayCopyArchive) {
			return
		}
		for _, steps := range sequences(s) {
			reportUnpacked(p, steps)
		}
	},
}

var (
	// tarSuffixes are names of tar archives that ADD unpacks, in all profiles.
	tarSuffixes = []string{".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tb2", ".tbz", ".tbz2", ".tar.xz", ".txz"}
	// addSuffixes are more of them.
	addSuffixes = []string{".taz", ".tz2", ".tar.zst", ".tzst"}
	// hadolintSuffixes are those that hadolint takes for such, though ADD does not know their compression.
	hadolintSuffixes = []string{".tpz", ".tar.lz", ".tar.lzma", ".tlz", ".tar.Z", ".tZ"}
)

// mayCopyArchive sorts out nearly all instructions at little cost: every suffix of an archive begins so.
func mayCopyArchive(in *dockerfile.Instruction) bool {
	in = triggered(in)
	return in.Keyword == "COPY" && strings.Contains(in.Args.S, ".t")
}

// copiedArchive is an archive that an earlier step has put into the image.
type copiedArchive struct {
	name string // without its folder
	in   *dockerfile.Instruction
	text dockerfile.Text // the word of COPY
}

// reportUnpacked reports each COPY with an archive that a later one of the steps unpacks, once.
func reportUnpacked(p *lint.Pass, steps []step) {
	var copied []copiedArchive
	for _, st := range steps {
		if st.in.Keyword == "COPY" {
			copied = append(copied, archivesOf(st.in, p.Options.Hadolint)...)
		}
		if st.run == nil || len(copied) == 0 {
			continue
		}
		for c := range programs(st.run) {
			i := slices.IndexFunc(copied, func(a copiedArchive) bool { return unpacksArchive(c, a.name) })
			if i < 0 {
				continue
			}
			from := copied[i]
			p.Report(lint.At(from.text), "line %d unpacks %s: ADD does that without the archive in the image", st.in.Line, from.name)
			copied = slices.DeleteFunc(copied, func(a copiedArchive) bool { return a.in == from.in })
		}
	}
}

// archivesOf are the archives that a COPY takes from the context, under the names that they have in the image.
// ADD cannot take anything from another stage.
func archivesOf(in *dockerfile.Instruction, asHadolint bool) (out []copiedArchive) {
	sources, destination, ok := sourcesAndDestination(in)
	if _, from := in.Flag("from"); from || !ok {
		return nil
	}
	renamed := isTar(destination.Value, asHadolint)
	for _, source := range sources {
		name := source.Value
		if renamed {
			name = destination.Value
		}
		if isTar(name, asHadolint) {
			out = append(out, copiedArchive{path.Base(name), in, source.Text})
		}
	}
	return out
}

// isTar says by its name whether a file is a tar archive that ADD unpacks.
func isTar(name string, asHadolint bool) bool {
	more := addSuffixes
	if asHadolint {
		more = hadolintSuffixes
	}
	ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	return slices.ContainsFunc(tarSuffixes, ends) || slices.ContainsFunc(more, ends)
}

// unpackers are programs that do nothing but unpack what they are given.
var unpackers = []string{"gunzip", "bunzip2", "unxz", "unzstd", "unlzma", "uncompress", "zcat", "gzcat", "bzcat", "xzcat", "zstdcat", "lzcat"}

// unpacksArchive says whether a program unpacks an archive of this name, in whatever folder.
func unpacksArchive(c program, archive string) bool {
	switch name := c.name(); {
	case name == "tar" || name == "gtar" || name == "bsdtar":
		if !extracts(c.words[1:]) {
			return false
		}
	case name == "gzip" || name == "bzip2" || name == "xz" || name == "zstd":
		if !slices.ContainsFunc(c.words, func(w shellscript.Word) bool { return hasFlagLetter(w.S, 'd') || strings.HasPrefix(w.S, "--d") }) {
			return false
		}
	case !slices.Contains(unpackers, name):
		return false
	}
	return slices.ContainsFunc(c.words[1:], func(w shellscript.Word) bool {
		return path.Base(strings.TrimPrefix(w.S, "--file=")) == archive
	})
}

// extracts says whether tar is told to extract, by a flag or by letters without a dash in its first word.
func extracts(words []shellscript.Word) bool {
	for i, w := range words {
		if w.S == "--extract" || w.S == "--get" || hasFlagLetter(w.S, 'x') || i == 0 && hasFlagLetter("-"+w.S, 'x') {
			return true
		}
	}
	return false
}

// hasFlagLetter says whether a word is flags of one letter with this one among them. The last one may have a value behind it.
func hasFlagLetter(word string, letter byte) bool {
	flags, ok := strings.CutPrefix(word, "-")
	if !ok {
		return false
	}
	for i := range len(flags) {
		if flags[i] == letter {
			return true
		}
		if flags[i] < 'A' || flags[i] > 'z' {
			break
		}
	}
	return false
}
