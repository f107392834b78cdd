// Package findings prints what plinth lint found: for people, for pipelines, for other programs.
//
//	err := findings.Write(os.Stdout, "sarif", findings.Report{Findings: found, Source: contents})
//
// Each form has a file and a line in the list of forms. All of them have the same findings in the same order.
package findings

import (
	"fmt"
	"io"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/lint/baseline"
	"github.com/plinth-build/plinth/internal/lint/waiver"
)

// Report is what a run found.
type Report struct {
	Findings []*lint.Finding // in their total order
	Waived   []waiver.Waived
	Accepted int                      // findings that a baseline accepts
	Stale    []baseline.Entry         // what the baseline accepts and is not there any more
	Files    int                      // how many were looked at
	Source   func(file string) []byte // the content of a file; may give nil
	Version  string                   // of plinth
	Colour   bool                     // for people: colours
	Width    int                      // for people: columns of the terminal; 0 means 80
}

// form is a way to print.
type form struct {
	name  string
	write func(io.Writer, Report) error
}

var forms = []form{
	{"pretty", pretty},
	{"json", jsonList},
	{"sarif", sarif},
	{"junit", junit},
	{"checkstyle", checkstyle},
	{"gitlab-codeclimate", codeClimate},
	{"github", github},
	{"markdown", markdown},
	{"hadolint", hadolint},
}

// Names are the names of the forms; the first one is for people.
func Names() (names []string) {
	for _, f := range forms {
		names = append(names, f.name)
	}
	return names
}

// Write prints a report in the form of that name.
func Write(w io.Writer, name string, r Report) error {
	for _, f := range forms {
		if f.name == name {
			return f.write(w, r)
		}
	}
	return fmt.Errorf("there is no form %q", name)
}

// message is what a finding says, with the targets that it is true for.
func message(f *lint.Finding) string {
	if len(f.Targets) == 0 {
		return f.Message
	}
	return f.Message + " (in " + few(f.Targets) + ")"
}

// few are some names as words.
func few(names []string) string {
	const most = 3
	out := ""
	for i, n := range names {
		if i == most {
			return fmt.Sprintf("%s and %d more", out, len(names)-most)
		}
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}
