package rules

import "github.com/plinth-build/plinth/internal/lint"

// security is the rules of that family.
var security = []*lint.Rule{}
