package rules

import "github.com/plinth-build/plinth/internal/lint"

// practice is the rules of that family.
var practice = []*lint.Rule{}
