package rulepage

import (
	"bytes"
	"fmt"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/report/text"
)

// families are those that have pages, in their order, with what the index says of them.
var families = []struct {
	family lint.Family
	words  string
}{
	{lint.Hadolint, "Codes and meanings are hadolint's."},
	{lint.BuildKit, "The checks of `docker build --check`, with BuildKit's names."},
	{lint.Security, "What scanners look for in Dockerfiles besides."},
	{lint.Practice, "What none of the others looks for."},
	{lint.Shell, "Codes and meanings are ShellCheck's, for the commands of RUN."},
}

func heading(f lint.Family) string {
	for _, have := range families {
		if have.family == f {
			return have.words
		}
	}
	return ""
}

// Index is the page with the tables of all rules.
func Index(rules []*lint.Rule) []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	b.WriteString("# Rules of plinth lint\n\n" +
		"`plinth explain CODE` prints the page of a rule. A rule is on in the profiles that are named with it, and " +
		"`plinth lint --fix` mends those with a fix.\n")
	for _, f := range families {
		var rows bytes.Buffer
		for _, r := range rules {
			if r.Family != f.family {
				continue
			}
			fix := ""
			if Fixable(r) {
				fix = "yes"
			}
			on := "–"
			if r.Profiles != 0 {
				on = profiles(r)
			}
			fmt.Fprintf(&rows, "| [%s](%s) | %s | %s | %s | %s |\n", text.Markdown(r.Code), Name(r), text.Markdown(r.Title), r.Severity, on, fix)
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| rule | what it reports | severity | profiles | fix |\n|---|---|---|---|---|\n%s", f.family, f.words, rows.Bytes())
		}
	}
	return b.Bytes()
}
