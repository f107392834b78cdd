// Package rulepage makes of a rule a page for docs/rules, or the same for a terminal
// (plinth explain).
package rulepage

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/report/text"
)

// site is where the pages can be read.
const site = "https://github.com/plinth-build/plinth/blob/main/docs/rules/"

const generated = "<!-- Generated from the program: go test ./internal/report/rulepage -update -->\n\n"

// URL is where a rule is explained: its page, or what its author gives; "" for neither.
func URL(r *lint.Rule) string {
	if r.Family == lint.Custom {
		return r.Source
	}
	return site + Name(r)
}

// Name is the file of a rule's page.
func Name(r *lint.Rule) string { return r.Code + ".md" }

// Pages are all pages by their file names, the index among them.
func Pages(rules []*lint.Rule) map[string][]byte {
	pages := map[string][]byte{"README.md": Index(rules)}
	for _, r := range rules {
		pages[Name(r)] = Markdown(r, Fixable(r))
	}
	return pages
}

// Fixable says whether a rule has a fix: whether its bad example is one that it can mend.
func Fixable(r *lint.Rule) bool { return fixOf(r) != "" }

// fixOf is what the fix of the bad example does.
func fixOf(r *lint.Rule) string {
	if r.Check == nil && r.Stage == nil {
		return ""
	}
	for _, f := range r.Findings(lint.NewDoc(syntax.Parse("Dockerfile", []byte(r.Bad)), nil, nil, nil)) {
		if f.Fix != nil {
			return f.Fix.Title
		}
	}
	return ""
}

// profiles are the names of those that have the rule on.
func profiles(r *lint.Rule) string {
	var names []string
	for _, name := range lint.ProfileNames() {
		if p, err := lint.ParseProfile(name); err == nil && r.Profiles&p != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none, it is off until it is named"
	}
	return strings.Join(names, ", ")
}

// fact is a line of what is known of a rule; those without a value are left out.
type fact struct{ name, value string }

func facts(r *lint.Rule) (out []fact) {
	for _, f := range []fact{
		{"Severity", r.Severity.String()},
		{"Family", string(r.Family)},
		{"Profiles", profiles(r)},
		{"Since", r.Since},
		{"Also known as", strings.Join(r.Aliases, ", ")},
		{"Source", r.Source},
	} {
		if f.value != "" {
			out = append(out, f)
		}
	}
	return out
}

// section is a part of a page: a heading, words, and a block of code.
type section struct {
	title string
	parts []part
}

// part is a paragraph, in Markdown, or a block of code.
type part struct{ words, language, code string }

func sections(r *lint.Rule, fixable bool) (out []section) {
	out = append(out, section{"Why", []part{{words: r.Why}}})
	if r.Bad != "" {
		out = append(out, section{"Bad", []part{{language: "dockerfile", code: r.Bad}}})
	}
	if r.Good != "" {
		out = append(out, section{"Good", []part{{language: "dockerfile", code: r.Good}}})
	}
	return append(out, fixSection(r, fixable), offSection(r))
}

func fixSection(r *lint.Rule, fixable bool) section {
	words := "`plinth lint --fix` does not change it: what is right here only you can tell."
	if fixable {
		words = "`plinth lint --fix` mends what can be mended without a doubt. `plinth lint --fix --diff` shows what that would change."
		if title := fixOf(r); title != "" {
			words = fmt.Sprintf("`plinth lint --fix` mends it where there is no doubt, here: %s. `plinth lint --fix --diff` shows what that would change.", title)
		}
	}
	return section{"Fix", []part{{words: words}}}
}

func offSection(r *lint.Rule) section {
	s := section{"Switch it off", []part{
		{words: "For one instruction, in a comment above it:"},
		{language: "dockerfile", code: "# plinth ignore=" + r.Code + " why it may be so"},
		{words: "`# hadolint ignore=" + r.Code + "` works too. With `global` before `ignore` it counts for the whole file."},
		{words: "For all files, in `plinth.yaml`:"},
		{language: "yaml", code: "lint:\n  rules:\n    " + r.Code + ": off"},
		{words: "or in `.hadolint.yaml`:"},
		{language: "yaml", code: "ignored:\n  - " + r.Code},
	}}
	switch r.Family {
	case lint.BuildKit:
		s.parts[2].words += " So does BuildKit's own `# check=skip=" + r.Code + "` at the top of the file."
	case lint.Custom:
		s.parts = s.parts[:5] // .hadolint.yaml knows nothing of it
	}
	return s
}

// Markdown is the page of a rule. fixable says whether it has a fix, see Fixable.
func Markdown(r *lint.Rule, fixable bool) []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	fmt.Fprintf(&b, "# %s: %s\n\n| | |\n|---|---|\n", text.Markdown(r.Code), text.Markdown(r.Title))
	for _, f := range facts(r) {
		value := text.Markdown(f.value)
		switch f.name {
		case "Family":
			if heading(r.Family) != "" {
				value = fmt.Sprintf("[%s](README.md#%s)", f.value, f.value)
			}
		case "Source":
			value = "<" + f.value + ">"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", f.name, value)
	}
	for _, s := range sections(r, fixable) {
		fmt.Fprintf(&b, "\n## %s\n", s.title)
		for _, p := range s.parts {
			b.WriteByte('\n')
			if p.words != "" {
				b.WriteString(strings.TrimSpace(p.words) + "\n")
				continue
			}
			fence := "```"
			for strings.Contains(p.code, fence) {
				fence += "`"
			}
			fmt.Fprintf(&b, "%s%s\n%s\n%s\n", fence, p.language, strings.TrimRight(p.code, "\n"), fence)
		}
	}
	return b.Bytes()
}

// Text is the same for a terminal, at most width columns wide; code is not wrapped.
func Text(r *lint.Rule, fixable bool, width int) string {
	var b strings.Builder
	b.WriteString(text.Hang("", "  ", text.Visible(r.Code+": "+r.Title), width))
	b.WriteByte('\n')
	for _, f := range facts(r) {
		b.WriteString(text.Hang(fmt.Sprintf("  %-15s", strings.ToLower(f.name)), strings.Repeat(" ", 17), text.Visible(f.value), width))
	}
	for _, s := range sections(r, fixable) {
		fmt.Fprintf(&b, "\n%s\n", s.title)
		for _, p := range s.parts {
			if p.words != "" {
				b.WriteString(text.Hang("  ", "  ", plain(p.words), width))
				continue
			}
			for line := range strings.SplitSeq(strings.TrimRight(p.code, "\n"), "\n") {
				b.WriteString(strings.TrimRight("    "+text.Visible(line), " ") + "\n")
			}
		}
	}
	return b.String()
}

// plain takes out of Markdown what only a browser needs: a link becomes its words and its address in
// brackets, and bold words become plain ones.
func plain(words string) string {
	words = strings.ReplaceAll(words, "**", "")
	var b strings.Builder
	for {
		open := strings.IndexByte(words, '[')
		mid := strings.Index(words[max(open, 0):], "](") + max(open, 0)
		end := strings.IndexByte(words[max(mid, 0):], ')') + max(mid, 0)
		if open < 0 || mid <= open || end <= mid || strings.ContainsRune(words[open+1:mid], '[') {
			b.WriteString(words)
			return text.Visible(b.String())
		}
		fmt.Fprintf(&b, "%s%s (%s)", words[:open], words[open+1:mid], words[mid+2:end])
		words = words[end+1:]
	}
}
