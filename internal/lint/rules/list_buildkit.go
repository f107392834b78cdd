package rules

import "github.com/plinth-build/plinth/internal/lint"

// buildkit is the rules of that family.
var buildkit = []*lint.Rule{}
