// Package rules is the rules that plinth lint has, one file a rule.
//
// A rule is a *lint.Rule with its text beside its code, a line in the list of its
// family, and samples in testdata/CODE.txt: what it reports, and what looks similar and is
// fine. The tests run the samples and check that list, code, samples and pages in docs/rules
// match.
package rules

import (
	"slices"

	"github.com/plinth-build/plinth/internal/lint"
)

// All are all rules in the order of their families, by code within each.
func All() []*lint.Rule {
	return slices.Concat(hadolint, hadolintCommands, hadolintLabels, buildkit, security, practice, shell)
}
