package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plinth-build/plinth/internal/dockerfile/syntax"
)

// Severity says how bad a finding is. A larger one is worse.
type Severity uint8

// The severities, with the words that hadolint has for them.
const (
	Off Severity = iota
	Style
	Info
	Warning
	Error
)

var severityNames = []string{"off", "style", "info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads the name of a severity. "ignore" and "none" are other names for off.
func ParseSeverity(name string) (Severity, error) {
	switch name {
	case "ignore", "none":
		return Off, nil
	}
	if i := slices.Index(severityNames, name); i >= 0 {
		return Severity(i), nil
	}
	return Off, fmt.Errorf("%q is no severity: %s", name, strings.Join(severityNames, ", "))
}

// Family is where a rule's meaning comes from. False alarms are counted by family.
type Family string

// The families.
const (
	Hadolint Family = "hadolint" // DL codes, as hadolint documents them
	BuildKit Family = "buildkit" // the checks of docker build --check
	Security Family = "security" // what Trivy, Checkov, dockle and docker-bench look for besides
	Practice Family = "practice" // what none of them looks for
	Shell    Family = "shell"    // ShellCheck codes, inside RUN
	Custom   Family = "custom"   // of the catalog's own plinth.yaml
)

// Profile is a set of rules that is on together.
type Profile uint8

// The profiles. A rule that is in none of them is off until it is named.
const (
	Recommended     Profile = 1 << iota // for everybody: what is wrong, not what is a matter of taste
	Strict                              // all that makes an image better
	BaseImage                           // for images that others build on
	HadolintProfile                     // what hadolint has on, and nothing else
	BuildKitProfile                     // the checks of docker build --check, and nothing else
)

var profileNames = map[string]Profile{"recommended": Recommended, "strict": Strict, "base-image": BaseImage, "hadolint": HadolintProfile, "buildkit": BuildKitProfile}

// ProfileNames are the names of the profiles.
func ProfileNames() []string {
	return []string{"recommended", "strict", "base-image", "hadolint", "buildkit"}
}

// ParseProfile reads the name of a profile.
func ParseProfile(name string) (Profile, error) {
	if p, ok := profileNames[name]; ok {
		return p, nil
	}
	return 0, fmt.Errorf("%q is no profile: %s", name, strings.Join(ProfileNames(), ", "))
}

// Rule is one check, as data beside its code. Exactly one of Check and Stage is set,
// except for rules whose findings come from elsewhere (BuildKit, ShellCheck).
type Rule struct {
	Code     string   // DL3008, SC2086, PL1001, or BuildKit's name
	Title    string   // what it reports, in a few words, no full stop
	Severity Severity // unless a configuration says otherwise
	Family   Family
	Profiles Profile
	Since    string   // the version of plinth that brought it
	Aliases  []string // the same rule elsewhere: "trivy:DS-0001", "checkov:CKV_DOCKER_7"
	Source   string   // URL of the documentation that the rule follows; "" for our own
	Why      string   // one paragraph, Markdown
	Bad      string   // a Dockerfile, or a part of one
	Good     string   // the same, mended

	Check func(*Pass)         // looks at a whole Dockerfile
	Stage func(*Pass, *Stage) // looks at each stage in turn
}

// Span is a part of a file, in bytes. To is behind its last byte.
type Span struct{ From, To int }

// Edit replaces a part of a file.
type Edit struct {
	Span
	Text string
}

// Fix is a change after which a finding is gone and nothing else is different.
type Fix struct {
	Title string // what it does, as in "add --no-install-recommends"
	Edits []Edit // none overlaps another
}

// Finding is a place that a rule does not like.
type Finding struct {
	Rule     *Rule
	Severity Severity
	File     string // as the user named it, slashes
	Rel      string // as configurations know it; "" for the same
	Span     Span
	Line     int // from 1
	Column   int // from 1, in bytes
	EndLine  int
	EndCol   int // behind the last byte
	Message  string
	Fix      *Fix
	Targets  []string // the catalog's targets that it is true for, when not for all of the file

	instruction *syntax.Instruction // that it is in, for comments that switch rules off
}

// Compare is the total order of findings: file, line, column, rule, message.
func (f *Finding) Compare(g *Finding) int {
	return cmp.Or(strings.Compare(f.File, g.File), cmp.Compare(f.Line, g.Line), cmp.Compare(f.Column, g.Column),
		strings.Compare(f.Rule.Code, g.Rule.Code), strings.Compare(f.Message, g.Message))
}

// Pass is one rule's look at one Dockerfile.
type Pass struct {
	*Doc
	Rule *Rule

	out *[]*Finding
}

// Report adds a finding. The span is that of a text, an instruction or a word; see At.
func (p *Pass) Report(at Span, format string, args ...any) *Finding {
	f := p.Finding(p.Rule, at, fmt.Sprintf(format, args...))
	*p.out = append(*p.out, f)
	return f
}

// Finding makes a finding in the file, for those that come from elsewhere than the rules' own code; see Linter.Keep.
func (d *Doc) Finding(r *Rule, at Span, message string) *Finding {
	f := &Finding{Rule: r, Severity: r.Severity, File: d.Path, Rel: d.Rel, Span: at, Message: message}
	f.Line, f.Column = d.File.Position(at.From)
	f.EndLine, f.EndCol = d.File.Position(max(at.To, at.From))
	f.instruction = d.instructionAt(at.From)
	return f
}

// WithFix says how a finding is mended.
func (f *Finding) WithFix(title string, edits ...Edit) *Finding {
	f.Fix = &Fix{Title: title, Edits: edits}
	return f
}

// At is the span of a text.
func At(t syntax.Text) Span { return Span{t.Offset(0), t.Offset(len(t.S))} }

// Keyword is the span of an instruction's keyword.
func Keyword(in *syntax.Instruction) Span { return Span{in.Start, in.Start + len(in.Raw)} }

// Whole is the span of an instruction from its keyword to the end of its arguments.
func Whole(in *syntax.Instruction) Span { return At(in.Text) }

// Replace is the edit that puts other words in the place of a text. The text must not go over
// several lines.
func Replace(t syntax.Text, with string) Edit { return Edit{At(t), with} }

// InsertBefore is the edit that puts words before a text.
func InsertBefore(t syntax.Text, words string) Edit {
	at := t.Offset(0)
	return Edit{Span{at, at}, words}
}

// InsertAfter is the edit that puts words behind a text.
func InsertAfter(t syntax.Text, words string) Edit {
	at := t.Offset(len(t.S))
	return Edit{Span{at, at}, words}
}

// InstructionStart is the offset of the instruction that a finding is in; ok is false if it is in none.
func (f *Finding) InstructionStart() (offset int, ok bool) {
	if f.instruction == nil {
		return 0, false
	}
	return f.instruction.Start, true
}
