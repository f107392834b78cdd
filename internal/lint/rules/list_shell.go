package rules

import "github.com/plinth-build/plinth/internal/lint"

// shell is the rules of that family.
var shell = []*lint.Rule{
	sc2086,
}
